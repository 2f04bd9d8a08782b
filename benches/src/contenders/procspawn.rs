//! The peer procspawn: a pool of processes that are this executable, started again. Arguments and results go through
//! postcard, so there is no shared argument: every call would carry its own copy of it.

use crate::contender::{Contender, Trouble};
use crate::work::Work;
use procspawn::{JoinHandle, Pool, ProcConfig};
use std::sync::mpsc;

/// Four tasks for each worker, as Python's `Pool.map` cuts them: a call for each item costs 200 µs.
const PARTS_PER_WORKER: usize = 4;

/// Items in equal parts, on a pool that is kept.
pub(super) struct Procspawn {
    pool: Pool,
    workers: usize,
}

impl Contender for Procspawn {
    fn start(workers: usize) -> Self {
        ProcConfig::new().init();
        // SAFETY: what is called is a function of this executable, never one of a shared library.
        unsafe { procspawn::assert_spawn_is_safe() };
        let pool = Pool::new(workers).expect("this executable can be started again");
        Procspawn { pool, workers }
    }

    fn map<W: Work>(
        &mut self,
        items: &[W::Item],
        _: &[W::Shared],
    ) -> Result<Vec<W::Output>, Trouble> {
        if W::SHARES {
            return Err(Trouble::Cannot(
                "it has no shared argument: each call would carry a copy of it".to_owned(),
            ));
        }
        let part = items.len().div_ceil(self.workers * PARTS_PER_WORKER).max(1);
        // A call with large arguments returns when a worker takes them, and a worker is free for that when somebody has
        // taken its last result: so results are taken by another thread, or both would wait for ever.
        let (calls, made) = mpsc::channel();
        std::thread::scope(|scope| {
            let collecting = scope.spawn(move || {
                let mut outputs = Vec::new();
                for call in made {
                    let call: JoinHandle<Vec<W::Output>> = call;
                    outputs.extend(
                        call.join()
                            .map_err(|error| Trouble::Failed(error.to_string()))?,
                    );
                }
                Ok(outputs)
            });
            for part in items.chunks(part) {
                let call = self.pool.spawn(part.to_vec(), call_part::<W>);
                if calls.send(call).is_err() {
                    break;
                }
            }
            drop(calls);
            let collected = collecting.join();
            collected.map_err(|_| Trouble::Failed("the collecting thread panicked".to_owned()))?
        })
    }
}

impl Drop for Procspawn {
    fn drop(&mut self) {
        self.pool.shutdown();
    }
}

/// In the worker.
fn call_part<W: Work>(items: Vec<W::Item>) -> Vec<W::Output> {
    items.iter().map(|item| W::call(item, &[])).collect()
}

/// In a process that a pool has started: works for it, and does not return.
pub(crate) fn become_worker_if_asked() {
    if std::env::var_os("__PROCSPAWN_CONTENT_PROCESS_ID").is_some() {
        ProcConfig::new().init();
    }
}
