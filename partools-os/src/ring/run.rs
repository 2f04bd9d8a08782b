//! A run: a frame that grows while it can be read, so that what is appended to it costs little more than its own words.
//!
//! ```text
//!   word `open`: where it begins, plus 1
//!   | header: its length and check so far | element | element | ...
//! ```
//! An element is whole words. It is written behind those before it, and then the header is, at once, by one store: at each moment
//! the header tells of whole elements alone, and a producer that dies leaves all that it had appended. `head` stays where the run
//! begins until the run is closed: then it is a frame as any other.
//!
//! What the header says, and how its check keeps up with every element, is the core's (`wire/stretch.rs`): its workers write elements
//! themselves, where room is lent to them.

use partools_core::wire::Growth;

use super::frame::{Header, KINDS, WORD, low_half};

/// Kinds of runs have this bit beside their number.
pub(super) const GROWS: u8 = KINDS;
/// The most bytes of elements, whatever the capacity: they stay in the first-level cache until they are read, or nearly.
const LONGEST: usize = 32 * 1024;

/// The most bytes of elements in a run in a ring of this capacity.
pub(super) fn limit(capacity: usize) -> usize {
    (capacity / 4).min(LONGEST)
}

/// A run of this kind without elements, which begins at `position`.
pub(super) fn begin(kind: u8, epoch: u64, position: u64) -> Growth {
    let header = Header {
        length: 0,
        kind: kind | GROWS,
        more: false,
    };
    // The multiplier only has to be odd and large: it carries the epochs far from the positions.
    let seed = epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ position.rotate_left(32);
    Growth::new(header.encode(), seed)
}

/// How many bytes of elements it has.
#[inline]
pub(super) fn length(run: &Growth) -> usize {
    Header::decode(run.low()).length
}

/// Is a header word that of a run? Its kind's number and its length then.
pub(super) fn parse(sealed: u64) -> Option<(u8, usize)> {
    let header = Header::decode(low_half(sealed));
    let is_run = header.kind & GROWS != 0 && !header.more;
    let is_whole = header.length.is_multiple_of(WORD);
    (is_run && is_whole).then_some((header.kind & !GROWS, header.length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(epoch: u64, position: u64, words: &[u64]) -> u64 {
        let mut run = begin(5, epoch, position);
        words.iter().for_each(|&word| run.add(word));
        assert_eq!(length(&run), words.len() * WORD);
        run.header()
    }

    #[test]
    fn a_header_says_kind_and_length() {
        assert_eq!(parse(header(3, 64, &[1, 2, 3])), Some((5, 24)));
        assert_eq!(parse(header(3, 64, &[])), Some((5, 0)));
        // One of another form, and zeroed memory.
        assert_eq!(
            parse(u64::from(
                Header {
                    length: 8,
                    kind: 5,
                    more: false
                }
                .encode()
            )),
            None
        );
        assert_eq!(parse(0), None);
    }

    #[test]
    fn no_other_run_has_its_check() {
        let right = header(3, 64, &[7, 0]);
        assert_ne!(header(4, 64, &[7, 0]), right);
        assert_ne!(header(3, 72, &[7, 0]), right);
    }
}
