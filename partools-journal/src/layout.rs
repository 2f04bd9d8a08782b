//! The bytes of a journal. All numbers are little-endian; outputs are as [`partools_core::encode`] writes them, so a journal is
//! for the machine (its byte order) that wrote it.
//!
//! ```text
//! head     MAGIC version salt length sum | fingerprint sum
//! record   MARK kind seq index length sum-of-payload sum-of-these | payload
//! record   ..                                                              the end of the file is the end of the journal
//! ```
//!
//! Sums are XXH3, seeded with the file's own random salt: bytes of another journal that lie in an output are no records here.
//! `seq` counts records, so that a gap tells how many are lost.

use std::hash::{BuildHasher, RandomState};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(crate) const MAGIC: &[u8; 16] = b"partools-journal";
const VERSION: u32 = 1;
/// Of a head, without the fingerprint and its sum.
pub(crate) const HEAD: usize = 16 + 4 + 8 + 4 + 8;
pub(crate) const SUM: usize = 8;
pub(crate) const MARK: [u8; 4] = [0xf5, b'j', b'r', 0x0a];
/// Of a record, without the payload.
pub(crate) const RECORD: usize = 4 + 4 + 8 + 8 + 8 + 8 + 8;
/// The longest fingerprint that is believed.
const LONGEST: usize = 1 << 20;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Outputs of consecutive items, the first of them at `index`; as many as the payload says.
    Outputs = 1,
    /// From here on a map with another fingerprint writes.
    Fingerprint = 2,
    /// So many records (`index`) in front of this one are known to be lost.
    Lost = 3,
}

/// A record but for its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) seq: u64,
    pub(crate) index: u64,
    pub(crate) len: u64,
    pub(crate) sum: u64,
}

pub(crate) fn sum(salt: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, salt)
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

fn half(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

/// A whole record.
pub(crate) fn put_record(
    out: &mut Vec<u8>,
    salt: u64,
    (kind, seq, index): (Kind, u64, u64),
    payload: &[u8],
) {
    let start = out.len();
    out.extend(MARK);
    out.extend((kind as u32).to_le_bytes());
    out.extend(seq.to_le_bytes());
    out.extend(index.to_le_bytes());
    out.extend((payload.len() as u64).to_le_bytes());
    out.extend(sum(salt, payload).to_le_bytes());
    let head = sum(salt, &out[start..]);
    out.extend(head.to_le_bytes());
    out.extend_from_slice(payload);
}

/// The head of a record that begins `bytes`, if one does.
pub(crate) fn record(bytes: &[u8], salt: u64) -> Option<Head> {
    let bytes = bytes.get(..RECORD)?;
    if bytes[..4] != MARK || number(bytes, RECORD - SUM) != sum(salt, &bytes[..RECORD - SUM]) {
        return None;
    }
    let kind = match half(bytes, 4) {
        1 => Kind::Outputs,
        2 => Kind::Fingerprint,
        3 => Kind::Lost,
        _ => return None,
    };
    Some(Head {
        kind,
        seq: number(bytes, 8),
        index: number(bytes, 16),
        len: number(bytes, 24),
        sum: number(bytes, 32),
    })
}

/// A new journal's head.
pub(crate) fn put_head(out: &mut Vec<u8>, fingerprint: &[u8]) -> u64 {
    let salt = RandomState::new().hash_one(std::process::id());
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(salt.to_le_bytes());
    let length = u32::try_from(fingerprint.len()).unwrap_or(u32::MAX);
    out.extend(length.to_le_bytes());
    out.extend(sum(salt, out).to_le_bytes());
    out.extend_from_slice(fingerprint);
    out.extend(sum(salt, fingerprint).to_le_bytes());
    salt
}

/// What a file begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// A head: its salt, and where the fingerprint lies.
    Whole {
        salt: u64,
        fingerprint: std::ops::Range<usize>,
    },
    /// A head that was not written to its end, and nothing behind it.
    CutOff,
    /// Something else, or a head that was changed.
    Damaged(&'static str),
}

/// What `bytes`, the beginning of a file (all of it, if it is short), are.
pub(crate) fn beginning(bytes: &[u8]) -> Beginning {
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        return Beginning::Damaged("it does not begin as a journal does");
    }
    let Some(head) = bytes.get(..HEAD) else {
        return Beginning::CutOff;
    };
    let salt = number(head, 20);
    if number(head, HEAD - SUM) != sum(salt, &head[..HEAD - SUM]) {
        return Beginning::Damaged("its head was changed");
    }
    if half(head, 16) != VERSION {
        return Beginning::Damaged("it was written by another version of partools");
    }
    let length = half(head, 28) as usize;
    if length > LONGEST {
        return Beginning::Damaged("its fingerprint is too long");
    }
    let Some(rest) = bytes.get(HEAD..HEAD + length + SUM) else {
        return Beginning::CutOff;
    };
    let (fingerprint, told) = rest.split_at(length);
    match number(told, 0) == sum(salt, fingerprint) {
        true => Beginning::Whole {
            salt,
            fingerprint: HEAD..HEAD + length,
        },
        false => Beginning::Damaged("its fingerprint was changed"),
    }
}

/// Bytes to read for [`beginning`].
pub(crate) const MOST: usize = HEAD + LONGEST + SUM;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_whole_or_cut_off_or_damaged() {
        let mut bytes = Vec::new();
        let salt = put_head(&mut bytes, b"fingerprint");
        let whole = Beginning::Whole {
            salt,
            fingerprint: HEAD..HEAD + 11,
        };
        assert_eq!(beginning(&bytes), whole);
        for cut in 0..bytes.len() {
            assert_eq!(beginning(&bytes[..cut]), Beginning::CutOff, "{cut}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let found = beginning(&changed);
                assert!(matches!(found, Beginning::Damaged(_)), "{at}: {found:?}");
            }
        }
        bytes.extend(b"records");
        assert_eq!(beginning(&bytes), whole);
    }

    #[test]
    fn a_record_that_was_changed_or_is_of_another_journal_is_none() {
        let mut bytes = Vec::new();
        put_record(&mut bytes, 5, (Kind::Outputs, 3, 70), b"payload");
        let head = record(&bytes, 5).expect("a record");
        assert_eq!((head.seq, head.index, head.len), (3, 70, 7));
        assert_eq!(head.sum, sum(5, b"payload"));
        assert!(record(&bytes, 6).is_none());
        for at in 0..RECORD {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(record(&changed, 5).is_none(), "{at}");
            }
            assert!(record(&bytes[..at], 5).is_none());
        }
    }
}
