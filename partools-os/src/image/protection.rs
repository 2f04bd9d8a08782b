//! Where this process cannot write, as the kernel has it.

use std::fs;
use std::io;

/// The mappings of this process that can be read or executed and not written to, in order, neighbours joined.
#[derive(Debug)]
pub(super) struct Protections(Vec<(usize, usize)>);

impl Protections {
    pub(super) fn read() -> io::Result<Protections> {
        let maps = fs::read("/proc/self/maps")?;
        Ok(Protections::parse(&String::from_utf8_lossy(&maps)))
    }

    /// Lines are `start-end perms ..`, by address.
    pub(super) fn parse(maps: &str) -> Protections {
        let mut closed: Vec<(usize, usize)> = Vec::new();
        for (start, end) in maps.lines().filter_map(closed_to_writing) {
            match closed.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => closed.push((start, end)),
            }
        }
        Protections(closed)
    }

    /// Whether nothing between these two can be written to, and all of it is there.
    pub(super) fn forbid_writing(&self, start: usize, end: usize) -> bool {
        self.0.iter().any(|part| part.0 <= start && end <= part.1)
    }
}

fn closed_to_writing(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split(' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let access = fields.next()?.as_bytes();
    let is_closed =
        access.get(1) == Some(&b'-') && (access[0] == b'r' || access.get(2) == Some(&b'x'));
    let address = |text| usize::from_str_radix(text, 16).ok();
    is_closed.then_some((address(start)?, address(end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_joined_and_holes_and_writable_parts_are_not_bridged() {
        let protections = Protections::parse(
            "1000-2000 r--p 0 00:00 0\n2000-3000 r-xp 0 00:00 0\n3000-4000 rw-p 0 00:00 0\n\
             4000-5000 --xp 0 00:00 0\n6000-7000 r--s 0 00:00 0 /x\n7000-8000 ---p 0 00:00 0\nnonsense\n",
        );
        let forbid = |start, end| protections.forbid_writing(start, end);
        assert!(forbid(0x1000, 0x3000) && forbid(0x1800, 0x2800) && forbid(0x4000, 0x5000));
        assert!(!forbid(0x2000, 0x3001) && !forbid(0x3000, 0x3001) && !forbid(0xfff, 0x1001));
        assert!(!forbid(0x4000, 0x7000) && !forbid(0x6000, 0x7001));
    }
}
