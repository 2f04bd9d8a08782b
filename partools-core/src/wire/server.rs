//! The far side at work: a request in, records out. The worker loop is the core's, as everywhere.

use super::answer::{Outlet, Record};
use super::elements::Elements;
use super::error::{WireError, broken_by, cause_of};
use super::frame::FrameReader;
use super::request::Header;
use super::row::{Encoded, Encoder};
use crate::item_error::{Cause, ItemError};
use crate::order::Order;
use crate::panics::{catch, quietly};
use crate::portable::{Portable, encode};
use crate::remote::PortableTask;
use crate::worker::{Sink, Worker};
use crate::worker_error::WorkerError;
use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

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
    /// Where the request is damaged or not one for this task. What of it was called until that showed is sent; no
    /// [`Record::End`] follows.
    ///
    /// # Panics
    /// Where `outlet` does; never by the task's own code.
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
    count: usize,
    /// Somebody looks on, and is told how long it took.
    is_observed: bool,
    /// Requests say which items they mean.
    has_order: bool,
}

impl<'m, T: PortableTask> Far<'m, T> {
    /// Requests say which items they mean, where they are in another order than theirs.
    pub(super) fn told_places(mut self, has_order: bool) -> Self {
        self.has_order = has_order;
        self
    }

    /// `count`: how many items the task has.
    pub(super) fn new(worker: Worker<T::Far<'m>>, count: usize, is_observed: bool) -> Self {
        Far {
            worker: Some(worker),
            count,
            is_observed,
            has_order: false,
        }
    }

    pub(super) fn finish(mut self) -> Result<(), WorkerError> {
        // With the worker go the far task and what it decoded: code of the user's.
        match catch(|| self.worker.take().map_or(Ok(()), Worker::finish)) {
            Ok(finished) => finished,
            Err(panic) => Err(broken_by("dropping what a worker had of it", &panic)),
        }
    }
}

/// Also where the body's panic unwinds past it: what is dropped must not panic then.
impl<T: PortableTask> Drop for Far<'_, T> {
    fn drop(&mut self) {
        quietly(|| drop(self.worker.take()));
    }
}

impl<'m, T> Answer for Far<'m, T>
where
    T: PortableTask,
    T::Output: Portable,
{
    fn answer(&mut self, request: &[u8], outlet: &mut dyn Outlet) -> Result<(), WireError> {
        let (header, rest) = Header::split(request)?;
        let (range, mut attempt) = (header.range.clone(), header.attempt);
        if range.end > self.count {
            let count = self.count;
            let text = format!("a request for items {range:?} of a task that has {count}");
            return Err(WireError::new(text));
        }
        let Some(worker) = &mut self.worker else {
            return Err(WireError::new("a request for a worker that has ended"));
        };
        let mut items = FrameReader::new(rest);
        let order = match self.has_order {
            true => Some(read_order(&mut items, &range, self.count)?),
            false => None,
        };
        if let Some(order) = &order {
            worker.set_order(order.clone());
        }
        let gathers = outlet.gathers();
        let mut post = Post {
            encoder: Encoder::new(gathers),
            gathers,
            outlet,
            next: range.start,
            end: range.end,
            thrown: None,
        };
        // The state first: a worker that is killed while it makes one has begun no item.
        let started = match range.start < post.needed() {
            true => worker.start(),
            false => Ok(()),
        };
        post.send(Record::Begin, &header.to_bytes());
        if let Err(error) = started {
            post.say(Record::Broken, &error);
            return post.close();
        }
        post.begins();
        let begun = self.is_observed.then(Instant::now);
        let mut at = range.start;
        while at < range.end && at < post.needed() {
            // Items in another order need not follow one another, so they are dealt one by one.
            let (end, dealt) = match &order {
                None => (range.end, at..range.end),
                Some(order) => (at + 1, order.item(at)..order.item(at) + 1),
            };
            if let Err(panic) = catch(|| T::deal(worker.task_mut(), dealt)) {
                post.say(Record::Broken, &broken_by("dealing it its items", &panic));
                return post.close();
            }
            let (taken, bad) = take::<T>(worker.task_mut(), at..end, &mut items)?;
            if bad.is_none() && end == range.end && !items.is_empty() {
                return Err(WireError::new("a request with something behind its items"));
            }
            worker.begin();
            let ran = worker.run(at..taken, attempt, &mut ByPost(&mut post));
            if let Err(error) = ran {
                post.say(Record::Broken, &error);
                return post.close();
            }
            if post.next < taken || taken >= post.needed() {
                // The rest is not needed.
                break;
            }
            if let Some(cause) = bad {
                let attempt = if taken == range.start { attempt } else { 0 };
                post.fail(&ItemError::new(taken, attempt, cause));
            }
            at = post.next;
            attempt = 0;
        }
        post.rests();
        if let Some(begun) = begun {
            post.say(Record::Worked, &(begun.elapsed(), worker.take_slowest()));
        }
        post.send(Record::End, &[]);
        post.close()
    }
}

