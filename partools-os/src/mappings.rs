//! Writable memory that this process shares and that is not ours.
//!
//! A forked child that writes there writes into the parent (and into whoever else has it mapped), from safe code and
//! unseen. So before a fork one asks here, and names what was found. Live [`Region`](crate::Region)s are left out:
//! they stay behind at a fork. An unfrozen [`SharedVecMut`](crate::SharedVecMut) is not.

use std::fs;
use std::io;

use crate::registry;
use crate::segment;

/// A writable shared mapping, as /proc/self/maps has it.
///
/// ```
/// use partools_os::{SharedVec, foreign_writable_shared};
///
/// let filling = SharedVec::<f64>::zeroed(1000)?;
/// let mapping = foreign_writable_shared()?.into_iter().find(|mapping| mapping.name.contains("SharedVecMut"));
/// let mapping = mapping.expect("what is not frozen can be written");
/// assert_eq!(mapping.start, filling.as_ptr() as usize);
/// assert!(mapping.end - mapping.start >= 8000);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMapping {
    /// The first address.
    pub start: usize,
    /// The address behind the last one.
    pub end: usize,
    /// What is mapped, in words: a path, or what stands behind a name that is none.
    pub name: String,
}

/// The writable shared mappings of this process, live regions of ours left out. About 40 µs.
///
/// Mappings that somebody else keeps from being inherited (`MADV_DONTFORK`) are listed too.
///
/// ```
/// use partools_os::{Region, SharedVec, foreign_writable_shared};
///
/// let filling = SharedVec::<f64>::zeroed(1000)?;
/// let names: Vec<_> = foreign_writable_shared()?.into_iter().map(|mapping| mapping.name).collect();
/// assert_eq!(names, ["a SharedVecMut of partools that is not frozen yet (call freeze() on it)"]);
///
/// let (_frozen, _region) = (filling.freeze()?, Region::new(4096)?);
/// assert_eq!(foreign_writable_shared()?, []); // now a fork is safe from that side
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When /proc is not there or cannot be read.
pub fn foreign_writable_shared() -> io::Result<Vec<SharedMapping>> {
    // Held while reading, so that no region of ours is made or unmapped between the list and the look-up.
    let registry = registry::lock();
    let maps = fs::read("/proc/self/maps")?;
    let shared = maps
        .split(|&byte| byte == b'\n')
        .filter_map(|line| writable_shared(&String::from_utf8_lossy(line)));
    Ok(shared
        .filter(|mapping| !registry.covers(mapping.start, mapping.end))
        .collect())
}

/// Reads one line: `start-end perms offset device inode    name`.
fn writable_shared(line: &str) -> Option<SharedMapping> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let permissions = fields.next()?.as_bytes();
    if permissions.get(1) != Some(&b'w') || permissions.get(3) != Some(&b's') {
        return None;
    }
    let name = fields.nth(3).unwrap_or("").trim_start();
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some(SharedMapping {
        start: address(start)?,
        end: address(end)?,
        name: in_words(name),
    })
}

/// The kernel's name of a mapping, made readable.
fn in_words(name: &str) -> String {
    let (path, deleted) = match name.strip_suffix(" (deleted)") {
        Some(path) => (path, true),
        None => (name, false),
    };
    if let Some(memfd) = path.strip_prefix("/memfd:") {
        return match memfd == segment::NAME {
            true => {
                "a SharedVecMut of partools that is not frozen yet (call freeze() on it)".to_owned()
            }
            false => format!("memory file \"{memfd}\""),
        };
    }
    if let Some(id) = path.strip_prefix("/SYSV") {
        return format!("System V shared memory {id}");
    }
    match path {
        "/dev/zero" | "" => "anonymous shared memory".to_owned(),
        _ if deleted => format!("{path}, a deleted file"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Region, SharedVec};

    fn name_of(line: &str) -> Option<String> {
        writable_shared(line).map(|mapping| mapping.name)
    }

    #[test]
    fn only_writable_shared_lines_count() {
        assert_eq!(name_of("7f00-8f00 rw-p 00000000 00:00 0 "), None);
        assert_eq!(
            name_of("7f00-8f00 r--s 00000000 00:01 77   /memfd:x (deleted)"),
            None
        );
        assert_eq!(
            name_of("7f00-8f00 rwxs 00000000 00:00 0"),
            Some("anonymous shared memory".into())
        );
        assert_eq!(name_of(""), None);
        assert_eq!(name_of("nonsense"), None);
    }

    #[test]
    fn names_are_readable() {
        let line = |name: &str| format!("7f00-8f00 rw-s 00000000 00:01 77                {name}");
        assert_eq!(
            name_of(&line("/dev/zero (deleted)")),
            Some("anonymous shared memory".into())
        );
        assert_eq!(
            name_of(&line("/memfd:cache (deleted)")),
            Some("memory file \"cache\"".into())
        );
        assert_eq!(
            name_of(&line("/home/me/my data.bin")),
            Some("/home/me/my data.bin".into())
        );
        assert_eq!(
            name_of(&line("/tmp/x (deleted)")),
            Some("/tmp/x, a deleted file".into())
        );
        assert_eq!(
            name_of(&line("/SYSV00000000 (deleted)")),
            Some("System V shared memory 00000000".into())
        );
        assert!(
            name_of(&line("/memfd:partools (deleted)"))
                .is_some_and(|name| name.contains("freeze()"))
        );
    }

    #[test]
    fn regions_of_ours_are_left_out_and_unfrozen_vectors_are_not() {
        let lists = |start: usize| {
            foreign_writable_shared()
                .expect("maps")
                .into_iter()
                .find(|mapping| mapping.start == start)
        };
        let region = Region::new(1 << 16).expect("a region");
        assert_eq!(lists(region.words().as_ptr() as usize), None);

        let vector = SharedVec::<u64>::zeroed(1000).expect("memory");
        let start = vector.as_ptr() as usize;
        assert!(lists(start).is_some_and(|mapping| mapping.name.contains("freeze()")));
        let frozen = vector.freeze().expect("a frozen vector");
        assert_eq!(lists(frozen.as_ptr() as usize), None);
    }
}
