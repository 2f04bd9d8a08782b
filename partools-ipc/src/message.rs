//! What the two sides tell each other: kinds of messages on the line, and kinds of records in the ring.
//!
//! ```text
//!   near  WELCOME ( OPEN (REQUEST | CAREFUL)* CLOSE )*   on the line
//!   far   HELLO READY ( OPENED (wire records)* CLOSED )* in the ring; REFUSED instead of OPENED where it cannot serve that
//!         (UNFIT instead of READY where its setup failed; neither where it has none)
//! ```

use partools_core::wire::{FrameReader, FrameWriter, WireError};

/// The first message: the identity of the near executable; with the ring, the desk and the bell.
pub(crate) const WELCOME: u8 = 1;
/// A map begins: an [`Opening`], with the files of its segments.
pub(crate) const OPEN: u8 = 2;
/// A chunk of it: its ticket, and a request as `wire` has it.
pub(crate) const REQUEST: u8 = 3;
/// The same; and the worker waits after each record until it was read, so that what the parent knows is exact even if the item
/// overwrites the ring.
pub(crate) const CAREFUL: u8 = 5;
/// The map is over, for this worker.
pub(crate) const CLOSE: u8 = 4;

/// The worker is there. (The kinds below are those of `wire`.)
pub(crate) const HELLO: u8 = 32;
/// The map is open.
pub(crate) const OPENED: u8 = 33;
/// The map cannot be served: why, as text.
pub(crate) const REFUSED: u8 = 34;
/// What the worker had of the map is dropped: nothing, or what was wrong with that, as text.
pub(crate) const CLOSED: u8 = 35;
/// Its setup is done.
pub(crate) const READY: u8 = 36;
/// Its setup failed: why, as text. It ends.
pub(crate) const UNFIT: u8 = 37;

/// How a map is opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The entry's offset in the image.
    pub(crate) entry: u64,
    /// Items are timed: some may take too long.
    pub(crate) timed: bool,
    /// With the processor time that they use.
    pub(crate) with_cpu: bool,
    /// The head of the parcel; empty where it lies in the last file.
    pub(crate) head: Vec<u8>,
    /// What to attach, number 0 first: the file's number among those that came along.
    pub(crate) segments: Vec<Part>,
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    /// A memory file with all seals; else somebody promised that it does not change.
    pub(crate) is_sealed: bool,
}

impl Opening {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let mut out = FrameWriter::new();
        out.value(&self.entry)?;
        out.value(&self.timed)?;
        out.value(&self.with_cpu)?;
        out.value(&(self.segments.len() as u64))?;
        for part in &self.segments {
            out.value(&part.offset)?;
            out.value(&part.len)?;
            out.value(&part.is_sealed)?;
        }
        out.bytes(&self.head);
        Ok(out.as_bytes().to_vec())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Opening, WireError> {
        let mut from = FrameReader::new(bytes);
        let (entry, timed, with_cpu) = (from.value()?, from.value()?, from.value()?);
        let count: u64 = from.value()?;
        let mut segments = Vec::new();
        for _ in 0..count {
            segments.push(Part {
                offset: from.value()?,
                len: from.value()?,
                is_sealed: from.value()?,
            });
            from.check()?;
        }
        let head = from.bytes().to_vec();
        from.check()?;
        Ok(Opening {
            entry,
            timed,
            with_cpu,
            head,
            segments,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_survives_its_journey_and_a_part_of_it_is_none() {
        let opening = Opening {
            entry: 0x1234,
            timed: true,
            with_cpu: false,
            head: vec![1, 2, 3],
            segments: vec![
                Part {
                    offset: 0,
                    len: 9,
                    is_sealed: true,
                },
                Part {
                    offset: 4096,
                    len: 1 << 40,
                    is_sealed: false,
                },
            ],
        };
        let bytes = opening.to_bytes().unwrap();
        assert_eq!(Opening::from_bytes(&bytes).unwrap(), opening);
        for cut in 0..bytes.len() {
            assert!(Opening::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
