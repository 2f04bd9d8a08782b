//! The note that a child leaves while it dies of a panic, in programs built with `panic = "abort"`: nothing unwinds there, so the
//! child's loop cannot report the panic, and all that its parent would learn is SIGABRT. The panic hook still runs.
//!
//! ```text
//!   child: panic hook -> length | encoded cause, in a region of this child's seat -> abort
//!   parent: finds the child killed by SIGABRT -> reads it -> blames the item with message and place (C6)
//! ```
//! Elsewhere there is no such region. What lies in it is checked before it counts: only a panic can be told.

use partools_core::{Cause, decode, encode, on_fatal_panic};
use partools_os::{Access, Region};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// One page: the length, and the rest for the cause.
const BYTES: usize = 4096;
const WORD: usize = size_of::<u64>();
/// Longer messages are cut; a place takes a few hundred bytes at most.
const MESSAGE: usize = 2048;

pub(crate) struct PanicNote(Arc<Region>);

impl PanicNote {
    /// `None` where panics unwind, which needs no note.
    pub(crate) fn new() -> io::Result<Option<Self>> {
        match cfg!(panic = "abort") {
            true => Ok(Some(PanicNote(Arc::new(Region::new(BYTES)?)))),
            false => Ok(None),
        }
    }

    /// What to lend to the child.
    pub(crate) fn lent(&self) -> (&Region, Access) {
        (&self.0, Access::ReadWrite)
    }

    /// Forgets what was said. For the parent, before a child is born.
    pub(crate) fn clear(&self) {
        self.0.words()[0].store(0, Relaxed);
    }

    /// From now on a panic that ends this process is told first. For the child.
    pub(crate) fn listen(&self) {
        let region = Arc::clone(&self.0);
        on_fatal_panic(move |cause| say(&region, cause));
    }

    /// What the child said, if it was a panic.
    pub(crate) fn read(&self) -> Option<Cause> {
        let (length, words) = self.0.words().split_first()?;
        let length = usize::try_from(length.load(Acquire)).ok()?;
        let bytes: Vec<u8> = words
            .iter()
            .take(length.div_ceil(WORD))
            .flat_map(|word| word.load(Relaxed).to_ne_bytes())
            .collect();
        let cause = decode::<Cause>(bytes.get(..length).filter(|bytes| !bytes.is_empty())?).ok()?;
        matches!(cause, Cause::Panicked { .. }).then_some(cause)
    }
}

fn say(region: &Region, cause: &Cause) {
    let (cause, mut scratch) = (cut(cause), Vec::new());
    let (Ok(bytes), Some((length, words))) =
        (encode(&cause, &mut scratch), region.words().split_first())
    else {
        return;
    };
    if bytes.len() > words.len() * WORD {
        return;
    }
    for (word, bytes) in words.iter().zip(bytes.chunks(WORD)) {
        let mut whole = [0; WORD];
        whole[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(whole), Relaxed);
    }
    length.store(bytes.len() as u64, Release);
}

/// With a message that fits.
fn cut(cause: &Cause) -> Cause {
    let mut cause = cause.clone();
    if let Cause::Panicked { message, .. } = &mut cause {
        let fits = (0..=MESSAGE.min(message.len())).rev();
        let end = fits.into_iter().find(|&end| message.is_char_boundary(end));
        message.truncate(end.unwrap_or(0));
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;
    use partools_core::Location;

    fn panicked(message: String) -> Cause {
        let location = Some(Location {
            file: "somewhere.rs".into(),
            line: 7,
            column: 9,
        });
        Cause::Panicked { message, location }
    }

    #[test]
    fn what_was_said_is_read_and_nothing_else() {
        let note = PanicNote(Arc::new(Region::new(BYTES).expect("a region")));
        assert_eq!(note.read(), None);
        let cause = panicked("it hurts".into());
        say(&note.0, &cause);
        assert_eq!(note.read(), Some(cause));
        note.clear();
        assert_eq!(note.read(), None);
        say(&note.0, &Cause::NoOutput);
        assert_eq!(note.read(), None, "only a panic can be told");
        for nonsense in [1, 5, 4088, 4089, u64::MAX] {
            note.0.words()[0].store(nonsense, Relaxed);
            let _ = note.read();
        }
    }

    #[test]
    fn a_long_message_is_cut_between_two_characters() {
        let note = PanicNote(Arc::new(Region::new(BYTES).expect("a region")));
        say(&note.0, &panicked(format!("x{}", "ä".repeat(5_000))));
        let Some(Cause::Panicked { message, .. }) = note.read() else {
            panic!("a panic was told");
        };
        assert_eq!(message, format!("x{}", "ä".repeat(1023)));
    }
}
