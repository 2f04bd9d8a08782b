//! What is loaded in this process, as the dynamic loader lists it: the raw call of `image.rs`.
//!
//! All that is wanted is copied within the call, while the loader keeps its list from changing.

use std::ffi::{CStr, c_int, c_void};
use std::slice;

/// The kind of header that says what to load (`PT_LOAD`).
pub(super) const LOAD: u32 = libc::PT_LOAD;
/// The kind that says what to make read-only when addresses are filled in (`PT_GNU_RELRO`).
pub(super) const RELRO: u32 = libc::PT_GNU_RELRO;
/// The kind that says where notes are (`PT_NOTE`).
pub(super) const NOTE: u32 = libc::PT_NOTE;
/// The flag of a part that can be written to (`PF_W`).
pub(super) const WRITABLE: u32 = libc::PF_W;

/// The program itself, or a shared library.
#[derive(Debug)]
pub(super) struct Object {
    /// How far behind the addresses in its file it was loaded.
    pub(super) bias: usize,
    /// Its path; empty for the program.
    pub(super) name: String,
    pub(super) headers: Vec<ProgramHeader>,
}

/// A part of an ELF file: where it lies in the file, and where in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProgramHeader {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) file_bytes: u64,
    pub(super) memory_bytes: u64,
    pub(super) align: u64,
}

impl Object {
    pub(super) fn holds(&self, address: usize) -> bool {
        let inside = address.wrapping_sub(self.bias) as u64;
        let mut loaded = self.headers.iter().filter(|header| header.kind == LOAD);
        loaded.any(|part| {
            inside
                .checked_sub(part.address)
                .is_some_and(|place| place < part.memory_bytes)
        })
    }
}

/// What is loaded, the program first.
pub(super) fn objects() -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    // SAFETY: `collect` gets the list as its last argument, which lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut objects).cast()) };
    objects
}

/// Called by the loader for each object; 0 means to go on.
unsafe extern "C" fn collect(info: *mut libc::dl_phdr_info, _: usize, list: *mut c_void) -> c_int {
    // SAFETY: the loader passes a description that is whole for the length of this call.
    let info = unsafe { &*info };
    // SAFETY: `objects` passes the list, and nobody else has it meanwhile.
    let objects = unsafe { &mut *list.cast::<Vec<Object>>() };
    let headers = match info.dlpi_phdr.is_null() {
        true => &[],
        // SAFETY: so many headers are there, mapped as long as the object is.
        false => unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) },
    };
    let name = match info.dlpi_name.is_null() {
        true => c"",
        // SAFETY: a name of the loader's, which ends with a zero.
        false => unsafe { CStr::from_ptr(info.dlpi_name) },
    };
    objects.push(Object {
        bias: usize::try_from(info.dlpi_addr).unwrap_or_default(),
        name: name.to_string_lossy().into_owned(),
        headers: headers.iter().map(ProgramHeader::from).collect(),
    });
    0
}

impl From<&libc::Elf64_Phdr> for ProgramHeader {
    fn from(header: &libc::Elf64_Phdr) -> ProgramHeader {
        ProgramHeader {
            kind: header.p_type,
            flags: header.p_flags,
            offset: header.p_offset,
            address: header.p_vaddr,
            file_bytes: header.p_filesz,
            memory_bytes: header.p_memsz,
            align: header.p_align,
        }
    }
}
