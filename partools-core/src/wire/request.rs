//! A request: a chunk of items on its way out.

use super::VERSION;
use super::error::{WireError, cause_of};
use super::frame::FrameWriter;
use crate::chunk::Chunk;
use crate::item_error::{Cause, ItemError};
use crate::order::Order;
use crate::panics::catch;
use crate::portable::CodecError;
use crate::remote::PortableTask;
use std::ops::Range;

/// What requests and answers say first, in a form of known length, so that it can be written last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The items; at least one.
    pub(crate) range: Range<usize>,
    /// The attempt of the first of them.
    pub(crate) attempt: u32,
}

impl Header {
    /// Version, attempt, start, end.
    pub(super) const BYTES: usize = 2 + 4 + 8 + 8;

    pub(super) fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..2].copy_from_slice(&VERSION.to_le_bytes());
        bytes[2..6].copy_from_slice(&self.attempt.to_le_bytes());
        bytes[6..14].copy_from_slice(&(self.range.start as u64).to_le_bytes());
        bytes[14..].copy_from_slice(&(self.range.end as u64).to_le_bytes());
        bytes
    }

    /// The header at the beginning of `bytes`, and what is behind it.
    pub(super) fn split(bytes: &[u8]) -> Result<(Self, &[u8]), WireError> {
        fn next<'b, const N: usize>(bytes: &mut &'b [u8]) -> Result<&'b [u8; N], WireError> {
            let (first, rest) = bytes
                .split_first_chunk()
                .ok_or_else(|| WireError::new("a message that is cut off"))?;
            *bytes = rest;
            Ok(first)
        }
        let mut rest = bytes;
        if u16::from_le_bytes(*next(&mut rest)?) != VERSION {
            return Err(WireError::new("a message of another version of partools"));
        }
        let attempt = u32::from_le_bytes(*next(&mut rest)?);
        let mut index = || {
            usize::try_from(u64::from_le_bytes(*next(&mut rest)?))
                .map_err(|_| WireError::new("an index beyond this machine's"))
        };
        let range = index()?..index()?;
        if range.is_empty() {
            return Err(WireError::new("a message about no items"));
        }
        Ok((Header { range, attempt }, rest))
    }
}

/// A request in the making, whose room is used again and again.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// let mut message = Request::new();
/// while let Some(mut chunk) = run.try_claim() {
///     request(task, &mut chunk, &mut message)?; // what was in it is gone
///     assert!(message.as_bytes().len() > 4000); // the items of this chunk
///     # while !chunk.is_full() { chunk.fail(partools_core::ItemError::new(0, 0, partools_core::Cause::NoOutput)); }
/// }
/// # Ok(())
/// # }
/// # }
/// # let items = vec!["x".repeat(1000); 8];
/// # let results = over(&items).chunk(Chunks::of(4)).map(|text| text.len()).try_run(&Example)?;
/// # assert_eq!(results.len(), 8);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Request {
    frames: FrameWriter,
    item: FrameWriter,
}

impl Request {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for items of a task that do not travel with the request ([`DEALT`](PortableTask::DEALT) says so), outside of
    /// any run: for a backend that has something of its own called over there.
    ///
    /// ```
    /// use partools_core::{Plan, over, wire::{Parcel, Request}};
    /// let job = over(0..1).map(|_| std::process::id());
    /// let parcel = Parcel::pack(job.task(), &Plan::new())?;
    /// let mut answer = Vec::new();
    /// parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |server| {
    ///     server.answer(Request::for_items(0..1).as_bytes(), &mut answer).expect("one item, which it has");
    /// })?;
    /// assert!(!answer.is_empty());
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn for_items(range: Range<usize>) -> Self {
        let mut request = Self::default();
        let header = Header { range, attempt: 0 };
        request.frames.overwrite(0, &header.to_bytes());
        request
    }

    /// What is to be sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.frames.as_bytes()
    }
}

