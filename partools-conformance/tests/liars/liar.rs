//! One executor that breaks its contract in whatever way it is told. Without a lie it is honest: outputs of
//! a chunk are collected on the calling thread and then told to the run.

use partools_conformance::tasks::Counted;
use partools_core::{
    Caller, Capabilities, Cause, Chunk, Error, Executor, ItemError, Plan, Run, Sink, Task, Worker,
};
use std::any::{Any, TypeId};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// How it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    Reorders,
    /// Only with so many workers, and there only in one place of the whole matrix: texts, 100,000 of them,
    /// in chunks of three, all at once, and of these the first chunk.
    ReordersInOnePlace(usize),
    DropsTheLastChunk,
    RunsItemsTwice,
    LeaksADescriptor,
    LeaksAThread,
    LeaksAChild,
    MovesTheHost,
    TakesTheHook,
    DropsOutputsTwice,
    NeverDelivers,
    Hangs,
    ClaimsToIsolate,
    ClaimsToKill,
    LosesThePlace,
    StopsAtAnyFailure,
    RunsAhead,
    RestartsForEver,
    ForgetsThePlan,
    /// Tries every failure again, without a wait.
    RetriesAtOnce,
    /// Says that it has two workers, and has one.
    WorksAlone,
    IsDeaf,
}

pub(crate) struct Liar(pub(crate) Lie);

impl<T: Task> Executor<T> for Liar
where
    T::Output: 'static,
{
    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::new("liar", 1);
        match self.0 {
            Lie::ClaimsToIsolate => capabilities.with_isolation(),
            Lie::ClaimsToKill => capabilities.with_item_kill(),
            Lie::WorksAlone => Capabilities::new("liar", 2),
            _ => capabilities,
        }
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        match self.0 {
            Lie::NeverDelivers => return Ok(()),
            Lie::Hangs => loop {
                std::thread::park();
            },
            Lie::RunsAhead => return run_ahead(task, run, caller),
            _ => self.side_effect(),
        }
        let plan = match self.0 {
            Lie::ForgetsThePlan => Plan::new(),
            Lie::RetriesAtOnce => run.plan().clone().retries(3),
            _ => run.plan().clone(),
        };
        let mut worker = Worker::new(task, 0, &plan);
        while caller.deliver() {
            let Some(chunk) = run.try_claim() else { break };
            if self.0 == Lie::DropsTheLastChunk && chunk.range().end == run.count() {
                break;
            }
            if let Err(error) = self.fill(run, &mut worker, chunk) {
                run.abort(error);
            }
        }
        worker.finish().map_err(Error::from)
    }
}

impl Liar {
    fn side_effect(&self) {
        match self.0 {
            Lie::LeaksADescriptor => {
                std::mem::forget(std::fs::File::open("/dev/null").expect("there is a /dev/null"));
            }
            Lie::LeaksAThread => {
                let thread = std::thread::Builder::new();
                drop(thread.spawn(|| std::thread::sleep(Duration::from_secs(60))));
            }
            Lie::LeaksAChild => {
                let child = std::process::Command::new("true").spawn();
                std::mem::forget(child.expect("there is a true"));
            }
            Lie::MovesTheHost => std::env::set_current_dir("/").expect("there is a root"),
            Lie::TakesTheHook => drop(std::panic::take_hook()),
            _ => {}
        }
    }

    fn fill<T>(
        &self,
        run: &Run<T::Output>,
        worker: &mut Worker<&T>,
        mut chunk: Chunk<'_, T::Output>,
    ) -> Result<(), Error>
    where
        T: Task,
        T::Output: 'static,
    {
        let is_deaf = self.0 == Lie::IsDeaf;
        let mut heard = Heard {
            results: VecDeque::new(),
            needed: &|| if is_deaf { usize::MAX } else { run.bound() },
        };
        if self.0 == Lie::RunsItemsTwice {
            worker.run(chunk.range(), chunk.attempt(), &mut heard)?;
            heard.results.clear();
        }
        let mut tries = if self.0 == Lie::RestartsForEver {
            100
        } else {
            1
        };
        loop {
            tries -= 1;
            match worker.run(chunk.range(), chunk.attempt(), &mut heard) {
                Ok(()) => break,
                Err(error) if tries == 0 => return Err(error.into()),
                Err(_) => {}
            }
        }
        let mut results = heard.results;
        if self.reorders(run, &chunk) {
            results = results.into_iter().rev().collect();
        }
        for result in results {
            match result {
                Ok(output) => {
                    if self.0 == Lie::DropsOutputsTwice {
                        drop_another(&output);
                    }
                    assert!(chunk.push(output).is_ok(), "a chunk has room for its items");
                }
                Err(error) => self.fail(run, &mut chunk, error),
            }
        }
        Ok(())
    }

