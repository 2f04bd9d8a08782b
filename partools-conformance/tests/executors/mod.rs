//! Honest executors of a few lines, as a stranger would write them.

use partools_core::{
    Caller, Capabilities, Chunk, Error, Executor, ItemError, Portable, Run, Sink, Task, Worker,
    decode, encode,
};

/// On scoped threads; as in the documentation of [`Executor`].
pub(crate) struct Scoped(pub(crate) usize);

impl<T: Task + Sync> Executor<T> for Scoped
where
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("scoped", self.0)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        std::thread::scope(|s| {
            for worker in 1..self.0 {
                s.spawn(move || run.work(task, worker));
            }
            caller.work(task);
        });
        Ok(())
    }
}

/// On the calling thread, with outputs that cross a border: each is encoded, dropped, and decoded.
pub(crate) struct Ferry;

impl<T: Task> Executor<T> for Ferry
where
    T::Output: Portable,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("ferry", 1)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        let mut worker = Worker::new(task, 0, run.plan());
        while caller.deliver() {
            let Some(mut chunk) = run.try_claim() else {
                break;
            };
            let (range, attempt) = (chunk.range(), chunk.attempt());
            let mut boat = Boat {
                chunk: &mut chunk,
                run,
                scratch: Vec::new(),
            };
            if let Err(error) = worker.run(range, attempt, &mut boat) {
                run.abort(error);
            }
        }
        worker.finish().map_err(Error::from)
    }
}

struct Boat<'b, 'r, O> {
    chunk: &'b mut Chunk<'r, O>,
    run: &'r Run<O>,
    scratch: Vec<u8>,
}

impl<O: Portable> Sink<O> for Boat<'_, '_, O> {
    fn push(&mut self, output: O) {
        let bytes = encode(&output, &mut self.scratch).map(<[u8]>::to_vec);
        drop(output);
        let arrived = bytes
            .and_then(|bytes| decode(&bytes))
            .expect("the suite's outputs are portable");
        assert!(
            self.chunk.push(arrived).is_ok(),
            "a chunk has room for its items"
        );
    }
    fn fail(&mut self, error: ItemError) {
        self.chunk.fail(error);
    }
    fn needed(&self) -> usize {
        self.run.bound()
    }
}
