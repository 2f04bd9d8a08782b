//! Reading a journal from its head to its end, past what is damaged.
//!
//! ```text
//! | record 0 | record 1 | ##damaged## | record 4 | rec            2 and 3 are lost, and the one that was cut off
//!            checked, taken   searched: MARK, sums        ^ end: what is written next goes here
//! ```
//!
//! A record whose payload was changed is stepped over by its length; where its head was, the next one is searched for. Invariant:
//! nothing is taken whose sums do not hold.

use crate::layout::{self, Head, Kind, MARK, RECORD};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What a journal was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Behind the last good record. What follows is not worth keeping.
    pub(crate) end: u64,
    /// The number of the next record.
    pub(crate) next: u64,
    /// Records lost, of which no earlier run knew.
    pub(crate) damaged: u64,
    /// Records lost in front of `end`, ever.
    pub(crate) lost: u64,
    /// Is any of those not yet written down as lost?
    pub(crate) untold: bool,
}

/// What is believed of a record.
pub(crate) struct Record<'p> {
    pub(crate) kind: Kind,
    pub(crate) index: u64,
    /// Where the payload lies in the file.
    pub(crate) offset: u64,
    pub(crate) payload: &'p [u8],
}

/// Reads the records from `from` on, and hands the good ones to `take`, which says whether it can make sense of them.
pub(crate) fn scan(
    file: &File,
    from: u64,
    salt: u64,
    mut take: impl FnMut(&Record<'_>) -> bool,
) -> io::Result<Found> {
    let len = file.metadata()?.len();
    let mut reader = Reader::new(file, len);
    let mut payload = Vec::new();
    let (mut at, mut next) = (from, 0_u64);
    let mut found = Found {
        end: from,
        next: 0,
        damaged: 0,
        lost: 0,
        untold: false,
    };
    let (mut gaps, mut told) = (0, 0);
    while at < len {
        let head = match reader.head(at, salt)? {
            Some(head) if head.seq >= next => head,
            _ => match reader.search(at + 1, salt)? {
                Some(place) => {
                    at = place;
                    continue;
                }
                // At least the one that began here, and was cut off.
                None => {
                    found.damaged += 1;
                    break;
                }
            },
        };
        gaps += head.seq - next;
        next = head.seq + 1;
        let offset = at + RECORD as u64;
        at = offset + head.len;
        reader.read(offset, head.len, &mut payload)?;
        let record = Record {
            kind: head.kind,
            index: head.index,
            offset,
            payload: &payload,
        };
        if layout::sum(salt, &payload) != head.sum || !take(&record) {
            gaps += 1;
            continue;
        }
        if head.kind == Kind::Lost {
            told = head.index.min(gaps);
        }
        found.end = at;
        found.next = next;
        found.lost = gaps;
    }
    found.damaged += gaps - told;
    found.untold = found.lost > told;
    Ok(found)
}

/// Reads at any place, fast in a row.
struct Reader<'f> {
    file: BufReader<&'f File>,
    at: u64,
    len: u64,
}

impl<'f> Reader<'f> {
    fn new(file: &'f File, len: u64) -> Self {
        Reader {
            file: BufReader::with_capacity(1 << 18, file),
            // Nowhere: the first read seeks.
            at: u64::MAX,
            len,
        }
    }

    /// Reads `len` bytes, which the file has, at `at`.
    fn read(&mut self, at: u64, len: u64, out: &mut Vec<u8>) -> io::Result<()> {
        if self.at != at {
            match i64::try_from(i128::from(at) - i128::from(self.at)) {
                Ok(by) if self.at != u64::MAX => self.file.seek_relative(by)?,
                _ => _ = self.file.seek(SeekFrom::Start(at))?,
            }
        }
        out.clear();
        let read = (&mut self.file).take(len).read_to_end(out)? as u64;
        self.at = at + read;
        match read == len {
            true => Ok(()),
            false => Err(io::Error::other("it became shorter while it was read")),
        }
    }

