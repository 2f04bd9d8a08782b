//! `Loopback`: the whole portable path, in one process. What works here works across any border, as far as
//! the bytes are concerned; and where something does not, a debugger sees both sides.

use crate::caller::Caller;
use crate::capability::Capabilities;
use crate::error::Error;
use crate::executor::Executor;
use crate::portable::Portable;
use crate::remote::PortableTask;
use crate::run::Run;
use crate::wire::{Parcel, Request, SegmentBuffer, deliver, request};

/// Runs every item on the calling thread, as a worker elsewhere would: the task is packed and unpacked, the shared
/// argument copied into a segment and attached there, items and outputs are encoded and decoded.
///
/// To test and debug what is to run in worker processes, without any. It is slower than
/// [`Serial`](crate::Serial), and holds the shared argument a second time.
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
        let mut written = Vec::new();
        parcel
            .write_segment(&mut written)
            .map_err(|e| Error::os("writing a segment to memory", e))?;
        let segment = SegmentBuffer::read(&mut &written[..], parcel.segment_len())
            .map_err(|e| Error::os("memory for a segment", e))?;
        drop(written);
        let mut result = Ok(());
        parcel
            .entry()
            .serve(parcel.head(), &[segment.as_bytes()], 0, &mut |server| {
                let (mut message, mut answer) = (Request::new(), Vec::new());
                result = (|| {
                    while let Some(mut chunk) = run.try_claim() {
                        if request(task, &mut chunk, &mut message)? {
                            answer.clear();
                            server.answer(message.as_bytes(), &mut answer)?;
                            deliver(&answer, &mut chunk)?;
                        }
                        chunk.commit();
                        caller.deliver();
                    }
                    Ok::<(), Error>(())
                })();
            })?;
        result
    }
}
