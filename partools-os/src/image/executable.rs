//! The file that this process runs, read as what it is.
//!
//! `/proc/self/exe` is that very file, also when another one lies at its path by now. Only this machine's own kind of ELF is
//! read: what runs here is that.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::Xxh3;

use super::headers::{NOTE, ProgramHeader};
use super::identity::{Identity, Kind};

/// Where it is.
pub(super) const PATH: &str = "/proc/self/exe";

/// ELF, 64 bits.
const MAGIC: &[u8] = b"\x7fELF\x02";
const FILE_HEADER: usize = size_of::<libc::Elf64_Ehdr>();
const PROGRAM_HEADER: usize = size_of::<libc::Elf64_Phdr>();
/// Who wrote a note that has a build id, and its type.
const GNU: &[u8] = b"GNU\0";
const BUILD_ID: u32 = 3;
/// Far more than any linker writes.
const MOST_NOTES: u64 = 1 << 16;

#[derive(Debug)]
pub(super) struct Executable {
    file: File,
    headers: Vec<ProgramHeader>,
}

impl Executable {
    pub(super) fn open() -> io::Result<Executable> {
        Executable::of(File::open(PATH)?)
    }

    fn of(file: File) -> io::Result<Executable> {
        let mut start = [0; FILE_HEADER];
        file.read_exact_at(&mut start, 0)?;
        if !start.starts_with(MAGIC) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is no ELF file of 64 bits",
            ));
        }
        // Elf64_Ehdr: e_phoff at 32, e_phentsize at 54, e_phnum at 56.
        let (offset, size, count) = (number(&start, 32), short(&start, 54), short(&start, 56));
        if usize::from(size) != PROGRAM_HEADER {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its program headers are of an unknown size",
            ));
        }
        let mut bytes = vec![0; PROGRAM_HEADER * usize::from(count)];
        file.read_exact_at(&mut bytes, offset)?;
        let headers = bytes
            .chunks_exact(PROGRAM_HEADER)
            .map(program_header)
            .collect();
        Ok(Executable { file, headers })
    }

    pub(super) fn headers(&self) -> &[ProgramHeader] {
        &self.headers
    }

    /// By its build id if the linker wrote one, else by its contents.
    pub(super) fn identity(&self) -> io::Result<Identity> {
        let file_bytes = self.file.metadata()?.len();
        let (kind, id) = match self.build_id()? {
            Some(id) => (Kind::BuildId, id),
            None => (Kind::Hash, self.hash()?),
        };
        Ok(Identity::new(kind, file_bytes, id))
    }

    fn build_id(&self) -> io::Result<Option<Vec<u8>>> {
        for header in self.headers.iter().filter(|header| header.kind == NOTE) {
            let len = usize::try_from(header.file_bytes.min(MOST_NOTES)).unwrap_or_default();
            let mut notes = vec![0; len];
            self.file.read_exact_at(&mut notes, header.offset)?;
            let align = if header.align == 8 { 8 } else { 4 };
            if let Some(id) = build_id_in(&notes, align) {
                return Ok(Some(id.to_vec()));
            }
        }
        Ok(None)
    }

    fn hash(&self) -> io::Result<Vec<u8>> {
        let (mut hash, mut buffer, mut offset) = (Xxh3::new(), vec![0; 1 << 20], 0);
        loop {
            match self.file.read_at(&mut buffer, offset) {
                Ok(0) => return Ok(hash.digest128().to_be_bytes().to_vec()),
                Ok(more) => {
                    hash.update(&buffer[..more]);
                    offset += more as u64;
                }
                Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
    }
}

/// The build id among notes: each is three numbers (length of the name, length of the rest, type), the name, and the rest.
fn build_id_in(notes: &[u8], align: usize) -> Option<&[u8]> {
    let mut rest = notes;
    while rest.len() >= 12 {
        let [name_len, len, kind] = [0, 4, 8].map(|place| word(rest, place));
        let name_end = 12_usize.checked_add(usize::try_from(name_len).ok()?)?;
        let begin = name_end.checked_next_multiple_of(align)?;
        let end = begin.checked_add(usize::try_from(len).ok()?)?;
        let (name, id) = (rest.get(12..name_end)?, rest.get(begin..end)?);
        if kind == BUILD_ID && name == GNU && Identity::can_have(id) {
            return Some(id);
        }
        rest = rest.get(end.checked_next_multiple_of(align)?..)?;
    }
    None
}

/// Elf64_Phdr: type, flags, offset, address, physical address, sizes in file and memory, alignment.
fn program_header(bytes: &[u8]) -> ProgramHeader {
    ProgramHeader {
        kind: word(bytes, 0),
        flags: word(bytes, 4),
        offset: number(bytes, 8),
        address: number(bytes, 16),
        file_bytes: number(bytes, 32),
        memory_bytes: number(bytes, 40),
        align: number(bytes, 48),
    }
}

fn short(bytes: &[u8], place: usize) -> u16 {
    u16::from_ne_bytes(std::array::from_fn(|i| bytes[place + i]))
}

fn word(bytes: &[u8], place: usize) -> u32 {
    u32::from_ne_bytes(std::array::from_fn(|i| bytes[place + i]))
}

fn number(bytes: &[u8], place: usize) -> u64 {
    u64::from_ne_bytes(std::array::from_fn(|i| bytes[place + i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    fn note(name: &[u8], kind: u32, rest: &[u8], align: usize) -> Vec<u8> {
        let mut note = Vec::new();
        for number in [name.len(), rest.len()] {
            note.extend(u32::try_from(number).expect("short").to_ne_bytes());
        }
        note.extend(kind.to_ne_bytes());
        note.extend(name);
        note.resize(note.len().next_multiple_of(align), 0);
        note.extend(rest);
        note.resize(note.len().next_multiple_of(align), 0);
        note
    }

    #[test]
    fn a_build_id_is_found_among_other_notes() {
        for align in [4, 8] {
            let notes = [
                note(b"GNU\0", 5, &[1; 16], align),
                note(b"stapsdt\0", BUILD_ID, &[2; 5], align),
                note(b"GNU\0", BUILD_ID, &[3; 20], align),
            ];
            assert_eq!(build_id_in(&notes.concat(), align), Some(&[3; 20][..]));
            assert_eq!(build_id_in(&notes[..2].concat(), align), None);
        }
    }

    #[test]
    fn damaged_notes_have_no_build_id() {
        let whole = note(b"GNU\0", BUILD_ID, &[3; 20], 4);
        for len in 0..whole.len() {
            assert_eq!(build_id_in(&whole[..len], 4), None);
        }
        assert_eq!(build_id_in(&[0xff; 64], 4), None);
        assert_eq!(build_id_in(&note(b"GNU\0", BUILD_ID, &[], 4), 4), None);
    }

    #[test]
    fn this_program_is_read() {
        let executable = Executable::open().expect("this program");
        assert!(
            executable
                .headers()
                .iter()
                .any(|header| header.kind == super::super::LOAD)
        );
        assert_eq!(
            executable.identity().expect("read"),
            executable.identity().expect("read")
        );
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        for bytes in [&b"#!/bin/sh\n"[..], b"", &[0; 100], b"\x7fELF\x02"] {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(bytes).expect("written");
            assert!(Executable::of(file).is_err());
        }
    }

    #[test]
    fn without_a_build_id_every_byte_counts() {
        let mut file = tempfile::tempfile().expect("a file");
        io::copy(&mut File::open(PATH).expect("this program"), &mut file).expect("a copy");
        let hash = |file: &File| {
            Executable::of(file.try_clone().expect("a descriptor"))
                .and_then(|it| it.hash())
                .expect("a hash")
        };
        let before = hash(&file);
        assert_eq!(before.len(), 16);
        file.seek(io::SeekFrom::End(-1)).expect("its end");
        let mut last = [0];
        file.read_exact(&mut last).expect("a byte");
        file.seek(io::SeekFrom::End(-1)).expect("its end");
        file.write_all(&[last[0] ^ 1]).expect("written");
        assert_ne!(hash(&file), before);
        file.seek(io::SeekFrom::End(-1)).expect("its end");
        file.write_all(&last).expect("written");
        assert_eq!(hash(&file), before);
    }
}
