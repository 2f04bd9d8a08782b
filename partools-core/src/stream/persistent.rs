//! Streams whose workers live as long as they do. An executor that makes its workers for each map would make them for each
//! window; where the items can be encoded, it may keep those that it has, and send them the items of the next window.
//!
//! ```text
//! near   window -- pack --> bytes of each item      far   fetch -- bytes --> take: the item, alone in a window -- call
//!        berth: what the executor keeps until the next window; dropped with the stream
//! ```
//! What is sent is items and nothing else: closure, shared argument and state constructor are those that the worker was made
//! with. Executors whose workers outlive their maps anyway, or are none, need not look at any of this.

use super::Window;
use crate::item_error::Cause;
use crate::panics::{Panic, catch, quietly};
use crate::portable::{CodecError, Portable, decode, encode};
use crate::task::Span;
use crate::writer::Writer;
use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// What an executor keeps from one window of a stream to the next; dropped with the stream, however that ends.
#[derive(Default)]
pub struct Berth(Mutex<Option<Box<dyn Any + Send>>>);

impl Berth {
    /// Takes what was kept, if it is of this type; what is not is dropped.
    pub fn take<K: Any + Send>(&self) -> Option<K> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.and_then(|kept| kept.downcast().ok()).map(|kept| *kept)
    }

    /// Keeps this for the next window.
    pub fn keep<K: Any + Send>(&self, kept: K) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(kept));
    }
}

/// Another stream has workers of its own.
impl Clone for Berth {
    fn clone(&self) -> Self {
        Berth::default()
    }
}

impl fmt::Debug for Berth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Berth").finish_non_exhaustive()
    }
}

/// The bytes of an item, or why it cannot be sent.
pub type Packed<'b> = Result<&'b [u8], Cause>;

/// Takes what is handed out, item by item.
pub type Each<'e> = dyn FnMut(Packed<'_>) + 'e;

/// Writes the bytes of the item at this position of the window, and nothing else, into the vector; or says why it was not sent.
pub type Fetch<'f> = dyn FnMut(usize, &mut Vec<u8>) -> Option<Cause> + 'f;

/// A window of a stream that has asked for persistent workers, as an executor sees it.
pub trait Persistent {
    /// As the task's.
    type State;
    /// As the task's.
    type Output;

    /// Where the executor keeps its workers.
    fn berth(&self) -> &Berth;

    /// The index in the stream of the window's first item.
    fn first(&self) -> usize;

    /// Hands out each item of the window, in order.
    fn pack(&self, each: &mut Each<'_>);

    /// As [`Task::call_chunk`](crate::Task::call_chunk), in a worker that was made for another window: on items at the positions
    /// of `span` in the one that begins with item `first`. Each is read when its turn has come, so that what reading it does
    /// to the worker is that item's doing. Why the next item could not be read, where that ended the call.
    fn call(
        &self,
        state: &mut Self::State,
        span: &Span,
        first: usize,
        fetch: &mut Fetch<'_>,
        out: &mut Writer<'_, Self::Output>,
    ) -> Option<Cause>;
}

/// How the items of a window are sent, where the stream has asked for it.
pub struct Sending<X> {
    pub(crate) berth: Berth,
    pub(crate) first: fn(&X) -> usize,
    pub(crate) pack: fn(&X, &mut Each<'_>),
    empty: fn() -> X,
    take: fn(&mut X, usize, &[u8]) -> Result<(), CodecError>,
}

impl<X> Sending<X> {
    /// Calls `call` for one item after the other: see [`Persistent::call`].
    pub(crate) fn call<O>(
        &self,
        span: &Span,
        first: usize,
        fetch: &mut Fetch<'_>,
        out: &mut Writer<'_, O>,
        mut call: impl FnMut(&X, &Span, &mut Writer<'_, O>),
    ) -> Option<Cause> {
        let mut items = Buried(Some((self.empty)()));
        let items = items.0.as_mut()?;
        let (mut bytes, mut attempt, mut filled) = (Vec::new(), span.attempt, out.filled());
        for position in span.range() {
            if let Some(cause) = fetch(position, &mut bytes) {
                return Some(cause);
            }
            let index = first + position;
            if let Err(error) = (self.take)(items, index, &bytes) {
                return Some(Cause::NotPortable(error));
            }
            let range = Range {
                start: index,
                end: index + 1,
            };
            let alone = Span {
                range,
                attempt,
                ..span.clone()
            };
            call(items, &alone, out);
            attempt = 0;
            filled += 1;
            if out.filled() != filled {
                return None;
            }
        }
        None
    }
}

/// Items that were sent are dropped where they were called, also when one of them panicked: what panics at that is kept
/// from ending the process.
struct Buried<X>(Option<X>);

impl<X> Drop for Buried<X> {
    fn drop(&mut self) {
        let items = self.0.take();
        quietly(|| drop(items));
    }
}

impl<T: Portable> Sending<Window<T>> {
    pub(crate) fn new() -> Self {
        Sending {
            berth: Berth::default(),
            first: |window| window.first,
            pack,
            empty: Window::default,
            take,
        }
    }
}

impl<X> Clone for Sending<X> {
    fn clone(&self) -> Self {
        Sending {
            berth: self.berth.clone(),
            ..*self
        }
    }
}

impl<X> fmt::Debug for Sending<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}

fn pack<T: Portable>(window: &Window<T>, each: &mut Each<'_>) {
    let mut scratch = Vec::new();
    for item in &window.items {
        let room = &mut scratch;
        // The user's own `Serialize` may panic.
        each(match catch(move || encode(item, room)) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(Cause::NotPortable(error)),
            Err(Panic {
                message, location, ..
            }) => Err(Cause::Panicked { message, location }),
        });
    }
}

/// Makes it a window of this one item.
fn take<T: Portable>(window: &mut Window<T>, index: usize, bytes: &[u8]) -> Result<(), CodecError> {
    if std::mem::needs_drop::<T>() {
        quietly(|| window.items.clear());
    }
    window.items.clear();
    window.first = index;
    window.items.push(decode(bytes)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Task, over_iter};

    #[test]
    fn a_berth_gives_back_what_it_was_given_once_and_only_as_what_it_was() {
        let berth = Berth::default();
        berth.keep(7_u8);
        assert_eq!(berth.take::<u16>(), None);
        assert_eq!(berth.take::<u8>(), None, "it was dropped");
        berth.keep(7_u8);
        assert_eq!(berth.clone().take::<u8>(), None);
        assert_eq!((berth.take(), berth.take::<u8>()), (Some(7_u8), None));
    }

    #[test]
    fn only_a_stream_that_asks_for_them_has_persistent_workers() {
        let without = over_iter(0..3_u8).map(|n| *n);
        assert!(without.task().persistent().is_none());
        let with = over_iter(0..3_u8).persistent_workers().map(|n| *n);
        assert!(with.task().persistent().is_some());
    }

    #[test]
    fn every_item_is_packed_or_says_why_not() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Odd {
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<u8>,
        }
        let window = Window {
            first: 3,
            items: vec![Odd { note: Some(1) }, Odd { note: None }],
            sending: None,
        };
        let mut packed = Vec::new();
        pack(&window, &mut |item| {
            packed.push(item.map(<[u8]>::to_vec).map_err(|cause| cause.to_string()));
        });
        assert!(packed[0].is_ok(), "{packed:?}");
        assert!(packed[1].is_err(), "{packed:?}");
    }
}
