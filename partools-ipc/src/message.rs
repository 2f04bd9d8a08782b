//! What the two sides tell each other: kinds of messages on the line, and kinds of records in the ring.
//!
//! ```text
//!   near  WELCOME ( OPEN (REQUEST | CAREFUL)* CLOSE | RELEASE )*   on the line
//!   far   HELLO READY ( OPENED (wire records)* CLOSED )* in the ring; REFUSED instead of OPENED where it cannot serve that
//!         (UNFIT instead of READY where its setup failed; neither where it has none)
//! ```

use partools_core::wire::{FrameReader, FrameWriter, WireError};

/// The first message: the identity of the near executable; with the ring, the desk and the bell.
pub(crate) const WELCOME: u8 = 1;
/// A map begins: which files come along, and an [`Opening`]; with the files of its segments.
pub(crate) const OPEN: u8 = 2;
/// A chunk of it: its ticket, and a request as `wire` has it.
pub(crate) const REQUEST: u8 = 3;
/// The same; and the worker waits after each record until it was read, so that what the parent knows is exact even if the item
/// overwrites the ring.
pub(crate) const CAREFUL: u8 = 5;
/// The map is over, for this worker.
pub(crate) const CLOSE: u8 = 4;
/// Between maps: what was kept under this number is not needed any more.
pub(crate) const RELEASE: u8 = 6;

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
    /// It lies in something that is attached once and kept.
    pub(crate) kept: Option<Whole>,
}

/// What a worker attaches once and keeps from map to map: a published value, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) id: u64,
    /// Where it lies in its file.
    pub(crate) offset: u64,
    pub(crate) len: u64,
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
            out.value(&part.kept.map(|whole| (whole.id, whole.offset, whole.len)))?;
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
                kept: kept(&mut from)?,
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

fn kept(from: &mut FrameReader<'_>) -> Result<Option<Whole>, WireError> {
    let kept: Option<(u64, u64, u64)> = from.value()?;
    Ok(kept.map(|(id, offset, len)| Whole { id, offset, len }))
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
                    kept: None,
                },
                Part {
                    offset: 4096,
                    len: 1 << 40,
                    is_sealed: false,
                    kept: Some(Whole {
                        id: 7,
                        offset: 0,
                        len: 1 << 41,
                    }),
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
