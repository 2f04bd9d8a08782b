//! What a child tells its parent: kinds of records, in the order of a child's life.
//!
//! ```text
//!   STARTING READY ( CLAIM ( [ITEM] AGAIN* ( OUTPUT | ROW | FAILED ) )* )* FINISHING END
//!   children that live on: STARTING .. FINISHING REST, for each window
//!   any of these may be followed by BROKEN, or by nothing more: the child died
//! ```

use std::ops::Range;

/// The state is being made.
pub(crate) const STARTING: u8 = 1;
/// The state is made.
pub(crate) const READY: u8 = 2;
/// A chunk begins: start and end, as two 64-bit numbers.
pub(crate) const CLAIM: u8 = 3;
/// The output of the next item of the chunk, encoded.
pub(crate) const OUTPUT: u8 = 4;
/// The next item of the chunk failed: an `ItemError`.
pub(crate) const FAILED: u8 = 5;
/// The worker cannot go on: a `WorkerError`.
pub(crate) const BROKEN: u8 = 6;
/// All chunks are done; the state is being dropped.
pub(crate) const FINISHING: u8 = 7;
/// The next item of the chunk failed and is tried again by the child: the attempt that comes next, as a 32-bit number.
pub(crate) const AGAIN: u8 = 8;
/// The next item of the chunk begins. From careful children only.
pub(crate) const ITEM: u8 = 9;
/// The outputs of the next items of the chunk, in a row, one appended after the other. Not from careful children, nor from those
/// whose items are timed.
pub(crate) const ROW: u8 = 11;
/// The round is over, and the child waits to be called to the next one. Only from those that live from window to window, where
/// others say [`END`].
pub(crate) const REST: u8 = 12;
/// A clean end.
pub(crate) const END: u8 = 10;

// For observers alone, wherever one of them is.

/// What the child worked on, and when: see `notes`.
pub(crate) const WORKED: u8 = 20;
/// The item in flight failed and is tried again: an `ItemError`.
pub(crate) const RETRIED: u8 = 21;
/// How many bytes of memory the child made its own: a 64-bit number.
pub(crate) const DIRTIED: u8 = 22;

/// The payload of a [`CLAIM`].
pub(crate) fn claim(range: &Range<usize>) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(range.start as u64).to_ne_bytes());
    bytes[8..].copy_from_slice(&(range.end as u64).to_ne_bytes());
    bytes
}

/// Reads the payload of a [`CLAIM`]. `None` where it is none.
pub(crate) fn parse_claim(payload: &[u8]) -> Option<Range<usize>> {
    let number = |bytes: &[u8]| usize::try_from(u64::from_ne_bytes(bytes.try_into().ok()?)).ok();
    let (start, end) = payload.split_at_checked(8)?;
    Some(number(start)?..number(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_survives_its_journey() {
        for range in [0..0, 3..7, usize::MAX - 1..usize::MAX] {
            assert_eq!(parse_claim(&claim(&range)), Some(range));
        }
        for wrong in [&[][..], &[0; 8], &[0; 15], &[0; 17]] {
            assert_eq!(parse_claim(wrong), None);
        }
    }
}
