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
