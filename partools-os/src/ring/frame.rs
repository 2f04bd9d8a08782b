//! The form of a frame: one header word, then the payload, padded to whole words.
//!
//! ```text
//!   bit 0           24      31  32            64
//!   | length: 24    | kind: 7 | more | check: 32 |  payload ...  | zeros to a multiple of 8 |
//! ```
//!
//! The check is over the payload, seeded with the ring's epoch, the stream position and the low half of the header:
//! bytes that were right elsewhere, earlier, or under another header do not pass. Thirty-two bits are a guard
//! against accidents (one scribble in four thousand million goes unseen), not against forgery.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The largest payload of one frame, whatever the capacity: its copy stays in the second-level cache.
const LARGEST: usize = 256 * 1024;
const LENGTH_BITS: u32 = 24;
const LENGTH_MASK: u32 = (1 << LENGTH_BITS) - 1;
const MORE: u32 = 1 << 31;
/// Kinds are below this; the bit itself marks a run (`run.rs`).
pub(super) const KINDS: u8 = 1 << 6;
pub(super) const WORD: usize = size_of::<u64>();

const _: () = assert!(LARGEST <= LENGTH_MASK as usize);

/// What the low half of a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of payload.
    pub(super) length: usize,
    /// Below [`KINDS`]; in a run, with that bit.
    pub(super) kind: u8,
    /// The record goes on in the next frame.
    pub(super) more: bool,
}

/// The most payload bytes of one frame in a ring of this capacity: a multiple of 8.
pub(super) fn limit(capacity: usize) -> usize {
    (capacity / 4).min(LARGEST)
}

/// How many payload words a payload of `length` bytes takes.
pub(super) fn words(length: usize) -> usize {
    length.div_ceil(WORD)
}

impl Header {
    /// The low half. `length` is at most [`limit`], `kind` below [`KINDS`].
    pub(super) fn encode(self) -> u32 {
        debug_assert!(self.length <= LARGEST && self.kind < 2 * KINDS);
        // In range by the line above.
        #[expect(clippy::cast_possible_truncation)]
        let length = self.length as u32;
        length | u32::from(self.kind) << LENGTH_BITS | if self.more { MORE } else { 0 }
    }

    /// Any 32 bits are some header; whether it makes sense is the reader's question.
    pub(super) fn decode(low: u32) -> Header {
        Header {
            length: (low & LENGTH_MASK) as usize,
            kind: (low >> LENGTH_BITS & u32::from(2 * KINDS - 1)) as u8,
            more: low & MORE != 0,
        }
    }
}

/// The whole header word: the low half, and above it the check.
pub(super) fn seal(low: u32, epoch: u64, position: u64, payload: &[u8]) -> u64 {
    u64::from(check(low, epoch, position, payload)) << 32 | u64::from(low)
}

/// Whether `header` is what [`seal`] gives for its own low half and this payload.
pub(super) fn is_sealed(header: u64, epoch: u64, position: u64, payload: &[u8]) -> bool {
    seal(low_half(header), epoch, position, payload) == header
}

/// The half of the header word that [`Header::decode`] reads.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
pub(super) fn low_half(header: u64) -> u32 {
    header as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the check is the hash cut to 32 bits"
)]
fn check(low: u32, epoch: u64, position: u64, payload: &[u8]) -> u32 {
    // The multiplier only has to be odd and large: it carries the epochs far from the positions.
    let seed =
        epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ position.rotate_left(32) ^ u64::from(low);
    xxh3_64_with_seed(payload, seed) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_way_there_and_back() {
        for length in [0, 1, 8, 1024, LARGEST] {
            for kind in [0, 1, KINDS - 1] {
                for more in [false, true] {
                    let header = Header { length, kind, more };
                    assert_eq!(Header::decode(header.encode()), header);
                }
            }
        }
    }

    #[test]
    fn a_seal_holds_for_its_place_epoch_and_bytes_alone() {
        let low = Header {
            length: 5,
            kind: 2,
            more: false,
        }
        .encode();
        let sealed = seal(low, 3, 4096, b"hello");
        assert!(is_sealed(sealed, 3, 4096, b"hello"));
        assert!(!is_sealed(sealed, 4, 4096, b"hello"));
        assert!(!is_sealed(sealed, 3, 4104, b"hello"));
        assert!(!is_sealed(sealed, 3, 4096, b"hellp"));
        assert!(!is_sealed(sealed ^ 1, 3, 4096, b"hello"));
    }

    #[test]
    fn a_record_of_nothing_is_sealed_too() {
        let low = Header {
            length: 0,
            kind: 0,
            more: false,
        }
        .encode();
        assert!(is_sealed(seal(low, 0, 0, b""), 0, 0, b""));
        assert!(!is_sealed(0, 0, 0, b""), "zeroed memory is not a frame");
    }

    #[test]
    fn a_frame_takes_at_most_a_quarter_of_the_ring() {
        assert_eq!(limit(4096), 1024);
        assert_eq!(limit(1 << 20), LARGEST);
        assert_eq!(limit(1 << 30), LARGEST);
        assert_eq!([0, 1, 7, 8, 9].map(words), [0, 1, 1, 1, 2]);
    }
}
