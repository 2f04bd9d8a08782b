//! The far side at work: a request in, records out. The worker loop is the core's, as everywhere.

use super::answer::{Outlet, Record, header};
use super::error::WireError;
use super::frame::FrameReader;
use crate::item_error::{Cause, ItemError};
use crate::panics::{Panic, catch, quietly};
use crate::portable::{Portable, encode};
use crate::remote::PortableTask;
use crate::worker::{Sink, Worker};
use crate::worker_error::WorkerError;
use std::ops::Range;

/// Answers requests about one task, with the state and the shared argument that are kept between them.
/// [`Entry::serve`](super::Entry::serve) makes one.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// # let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
/// # let mut result = Ok(());
/// parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |server| {
///     # result = (|| {
///     while let Some(mut chunk) = run.try_claim() {
///         let mut answer = Vec::new();
///         request(task, &mut chunk, &mut message)?;
///         server.answer(message.as_bytes(), &mut answer)?;
///         deliver(&answer, &mut chunk)?;
///     }
///     # Ok::<(), Error>(()) })();
/// })?;
/// # result?;
/// # Ok(())
/// # }
/// # }
/// // Chunk for chunk, the worker's state is the same.
/// let job = over(0..3).chunk(Chunks::of(1)).state(|_| 0).map_cx(|_, cx| { *cx.state += 1; *cx.state });
/// assert_eq!(job.run(&Example)?, [1, 2, 3]);
/// # Ok::<(), Error>(())
/// ```
pub struct Server<'s> {
    far: &'s mut dyn Answer,
}

impl<'s> Server<'s> {
    pub(super) fn new(far: &'s mut dyn Answer) -> Self {
        Server { far }
    }

    /// Answers one request: decodes its items, calls the task, and sends outputs and failures to `outlet` as they are
    /// made.
    ///
    /// # Errors
    /// Where the request is damaged or not one for this task. Nothing of it was called then, or what was is sent.
    pub fn answer(&mut self, request: &[u8], outlet: &mut dyn Outlet) -> Result<(), WireError> {
        self.far.answer(request, outlet)
    }
}

impl std::fmt::Debug for Server<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

pub(super) trait Answer {
    fn answer(&mut self, request: &[u8], outlet: &mut dyn Outlet) -> Result<(), WireError>;
}

/// A far task and its worker.
pub(super) struct Far<'m, T: PortableTask> {
    worker: Option<Worker<T::Far<'m>>>,
}

impl<'m, T: PortableTask> Far<'m, T> {
    pub(super) fn new(worker: Worker<T::Far<'m>>) -> Self {
        Far {
            worker: Some(worker),
        }
    }

    pub(super) fn finish(mut self) -> Result<(), WorkerError> {
        self.worker.take().map_or(Ok(()), Worker::finish)
    }
}

impl<'m, T> Answer for Far<'m, T>
where
    T: PortableTask,
    T::Output: Portable,
{
    fn answer(&mut self, request: &[u8], outlet: &mut dyn Outlet) -> Result<(), WireError> {
        let (header, mut items) = header(request)?;
        let range = header.range()?;
        let Some(worker) = &mut self.worker else {
            return Err(WireError::new("a request for a worker that has ended"));
        };
        let mut post = Post {
            outlet,
            scratch: Vec::new(),
            sent: 0,
        };
        post.say(Record::Begin, &header);
        let (mut at, mut attempt) = (range.start, header.attempt);
        while at < range.end {
            let (taken, bad) = take::<T>(worker.task_mut(), at..range.end, &mut items)?;
            worker.begin();
            post.sent = 0;
            if let Err(error) = worker.run(at..taken, attempt, &mut post) {
                post.say(Record::Broken, &error);
                return Ok(());
            }
            if post.sent < taken - at {
                // The rest is not needed.
                break;
            }
            at = taken;
            if let Some(cause) = bad {
                Sink::<T::Output>::fail(
                    &mut post,
                    ItemError::new(at, if at == range.start { attempt } else { 0 }, cause),
                );
                at += 1;
            }
            attempt = 0;
        }
        post.outlet.send(Record::End, &[]);
        Ok(())
    }
}

/// Deals items to the far task, up to the first that cannot be read: where that is, and what is wrong with it.
fn take<T: PortableTask>(
    far: &mut T::Far<'_>,
    range: Range<usize>,
    items: &mut FrameReader<'_>,
) -> Result<(usize, Option<Cause>), WireError> {
    // The items of the chunk before are dropped here, by code of the user's.
    quietly(|| T::deal(far, range.clone()));
    if T::DEALT {
        for index in range.clone() {
            let mut item = FrameReader::new(items.bytes());
            items.check()?;
            match catch(|| T::take_item(far, &mut item)) {
                Ok(Ok(())) => item.check()?,
                Ok(Err(error)) => {
                    item.check()?;
                    return Ok((index, Some(Cause::NotPortable(error))));
                }
                Err(panic) => {
                    let Panic {
                        message, location, ..
                    } = panic;
                    return Ok((index, Some(Cause::Panicked { message, location })));
                }
            }
        }
    }
    match items.is_empty() {
        true => Ok((range.end, None)),
        false => Err(WireError::new("a request with something behind its items")),
    }
}

/// Sends outputs and failures as they are made.
struct Post<'o> {
    outlet: &'o mut dyn Outlet,
    scratch: Vec<u8>,
    /// Items answered since it was last set to 0.
    sent: usize,
}

impl Post<'_> {
    /// Sends something of the core's own types, which can always be sent.
    fn say<V: Portable>(&mut self, record: Record, value: &V) {
        let mut scratch = Vec::new();
        let bytes = encode(value, &mut scratch).unwrap_or_default();
        self.outlet.send(record, bytes);
    }
}

impl<O: Portable> Sink<O> for Post<'_> {
    fn push(&mut self, output: O) {
        let mut scratch = std::mem::take(&mut self.scratch);
        match encode(&output, &mut scratch) {
            Ok(bytes) => self.outlet.send(Record::Output, bytes),
            Err(error) => self.say(
                Record::Failed,
                &ItemError::new(0, 0, Cause::NotPortable(error)),
            ),
        }
        self.scratch = scratch;
        self.sent += 1;
        // The output is on its way; what its copy here does when it is dropped changes nothing.
        quietly(|| drop(output));
    }

    fn fail(&mut self, error: ItemError) {
        self.sent += 1;
        self.say(Record::Failed, &error);
    }

    fn needed(&self) -> usize {
        self.outlet.needed()
    }
}