/// Encodes what is left of `chunk` into `request`. An item that cannot be sent fails; the claim is cut so that it holds
/// what was encoded, and what was cut off goes back to be claimed again.
///
/// False where nothing is left to be sent: the items of the chunk have failed, and it can be committed.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// let (mut chunk, mut message) = (run.try_claim().expect("all three"), Request::new());
/// assert!(request(task, &mut chunk, &mut message)?);
/// assert_eq!(chunk.range(), 0..1); // behind it lies one that cannot be sent
/// # drop(chunk);
/// # run.abort(Error::executor("seen"));
/// # Ok(())
/// # }
/// # }
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Item {
///     #[serde(skip_serializing_if = "Option::is_none")]
///     note: Option<String>,
/// }
/// let items = [Item { note: Some("fine".into()) }, Item { note: None }, Item { note: None }];
/// # let job = over(&items).chunk(Chunks::of(3)).map(|item| item.note.is_some());
/// # assert_eq!(job.run(&Example).unwrap_err().to_string(), "seen");
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// Where the chunk cannot be written down; items that cannot be sent, or panic at it, fail in `chunk`.
pub fn request<T>(
    task: &T,
    chunk: &mut Chunk<'_, T::Output>,
    request: &mut Request,
) -> Result<bool, WireError>
where
    T: PortableTask,
{
    while !chunk.is_full() {
        let (start, end) = (chunk.position(), chunk.range().end);
        let attempt = chunk.attempt();
        let order = chunk.run().plan().order.as_ref();
        let unsent = pack_items(task, start..end, order, request)?;
        let end = match unsent {
            Some((bad, cause)) if bad == start => {
                chunk.fail(ItemError::new(start, attempt, cause));
                continue;
            }
            // What is cut off is claimed again, and then begins with the item that cannot be sent.
            Some((bad, _)) => {
                drop(chunk.split(bad - start));
                bad
            }
            None => end,
        };
        let range = start..end;
        request
            .frames
            .overwrite(0, &Header { range, attempt }.to_bytes());
        return Ok(true);
    }
    Ok(false)
}

/// Writes room for the header, and the items, each of them once; the first that cannot be sent, if any, and why.
fn pack_items<T: PortableTask>(
    task: &T,
    range: Range<usize>,
    order: Option<&Order>,
    request: &mut Request,
) -> Result<Option<(usize, Cause)>, WireError> {
    request.frames.clear();
    request.frames.overwrite(0, &[0; Header::BYTES]);
    if let Some(order) = order {
        // Also of those that will be cut off: what they are is not read then.
        let items: Vec<usize> = range.clone().map(|place| order.item(place)).collect();
        request.frames.value(&items)?;
    }
    if T::DEALT && T::items_are_plain() {
        let (mut place, mut whole) = (range.start, request.frames.as_bytes().len());
        let packed = catch(|| -> Result<(), CodecError> {
            while place < range.end {
                let index = order.map_or(place, |order| order.item(place));
                task.pack_item(index, &mut request.frames)?;
                (place, whole) = (place + 1, request.frames.as_bytes().len());
            }
            Ok(())
        });
        let cause = match packed {
            Ok(Ok(())) => return Ok(None),
            Ok(Err(error)) => Cause::NotPortable(error),
            Err(panic) => cause_of(panic),
        };
        request.frames.truncate(whole);
        return Ok(Some((place, cause)));
    }
    if T::DEALT {
        for place in range {
            let index = order.map_or(place, |order| order.item(place));
            request.item.clear();
            // The user's own `Serialize` may panic.
            match catch(|| task.pack_item(index, &mut request.item)) {
                Ok(Ok(())) => request.frames.bytes(request.item.as_bytes()),
                Ok(Err(error)) => return Ok(Some((place, Cause::NotPortable(error)))),
                Err(panic) => return Ok(Some((place, cause_of(panic)))),
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_its_journey_and_nothing_else_is_one() {
        for range in [0..1, 3..7, usize::MAX - 1..usize::MAX] {
            for attempt in [0, u32::MAX] {
                let header = Header {
                    range: range.clone(),
                    attempt,
                };
                let mut bytes = header.to_bytes().to_vec();
                bytes.push(9);
                assert_eq!(Header::split(&bytes).unwrap(), (header.clone(), &[9][..]));
                for cut in 0..Header::BYTES {
                    assert!(Header::split(&bytes[..cut]).is_err());
                }
                for version in [0, VERSION + 1, u16::MAX] {
                    bytes[..2].copy_from_slice(&version.to_le_bytes());
                    let error = Header::split(&bytes).unwrap_err().to_string();
                    assert!(error.contains("another version"), "{error}");
                }
            }
        }
        #[expect(clippy::reversed_empty_ranges, reason = "that is the question")]
        for range in [0..0, 5..5, 7..3] {
            assert!(Header::split(&Header { range, attempt: 0 }.to_bytes()).is_err());
        }
    }
}
