//! A workbench: the two sides of the border as an executor whose middle the test writes.

use partools_core::wire::{Parcel, Request, Server, WireError};
use partools_core::{
    Caller, Capabilities, Error, Executor, ItemError, Job, Portable, PortableTask, Run,
};

/// What a test does with a packed task, between the two sides.
pub(crate) type Middle<'f, T> =
    dyn Fn(&T, &Run<<T as partools_core::Task>::Output>, &Parcel<'_>) -> Result<(), Error> + 'f;

struct Bench<'f, T: partools_core::Task>(&'f Middle<'f, T>);

impl<T: PortableTask<Output: Portable>> Executor<T> for Bench<'_, T> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("bench", 1)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        let parcel = Parcel::pack(task, run.plan())?;
        (self.0)(task, run, &parcel)?;
        caller.deliver();
        Ok(())
    }
}

/// Runs `job` with `middle` as the executor.
pub(crate) fn with<T: PortableTask<Output: Portable>>(
    job: &Job<T>,
    middle: &Middle<'_, T>,
) -> Result<Vec<Result<T::Output, ItemError>>, Error> {
    job.try_run(&Bench(middle))
}

/// Serves `parcel` in this process; what the body said.
pub(crate) fn serve<R>(
    parcel: &Parcel<'_>,
    mut body: impl FnMut(&mut Server<'_>) -> R,
) -> Result<R, WireError> {
    let segment = parcel.segment().expect("memory");
    let mut said = None;
    parcel
        .entry()
        .serve(parcel.head(), &[segment.as_bytes()], 0, &mut |server| {
            said = Some(body(server));
        })?;
    Ok(said.expect("it was called"))
}

/// The request for the first chunk of `run`, which is dropped.
pub(crate) fn first_request<T: PortableTask>(task: &T, run: &Run<T::Output>) -> Vec<u8> {
    let mut chunk = run.try_claim().expect("a chunk");
    let mut message = Request::new();
    let any = partools_core::wire::request(task, &mut chunk, &mut message).expect("a request");
    assert!(any);
    message.as_bytes().to_vec()
}
