//! Which executors are in this build: the one place where features and the system decide.

use partools_core::{Executor, Loopback, Portable, PortableTask, Serial, Task};
#[cfg(all(feature = "fork", target_os = "linux"))]
use partools_fork::Fork;
#[cfg(all(feature = "ipc", target_os = "linux"))]
use partools_ipc::Ipc;
#[cfg(feature = "rayon")]
use partools_threads::Rayon;
#[cfg(feature = "threads")]
use partools_threads::Threads;

/// An executor of this build.
#[derive(Debug, Clone)]
pub(crate) enum Present {
    Serial(Serial),
    #[cfg(feature = "threads")]
    Threads(Threads),
    #[cfg(feature = "rayon")]
    Rayon(Rayon<'static>),
    #[cfg(all(feature = "fork", target_os = "linux"))]
    Fork(Fork),
}

/// Makes one with so many workers; `None` where it is not in this build.
pub(crate) type Make<P> = Option<fn(Option<usize>) -> P>;

pub(crate) const SERIAL: Make<Present> = Some(|_| Present::Serial(Serial));

#[cfg(feature = "threads")]
pub(crate) const THREADS: Make<Present> = Some(|workers| {
    let new = Threads::new();
    Present::Threads(workers.map_or(new.clone(), |count| new.workers(count)))
});
#[cfg(not(feature = "threads"))]
pub(crate) const THREADS: Make<Present> = None;

#[cfg(feature = "rayon")]
pub(crate) const RAYON: Make<Present> = Some(|_| Present::Rayon(Rayon::new()));
#[cfg(not(feature = "rayon"))]
pub(crate) const RAYON: Make<Present> = None;

#[cfg(all(feature = "fork", target_os = "linux"))]
pub(crate) const FORK: Make<Present> = Some(|workers| {
    let new = Fork::new();
    Present::Fork(workers.map_or(new.clone(), |count| new.workers(count)))
});
#[cfg(not(all(feature = "fork", target_os = "linux")))]
pub(crate) const FORK: Make<Present> = None;

/// An executor of this build for portable tasks.
#[derive(Debug, Clone)]
pub(crate) enum PortablePresent {
    Any(Present),
    Loopback(Loopback),
    #[cfg(all(feature = "ipc", target_os = "linux"))]
    Ipc(Ipc),
}

pub(crate) const LOOPBACK: Make<PortablePresent> = Some(|_| PortablePresent::Loopback(Loopback));

#[cfg(all(feature = "ipc", target_os = "linux"))]
pub(crate) const IPC: Make<PortablePresent> = Some(|workers| {
    let new = Ipc::new();
    PortablePresent::Ipc(workers.map_or(new.clone(), |count| new.workers(count)))
});
#[cfg(not(all(feature = "ipc", target_os = "linux")))]
pub(crate) const IPC: Make<PortablePresent> = None;

impl PortablePresent {
    /// As a trait object. The bounds are those of all executors together, in every build.
    pub(crate) fn as_dyn<T>(&self) -> &dyn Executor<T>
    where
        T: PortableTask + Sync,
        T::Output: Send + Portable,
    {
        match self {
            PortablePresent::Any(any) => any.as_dyn(),
            PortablePresent::Loopback(loopback) => loopback,
            #[cfg(all(feature = "ipc", target_os = "linux"))]
            PortablePresent::Ipc(ipc) => ipc,
        }
    }
}

impl Present {
    /// As a trait object. The bounds are those of all executors together, in every build.
    pub(crate) fn as_dyn<T>(&self) -> &dyn Executor<T>
    where
        T: Task + Sync,
        T::Output: Send + Portable,
    {
        match self {
            Present::Serial(serial) => serial,
            #[cfg(feature = "threads")]
            Present::Threads(threads) => threads,
            #[cfg(feature = "rayon")]
            Present::Rayon(rayon) => rayon,
            #[cfg(all(feature = "fork", target_os = "linux"))]
            Present::Fork(fork) => fork,
        }
    }
}
