//! A request: a chunk of items on its way out.

use super::VERSION;
use super::error::WireError;
use super::frame::FrameWriter;
use crate::chunk::Chunk;
use crate::item_error::{Cause, ItemError};
use crate::remote::PortableTask;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a request says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) version: u16,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attempt: u32,
}

impl Header {
    pub(crate) fn range(&self) -> Result<Range<usize>, WireError> {
        let number =
            |n| usize::try_from(n).map_err(|_| WireError::new("an index beyond this machine's"));
        let range = number(self.start)?..number(self.end)?;
        if self.version != VERSION {
            return Err(WireError::new("a message of another version of partools"));
        }
        if range.is_empty() {
            return Err(WireError::new("a message about no items"));
        }
        Ok(range)
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
/// Where even the frame cannot be written; never, as far as is known.
pub fn request<T>(
    task: &T,
    chunk: &mut Chunk<'_, T::Output>,
    request: &mut Request,
) -> Result<bool, WireError>
where
    T: PortableTask,
{
    while !chunk.is_full() {
        let start = chunk.position();
        let end = chunk.range().end;
        let attempt = if start == chunk.range().start {
            chunk.attempt()
        } else {
            0
        };
        let header = |end: usize| Header {
            version: VERSION,
            start: start as u64,
            end: end as u64,
            attempt,
        };
        request.frames.clear();
        request.frames.value(&header(end))?;
        let Some((bad, error)) = pack_items(task, start..end, request) else {
            return Ok(true);
        };
        if bad > start {
            // What is cut off is claimed again, and then begins with the item that cannot be sent.
            drop(chunk.split(bad - start));
            request.frames.clear();
            request.frames.value(&header(bad))?;
            if let Some((_, error)) = pack_items(task, start..bad, request) {
                return Err(error.into());
            }
            return Ok(true);
        }
        chunk.fail(ItemError::new(start, attempt, Cause::NotPortable(error)));
    }
    Ok(false)
}

/// Appends the items; the first that cannot be sent, if any.
fn pack_items<T: PortableTask>(
    task: &T,
    range: Range<usize>,
    request: &mut Request,
) -> Option<(usize, crate::portable::CodecError)> {
    if T::DEALT {
        for index in range {
            request.item.clear();
            if let Err(error) = task.pack_item(index, &mut request.item) {
                return Some((index, error));
            }
            request.frames.bytes(request.item.as_bytes());
        }
    }
    None
}
