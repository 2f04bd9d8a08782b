//! Where a task puts its outputs. Three variants, chosen per piece of a chunk: slots of the final vector, and for what crosses a
//! border an encoder, or, where outputs are plain, elements in memory that is read elsewhere.
//!
//! The slots variant owns an exclusive slice and counts in a field of its own, and tells the count once,
//! when it is dropped (also by a panic): written so, the loop around it is as fast as a plain loop
//! (`benches/benches/map_overhead.rs`). A counter borrowed from outside costs two to three times as much.

use crate::panics::quietly;
use crate::wire::Elements;
use std::cell::Cell;
use std::mem::MaybeUninit;

/// Takes outputs that do not go straight into the final vector.
pub(crate) trait Encode<O> {
    /// Takes the output of the next item.
    fn push(&mut self, output: O);
}

/// Takes the outputs of a chunk, in the order of its items.
///
/// ```
/// # use partools_core::{Cause, Job, Serial, Span, StartError, Task, Writer};
/// # struct Early;
/// # impl Task for Early {
/// # type State = ();
/// # type Output = usize;
/// # fn count(&self) -> usize { 4 }
/// # fn start(&self, _: usize) -> Result<(), StartError> { Ok(()) }
/// fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, usize>) {
///     for index in span.range() {
///         if index == 2 {
///             return; // without an output for item 2
///         }
///         out.push(index * 10);
///     }
/// }
/// # }
/// let results = Job::new(Early).try_run(&Serial)?;
/// assert_eq!(results[1].as_ref().ok(), Some(&10));
/// assert_eq!(results[2].as_ref().unwrap_err().cause(), &Cause::NoOutput);
/// assert_eq!(results[3].as_ref().ok(), Some(&30)); // called again from there
/// # Ok::<(), partools_core::Error>(())
/// ```
pub struct Writer<'w, O> {
    to: To<'w, O>,
    room: usize,
    told: &'w Cell<Told>,
}

enum To<'w, O> {
    Slots {
        slots: &'w mut [MaybeUninit<O>],
        filled: usize,
    },
    Encoder {
        encoder: &'w mut dyn Encode<O>,
        filled: usize,
    },
    Elements(Elements<'w, O>),
}

/// What a writer tells when it is dropped.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    /// Outputs taken.
    pub(crate) filled: usize,
    /// The task pushed more outputs than it had items.
    pub(crate) overfull: bool,
}

impl<'w, O> Writer<'w, O> {
    /// A writer into slots; it takes as many outputs as there are slots.
    pub(crate) fn slots(slots: &'w mut [MaybeUninit<O>], told: &'w Cell<Told>) -> Self {
        let room = slots.len();
        Writer {
            to: To::Slots { slots, filled: 0 },
            room,
            told,
        }
    }

    /// A writer that hands each output to `encoder`; it takes `room` outputs.
    pub(crate) fn encoder(
        encoder: &'w mut dyn Encode<O>,
        room: usize,
        told: &'w Cell<Told>,
    ) -> Self {
        Writer {
            to: To::Encoder { encoder, filled: 0 },
            room,
            told,
        }
    }

    /// A writer into memory that is read elsewhere.
    pub(crate) fn elements(elements: Elements<'w, O>, told: &'w Cell<Told>) -> Self {
        let room = elements.room();
        Writer {
            to: To::Elements(elements),
            room,
            told,
        }
    }

    /// Takes the output of the next item.
    ///
    /// ```
    /// # use partools_core::{Job, Serial, Span, StartError, Task, Writer};
    /// # struct Twice;
    /// # impl Task for Twice {
    /// # type State = ();
    /// # type Output = usize;
    /// # fn count(&self) -> usize { 4 }
    /// # fn start(&self, _: usize) -> Result<(), StartError> { Ok(()) }
    /// fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, usize>) {
    ///     for index in span.range() {
    ///         out.push(index);
    ///         out.push(index); // one too many
    ///     }
    /// }
    /// # }
    /// let error = Job::new(Twice).run(&Serial).unwrap_err();
    /// assert!(error.is_contract() && error.to_string().contains("pushed more than 4 outputs"));
    /// ```
    ///
    /// # Panics
    /// Where more outputs are pushed than the span has items; the map then ends in an error that says so.
    #[inline(always)]
    pub fn push(&mut self, output: O) {
        match &mut self.to {
            To::Slots { slots, filled } => match slots.get_mut(*filled) {
                Some(slot) => {
                    slot.write(output);
                    *filled += 1;
                }
                None => overfull(self.told, self.room, output),
            },
            To::Encoder { encoder, filled } => {
                if *filled < self.room {
                    encoder.push(output);
                    *filled += 1;
                } else {
                    overfull(self.told, self.room, output);
                }
            }
            To::Elements(elements) => {
                if !elements.push(&output) {
                    overfull(self.told, self.room, output);
                }
            }
        }
    }

    /// Outputs taken so far.
    #[inline]
    pub(crate) fn filled(&self) -> usize {
        match self.to {
            To::Slots { filled, .. } | To::Encoder { filled, .. } => filled,
            To::Elements(ref elements) => elements.filled(),
        }
    }

    /// As if more outputs had been pushed than the span has items.
    pub(crate) fn note_overfull(&self) {
        self.told.set(Told {
            filled: 0,
            overfull: true,
        });
    }
}

/// Takes no writer: one whose address is handed out cannot live in registers, and an item costs four times as much.
///
/// Where `output` were dropped by the panic's unwinding, a `Drop` that panics would abort the process.
#[cold]
#[inline(never)]
fn overfull<O>(told: &Cell<Told>, room: usize, output: O) -> ! {
    quietly(|| drop(output));
    told.set(Told {
        filled: 0,
        overfull: true,
    });
    panic!("the task pushed more than {room} outputs for as many items; the map ends in an error")
}

impl<O> Drop for Writer<'_, O> {
    #[inline]
    fn drop(&mut self) {
        self.told.set(Told {
            filled: self.filled(),
            ..self.told.get()
        });
    }
}

impl<O> std::fmt::Debug for Writer<'_, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}