/// Hands items to the far task, up to the first that cannot be read: where that is, and what is wrong with it.
fn take<T: PortableTask>(
    far: &mut T::Far<'_>,
    range: Range<usize>,
    items: &mut FrameReader<'_>,
) -> Result<(usize, Option<Cause>), WireError> {
    if T::DEALT && T::items_are_plain() {
        let taken = catch(|| range.clone().try_for_each(|_| T::take_item(far, items)));
        items.check()?;
        return match taken {
            Ok(Ok(())) => Ok((range.end, None)),
            // Whose it is cannot be said.
            Ok(Err(_)) | Err(_) => Err(WireError::new("an item that is not plain data")),
        };
    }
    if T::DEALT {
        for index in range.clone() {
            let mut item = FrameReader::new(items.bytes());
            items.check()?;
            let taken = catch(|| T::take_item(far, &mut item));
            item.check()?;
            match taken {
                Ok(Ok(())) if item.is_empty() => {}
                Ok(Ok(())) => return Err(WireError::new("an item with something behind its end")),
                Ok(Err(error)) => return Ok((index, Some(Cause::NotPortable(error)))),
                Err(panic) => return Ok((index, Some(cause_of(panic)))),
            }
        }
    }
    Ok((range.end, None))
}

/// Which items are at the places of `range`.
fn read_order(
    from: &mut FrameReader<'_>,
    range: &Range<usize>,
    count: usize,
) -> Result<Order, WireError> {
    let items: Vec<usize> = from.value()?;
    if items.len() < range.len() || items.iter().any(|&item| item >= count) {
        return Err(WireError::new("a request for items that are not there"));
    }
    Ok(Order::of_chunk(count, range.start, items))
}

/// Sends outputs and failures as they are made.
struct Post<'o> {
    outlet: &'o mut dyn Outlet,
    /// The outlet takes small outputs in rows, and is not told of each item.
    gathers: bool,
    encoder: Encoder,
    /// The item whose record is sent next.
    next: usize,
    /// Where the request ends.
    end: usize,
    /// A panic of the outlet's. It is the executor's: kept until the worker's loop is left, or it would be taken for the
    /// item's.
    thrown: Option<Box<dyn Any + Send>>,
}

