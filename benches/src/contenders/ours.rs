//! The executors of partools. The place for the next one.

use super::crates;
use crate::executor_contender;
use partools::{Fork, Ipc, Loopback, Rayon, Serial, Threads};

executor_contender!(
    /// The reference of the contract: the calling thread.
    pub(super) OnSerial, Serial, |_| Serial
);
executor_contender!(
    /// Threads, kept from map to map.
    pub(super) OnThreads, Threads, |workers| Threads::new().workers(workers)
);
executor_contender!(
    /// Forked children, made for each map.
    pub(super) OnFork, Fork, |workers| Fork::new().workers(workers)
);
executor_contender!(
    /// This executable, started again for the first map and kept.
    pub(super) OnIpc, Ipc, |workers| Ipc::new().workers(workers)
);
executor_contender!(
    /// In rayon's global pool, as programs have it that use rayon already.
    pub(super) OnRayon, Rayon<'static>, |workers| {
        crates::global_rayon_pool(workers);
        Rayon::new()
    }
);
executor_contender!(
    /// Everything that crosses a border, without one: on the calling thread.
    pub(super) OnLoopback, Loopback, |_| Loopback
);
