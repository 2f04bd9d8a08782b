//! `Loopback`: the whole portable path, in one process. What works here works across any border, as far as
//! the bytes are concerned; and where something does not, a debugger sees both sides.

use crate::caller::Caller;
use crate::capability::Capabilities;
use crate::chunk::Chunk;
use crate::error::Error;
use crate::executor::Executor;
use crate::portable::Portable;
use crate::remote::PortableTask;
use crate::run::Run;
use crate::wire::{
    Outlet, Parcel, Record, Request, Server, WireError, accept, append_element, request,
};

/// Runs every item on the calling thread, as a worker elsewhere would: the task is packed and unpacked, the shared
/// argument copied into a segment and attached there, items and outputs are encoded and decoded.
///
/// To test and debug what is to run in worker processes, without any. It is slower than
/// [`Serial`](crate::Serial), and holds the shared argument a second time. A panic crosses as its text, as it would elsewhere.
///
/// ```
/// use partools_core::{Loopback, over};
/// let array = [1.0, 2.0, 3.0];
/// let halves = over(0..3).shared(array.as_slice()).map(|i, array| array[i] / 2.0).run(&Loopback)?;
/// assert_eq!(halves, [0.5, 1.0, 1.5]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Loopback;

impl<T> Executor<T> for Loopback
where
    T: PortableTask,
    T::Output: Portable,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("loopback", 1)
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        let parcel = Parcel::pack(task, run.plan())?;
        let segment = parcel
            .segment()
            .map_err(|e| Error::os("memory for the shared argument", e))?;
        let mut result = Ok(());
        let served = parcel
            .entry()
            .serve(parcel.head(), &[segment.as_bytes()], 0, &mut |server| {
                result = serve(server, task, run, caller);
            });
        // What went wrong first is told; the state's `Drop` comes last.
        result?;
        Ok(served?)
    }
}

fn serve<T>(
    server: &mut Server<'_>,
    task: &T,
    run: &Run<T::Output>,
    caller: &mut Caller<'_, T::Output>,
) -> Result<(), Error>
where
    T: PortableTask,
    T::Output: Portable,
{
    let mut message = Request::new();
    while let Some(mut chunk) = run.try_claim() {
        chunk.given_to(0);
        if request(task, &mut chunk, &mut message)? {
            let mut border = Border {
                run,
                chunk: &mut chunk,
                row: Vec::new(),
                accepted: Ok(false),
            };
            server.answer(message.as_bytes(), &mut border)?;
            border.accepted?;
        }
        chunk.commit();
        caller.deliver();
    }
    Ok(())
}

/// Hands each record to the near side at once, so that a failure stops what is above it; small outputs in short rows.
struct Border<'c, 'r, O> {
    run: &'r Run<O>,
    chunk: &'c mut Chunk<'r, O>,
    row: Vec<u8>,
    /// Is the answer whole?
    accepted: Result<bool, WireError>,
}

impl<O: Portable> Border<'_, '_, O> {
    fn accept(&mut self, record: Record, payload: &[u8]) {
        if let Ok(false) = self.accepted {
            self.accepted = accept(record, payload, self.chunk);
        }
    }

    fn close_row(&mut self) {
        if !self.row.is_empty() {
            let row = std::mem::take(&mut self.row);
            self.accept(Record::Row, &row);
            self.row = row;
            self.row.clear();
        }
    }
}

/// The most bytes of a row.
const ROW: usize = 256;

impl<O: Portable> Outlet for Border<'_, '_, O> {
    fn send(&mut self, record: Record, payload: &[u8]) {
        self.close_row();
        self.accept(record, payload);
    }

    fn gathers(&self) -> bool {
        true
    }

    fn gather(&mut self, element: &[u8]) {
        append_element(&mut self.row, element);
        if self.row.len() >= ROW {
            self.close_row();
        }
    }

    fn needed(&self) -> usize {
        match self.accepted {
            Ok(_) => self.run.bound(),
            Err(_) => 0,
        }
    }
}
