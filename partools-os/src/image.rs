//! Functions of this executable by offset, for workers that are this executable started again.
//!
//! ```text
//!   here    address of a function  ── offset_of ──>  offset  +  identity
//!   there   identity checked, offset in a part that is never written  ── address_at ──>  address
//! ```
//!
//! The system loads an executable at another address each time (address space layout randomization), but as one block: what
//! is 0x1234 bytes behind the beginning here is so there. Two things must hold for that, and both are checked: it is
//! the same executable ([`Identity`]), and the offset lies in a part of it that nobody ever writes to, so that what is
//! found there is what the linker put there. Functions of shared libraries have no offset: each is a block of its own, and
//! what is loaded there may be another version.

use std::sync::OnceLock;

mod entry;
mod error;
mod executable;
mod headers;
mod identity;
mod protection;

pub use error::ImageError;
pub use identity::Identity;

use headers::{LOAD, Object, RELRO, WRITABLE};
use protection::Protections;

/// The executable of this process, as it was loaded.
///
/// ```
/// use partools_os::image::Image;
/// fn twice(x: u64) -> u64 {
///     2 * x
/// }
/// let image = Image::this()?;
/// let offset = image.offset_of(twice as *const ())?;
///
/// // The offset and the identity are sent to another process of the same executable. There:
/// image.check(image.identity())?;
/// let address = image.address_at(offset, 1, 1)?;
/// // SAFETY: the same executable has this function at this offset, and it has this type.
/// let function = unsafe { std::mem::transmute::<*const (), fn(u64) -> u64>(address) };
/// assert_eq!(function(21), 42);
/// # Ok::<(), partools_os::image::ImageError>(())
/// ```
#[derive(Debug)]
pub struct Image {
    /// How far behind the addresses in its file the executable was loaded.
    bias: usize,
    /// The parts that are never written to, by address: code, constants, and what was made constant before `main`.
    constant: Vec<Range>,
    identity: Identity,
}

/// From the first address to before the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    start: usize,
    end: usize,
}

impl Range {
    fn holds(self, start: usize, bytes: usize) -> bool {
        self.start <= start && start <= self.end && bytes <= self.end - start
    }
}

impl Image {
    /// The executable of this process. It is looked at once, which takes 0.1 ms with a build id and the time to hash the
    /// file without one; after that this is free.
    ///
    /// # Errors
    /// [`ImageError::Unusable`], when /proc/self/exe cannot be read or is not what runs here: a program that was started
    /// through the dynamic loader by hand (`ld.so program`), or unpacked itself in memory.
    pub fn this() -> Result<&'static Image, ImageError> {
        static THIS: OnceLock<Result<Image, ImageError>> = OnceLock::new();
        THIS.get_or_init(Image::look).as_ref().map_err(Clone::clone)
    }

    fn look() -> Result<Image, ImageError> {
        let unreadable = |what: &str, why: std::io::Error| ImageError::Unusable {
            why: format!("{what} cannot be read: {why}"),
        };
        // The dynamic loader lists the program first, then what it needs.
        let program = headers::objects().into_iter().next();
        let program = program.ok_or_else(|| ImageError::Unusable {
            why: "the dynamic loader lists no program".to_owned(),
        })?;
        let file =
            executable::Executable::open().map_err(|why| unreadable(executable::PATH, why))?;
        if file.headers() != program.headers {
            return Err(ImageError::Unusable {
                why: format!(
                    "{} is not the program that runs here (started through the dynamic loader by hand, or unpacked in \
                     memory?), so starting it again would run something else",
                    executable::PATH
                ),
            });
        }
        let identity = file
            .identity()
            .map_err(|why| unreadable(executable::PATH, why))?;
        let protections = Protections::read().map_err(|why| unreadable("/proc/self/maps", why))?;
        Ok(Image {
            bias: program.bias,
            constant: constant_parts(&program, &protections),
            identity,
        })
    }

    /// What tells this executable from all others; the same in each process that runs it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Refuses what another executable says.
    ///
    /// # Errors
    /// [`ImageError::Mismatch`], when `theirs` is not the identity of this executable.
    pub fn check(&self, theirs: &Identity) -> Result<(), ImageError> {
        match *theirs == self.identity {
            true => Ok(()),
            false => Err(ImageError::Mismatch {
                ours: self.identity.clone(),
                theirs: theirs.clone(),
            }),
        }
    }

    /// The offset of a function, or of a constant, of this executable; the same in each process that runs it.
    ///
    /// Two functions with the same code may have one address, and one function several, so an offset tells where to jump
    /// and not which function it is.
    ///
    /// # Errors
    /// [`ImageError::Elsewhere`] for what lies in a shared library, on the heap or on a stack; [`ImageError::Writable`] for
    /// what lies in this executable where it can be changed: in a program that was linked with `relro-level=off`, that
    /// is also a constant with addresses in it, such as a table of functions.
    pub fn offset_of(&self, address: *const ()) -> Result<u64, ImageError> {
        let address = address.expose_provenance();
        if self.constant.iter().any(|range| range.holds(address, 1)) {
            return Ok(address.wrapping_sub(self.bias) as u64);
        }
        let objects = headers::objects();
        let at = objects.iter().position(|object| object.holds(address));
        Err(match at {
            Some(0) => ImageError::Writable { address },
            _ => ImageError::Elsewhere {
                address,
                object: at.map(|at| objects[at].name.clone()),
            },
        })
    }

    /// Where the `len` bytes at `offset` are in this process: all of them in one part that is never written to.
    ///
    /// What is there, and of which type, it does not know: that follows from the [identity](Image::check) and from who
    /// made the offset.
    ///
    /// # Errors
    /// [`ImageError::OutOfRange`], when they are not all there; [`ImageError::Misaligned`], when the place is not a multiple
    /// of `align`, which must be a power of two.
    pub fn address_at(
        &self,
        offset: u64,
        len: usize,
        align: usize,
    ) -> Result<*const (), ImageError> {
        let out_of_range = ImageError::OutOfRange { offset, len };
        let address = usize::try_from(offset)
            .ok()
            .map(|offset| self.bias.wrapping_add(offset))
            // No bytes still have a place, which must be one of ours.
            .filter(|&address| {
                self.constant
                    .iter()
                    .any(|range| range.holds(address, len.max(1)))
            })
            .ok_or(out_of_range)?;
        if !align.is_power_of_two() || !address.is_multiple_of(align) {
            return Err(ImageError::Misaligned { offset, align });
        }
        Ok(std::ptr::with_exposed_provenance(address))
    }
}

/// The parts of a program that cannot be written to: those that were never meant to be, and those that the loader closed
/// when it had filled in addresses. What the headers promise is only believed where the kernel says the same, as not every
/// loader closes them.
fn constant_parts(program: &Object, protections: &Protections) -> Vec<Range> {
    let page = rustix::param::page_size();
    let parts = program.headers.iter().filter_map(|header| {
        let start = program
            .bias
            .wrapping_add(usize::try_from(header.address).ok()?);
        let len = header.file_bytes.min(header.memory_bytes);
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        match header.kind {
            LOAD if header.flags & WRITABLE == 0 => Some(Range { start, end }),
            // The loader protects whole pages, and leaves the last one open if something else begins on it.
            RELRO => Some(Range {
                start,
                end: end - end % page,
            }),
            _ => None,
        }
    });
    parts
        .filter(|part| part.start < part.end && protections.forbid_writing(part.start, part.end))
        .collect()
}

#[cfg(test)]
mod tests;