    /// The record at `at`, if there is one, whole.
    fn head(&mut self, at: u64, salt: u64) -> io::Result<Option<Head>> {
        let left = self.len.saturating_sub(at);
        if left < RECORD as u64 {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(RECORD);
        self.read(at, RECORD as u64, &mut bytes)?;
        Ok(layout::record(&bytes, salt).filter(|head| head.len <= left - RECORD as u64))
    }

    /// Where the next record begins, from `at` on.
    fn search(&mut self, mut at: u64, salt: u64) -> io::Result<Option<u64>> {
        let mut piece = Vec::new();
        while at + (RECORD as u64) <= self.len {
            let take = (self.len - at).min(1 << 16);
            self.read(at, take, &mut piece)?;
            let marks = piece.windows(MARK.len()).enumerate();
            let marks: Vec<u64> = marks
                .filter(|(_, window)| **window == MARK)
                .map(|(offset, _)| at + offset as u64)
                .collect();
            for place in marks {
                if self.head(place, salt)?.is_some() {
                    return Ok(Some(place));
                }
            }
            if take == self.len - at {
                break;
            }
            // A mark may begin in one piece and end in the next.
            at += take - (MARK.len() as u64 - 1);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const SALT: u64 = 99;

    /// Ten records of uneven lengths, and where each begins.
    fn records() -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut begins) = (Vec::new(), Vec::new());
        for seq in 0..10_usize {
            begins.push(bytes.len());
            // With what looks like a record of another journal inside.
            let mut payload = vec![b'p'; seq * 7];
            layout::put_record(&mut payload, SALT + 1, (Kind::Outputs, 0, 0), b"x");
            let what = (Kind::Outputs, seq as u64, 100 + seq as u64);
            layout::put_record(&mut bytes, SALT, what, &payload);
        }
        (bytes, begins)
    }

    fn read(bytes: &[u8]) -> (Found, Vec<u64>) {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        let mut taken = Vec::new();
        let found = scan(&file, 0, SALT, |record| {
            taken.push(record.index);
            true
        });
        (found.expect("read"), taken)
    }

    fn all_but(lost: &[usize]) -> Vec<u64> {
        let kept = (0..10).filter(|seq| !lost.contains(seq));
        kept.map(|seq| 100 + seq as u64).collect()
    }

    #[test]
    fn a_journal_that_is_cut_off_anywhere_loses_what_was_cut_off() {
        let (bytes, begins) = records();
        for cut in 0..=bytes.len() {
            let whole = begins
                .iter()
                .skip(1)
                .chain([&bytes.len()])
                .filter(|&&end| end <= cut)
                .count();
            let (found, taken) = read(&bytes[..cut]);
            assert_eq!(taken, all_but(&(whole..10).collect::<Vec<_>>()), "{cut}");
            let end = if whole == 10 {
                bytes.len()
            } else {
                begins[whole]
            };
            assert_eq!(found.end, end as u64);
            assert_eq!(found.next, whole as u64);
            assert_eq!(found.damaged, u64::from(cut > end), "{cut}");
            assert!(!found.untold);
        }
    }

    #[test]
    fn a_changed_byte_loses_its_record_alone() {
        let (bytes, begins) = records();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            let hit = begins.iter().filter(|&&begin| begin <= at).count() - 1;
            let (found, taken) = read(&changed);
            assert_eq!(taken, all_but(&[hit]), "{at}");
            assert_eq!(found.damaged, 1, "{at}");
            // What is in front of a good record stays where it is; a bad tail is cut off.
            let is_last = hit == 9;
            assert_eq!(found.untold, !is_last);
            assert_eq!(found.next, if is_last { 9 } else { 10 });
        }
    }

    #[test]
    fn a_gap_tells_how_many_are_lost_and_is_told_once() {
        let (mut bytes, begins) = records();
        bytes[begins[3]..begins[6]].fill(0xf5);
        let (found, taken) = read(&bytes);
        assert_eq!(taken, all_but(&[3, 4, 5]));
        assert_eq!((found.damaged, found.lost, found.untold), (3, 3, true));
        layout::put_record(&mut bytes, SALT, (Kind::Lost, 10, 3), b"");
        let (found, _) = read(&bytes);
        assert_eq!((found.damaged, found.lost, found.untold), (0, 3, false));
        // And one more.
        bytes[begins[8] + RECORD] ^= 1;
        let (found, _) = read(&bytes);
        assert_eq!((found.damaged, found.lost, found.untold), (1, 4, true));
    }
}