impl Post<'_> {
    fn send(&mut self, record: Record, payload: &[u8]) {
        if self.thrown.is_none() {
            self.thrown = hold(|| self.outlet.send(record, payload)).err();
        }
    }

    fn gather(&mut self, element: &[u8]) {
        if self.thrown.is_none() {
            self.thrown = hold(|| self.outlet.gather(element)).err();
        }
    }

    /// Sends something of the core's own types, which can always be sent.
    fn say<V: Portable>(&mut self, record: Record, value: &V) {
        let mut scratch = Vec::new();
        let bytes = encode(value, &mut scratch).unwrap_or_default();
        self.send(record, bytes);
    }

    /// The next item is called, if there is one. (Executors' own code, as `needed` is: what panics here is not kept for later.)
    fn begins(&mut self) {
        if self.next < self.end && !self.gathers {
            self.outlet.begins(self.next);
        }
    }

    #[inline]
    fn push<O: Portable>(&mut self, output: O) {
        // The short way: nothing of the user's own is called.
        if self.thrown.is_none()
            && let Some(element) = self.encoder.element(&output)
        {
            self.outlet.gather(element);
            self.next += 1;
            return;
        }
        self.rests();
        self.push_any(output);
    }

    /// Where the next outputs can be laid into what the outlet lends: how many of so many.
    fn room<O: Portable>(&mut self, items: usize) -> Option<usize> {
        let words = self.encoder.words::<O>()?;
        if self.thrown.is_some() {
            return None;
        }
        match hold(|| self.outlet.room(words, items)) {
            Ok(room) => room,
            Err(panic) => {
                self.thrown = Some(panic);
                None
            }
        }
    }

    fn push_any<O: Portable>(&mut self, output: O) {
        let mut encoder = std::mem::take(&mut self.encoder);
        // The user's own `Serialize` may panic. That is the item's failure, once the output is dropped: should that
        // panic, too, it would abort the process while unwinding.
        let (value, room) = (&output, &mut encoder);
        let encoded = hold(move || room.encode(value));
        let encoded = encoded.map(|encoded| match encoded {
            Ok(Encoded::Element(element)) => self.gather(element),
            Ok(Encoded::Record(bytes)) => self.send(Record::Output, bytes),
            Err(error) => {
                let error = ItemError::new(self.next, 0, Cause::NotPortable(error));
                self.say(Record::Failed, &error);
            }
        });
        self.encoder = encoder;
        if std::mem::needs_drop::<O>() {
            // The output is on its way; what its copy here does when it is dropped changes nothing.
            quietly(|| drop(output));
        }
        match encoded {
            Ok(()) => self.next += 1,
            Err(panic) => resume_unwind(panic),
        }
        self.begins();
    }

    /// No item is under way.
    #[inline]
    fn rests(&mut self) {
        if !self.gathers {
            self.outlet.rests();
        }
    }

    fn fail(&mut self, error: &ItemError) {
        self.rests();
        self.next += 1;
        self.say(Record::Failed, error);
        self.begins();
    }

    fn needed(&self) -> usize {
        match self.thrown {
            None => self.outlet.needed(),
            Some(_) => 0,
        }
    }

    fn close(self) -> Result<(), WireError> {
        match self.thrown {
            None => Ok(()),
            Some(panic) => resume_unwind(panic),
        }
    }
}

/// Holds a panic that is to go on later.
fn hold<R>(f: impl FnOnce() -> R) -> std::thread::Result<R> {
    catch_unwind(AssertUnwindSafe(f))
}

/// A post as the worker's sink.
struct ByPost<'p, 'o>(&'p mut Post<'o>);

impl<O: Portable> Sink<O> for ByPost<'_, '_> {
    fn push(&mut self, output: O) {
        self.0.push(output);
    }
    fn fail(&mut self, error: ItemError) {
        self.0.fail(&error);
    }
    fn needed(&self) -> usize {
        self.0.needed()
    }
    fn rests(&mut self, _attempt: u32) {
        self.0.rests();
    }
    fn goes_on(&mut self) {
        self.0.begins();
    }
    fn room(&mut self, items: usize) -> Option<usize> {
        self.0.room::<O>(items)
    }
    fn lend(&mut self, items: usize) -> Elements<'_, O> {
        match self.0.outlet.lend() {
            Some(stretch) => Elements::new(stretch, items),
            None => Elements::none(),
        }
    }
    fn took(&mut self, items: usize) {
        self.0.next += items;
    }
}