    fn reorders<O: 'static>(&self, run: &Run<O>, chunk: &Chunk<'_, O>) -> bool {
        match self.0 {
            Lie::Reorders => true,
            Lie::ReordersInOnePlace(workers) => {
                workers == 8
                    && TypeId::of::<O>() == TypeId::of::<String>()
                    && run.count() == 100_000
                    && chunk.range() == (0..3)
                    && !run.is_streaming()
            }
            _ => false,
        }
    }

    fn fail<O>(&self, run: &Run<O>, chunk: &mut Chunk<'_, O>, error: ItemError) {
        match (self.0, error.cause()) {
            (Lie::LosesThePlace, Cause::Panicked { message, .. }) => {
                let cause = Cause::Panicked {
                    message: message.clone(),
                    location: None,
                };
                chunk.fail(ItemError::new(error.index(), error.attempt(), cause));
            }
            (Lie::StopsAtAnyFailure, _) => run.abort(Error::executor("some item failed")),
            _ => chunk.fail(error),
        }
    }
}

/// Makes a second value of the same bits, and drops it.
fn drop_another<O: 'static>(output: &O) {
    let any: &dyn Any = output;
    if let Some(counted) = any.downcast_ref::<Counted>() {
        // SAFETY: a `Counted` owns nothing, it is a number that counts its drops: dropping a copy of its
        // bits makes the count wrong, which is the lie, and nothing else.
        drop(unsafe { std::ptr::read(counted) });
    }
}

/// Calls every item before it delivers the first.
fn run_ahead<T: Task>(
    task: &T,
    run: &Run<T::Output>,
    caller: &mut Caller<'_, T::Output>,
) -> Result<(), Error> {
    run.claims_elsewhere();
    let mut heard = Heard {
        results: VecDeque::new(),
        needed: &|| run.bound(),
    };
    let mut worker = Worker::new(task, 0, run.plan());
    worker.run(0..run.count(), 0, &mut heard)?;
    let mut next = 0;
    while caller.deliver() && next < run.count() {
        let Some(mut chunk) = run.admit(next..run.claim_limit()) else {
            break;
        };
        next = chunk.range().end;
        while !chunk.is_full() {
            match heard.results.pop_front() {
                Some(Ok(output)) => drop(chunk.push(output)),
                Some(Err(error)) => chunk.fail(error),
                None => break,
            }
        }
    }
    worker.finish().map_err(Error::from)
}

/// Collects what a worker tells.
struct Heard<'n, O> {
    results: VecDeque<Result<O, ItemError>>,
    needed: &'n dyn Fn() -> usize,
}

impl<O> Sink<O> for Heard<'_, O> {
    fn push(&mut self, output: O) {
        self.results.push_back(Ok(output));
    }
    fn fail(&mut self, error: ItemError) {
        self.results.push_back(Err(error));
    }
    fn needed(&self) -> usize {
        (self.needed)()
    }
}

/// There is one of these per process, so making another waits for the first to be gone: inside an item that
/// is for ever. (An `execute` that hangs when nested cannot be written: the core runs nested maps on
/// `Serial`, on every path by which an item can be called.)
pub(crate) struct Singleton(
    #[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>,
);

impl Singleton {
    pub(crate) fn new(_workers: usize) -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        Singleton(
            ONE.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}

impl<T: Task> Executor<T> for Singleton {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("singleton", 1)
    }
    fn execute(
        &self,
        task: &T,
        _run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        caller.work(task);
        Ok(())
    }
}
