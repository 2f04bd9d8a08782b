//! Reading `/proc`: each function gives names that two snapshots can be compared by.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

/// Is there a `/proc` that tells about this process?
pub(super) fn is_there() -> bool {
    fs::metadata("/proc/self/task").is_ok() && fs::metadata("/proc/self/fd").is_ok()
}

/// The children of this process, zombies too. Their states and threads may change, so only ids and names.
pub(super) fn children() -> io::Result<BTreeSet<String>> {
    let own = std::process::id();
    let mut children = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that ended since it was listed is nobody's child any more.
        let Ok(stat) = fs::read(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let stat = String::from_utf8_lossy(&stat);
        // "pid (name) state parent ...", where the name may hold anything.
        let Some((head, tail)) = stat.rsplit_once(") ") else {
            continue;
        };
        let parent = tail
            .split(' ')
            .nth(1)
            .and_then(|parent| parent.parse().ok());
        if parent == Some(own) {
            let name = head.split_once('(').map_or("", |(_, name)| name);
            children.insert(format!("{pid} ({name})"));
        }
    }
    Ok(children)
}

/// Open descriptors, and what they point to.
pub(super) fn descriptors() -> io::Result<BTreeMap<String, String>> {
    let mut descriptors = BTreeMap::new();
    let listing = format!("/proc/{}/fd", std::process::id());
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let Ok(target) = fs::read_link(entry.path()) else {
            continue;
        };
        let target = target.to_string_lossy().into_owned();
        // The one that this listing is read by.
        if target != listing {
            descriptors.insert(entry.file_name().to_string_lossy().into_owned(), target);
        }
    }
    Ok(descriptors)
}

/// The threads of this process.
pub(super) fn threads() -> io::Result<BTreeSet<String>> {
    let mut threads = BTreeSet::new();
    for entry in fs::read_dir("/proc/self/task")? {
        let tid = entry?.file_name().to_string_lossy().into_owned();
        let name = fs::read_to_string(format!("/proc/self/task/{tid}/comm")).unwrap_or_default();
        threads.insert(format!("{tid} ({})", name.trim_end()));
    }
    Ok(threads)
}

/// Shared mappings, and private ones of files. Private anonymous memory, the heap and stacks are left out.
pub(super) fn mappings() -> io::Result<BTreeSet<String>> {
    let maps = fs::read("/proc/self/maps")?;
    let lines = maps
        .split(|&byte| byte == b'\n')
        .map(String::from_utf8_lossy);
    Ok(lines
        .filter(|line| is_kept(line))
        .map(|line| one_space(&line))
        .collect())
}

/// Is this line of `maps` ("start-end perms offset device inode   name") a mapping that lasts?
fn is_kept(line: &str) -> bool {
    let mut fields = line.split_ascii_whitespace();
    let shared = fields
        .nth(1)
        .is_some_and(|permissions| permissions.ends_with('s'));
    let file = fields.nth(3).is_some_and(|name| name.starts_with('/'));
    shared || file
}

fn one_space(line: &str) -> String {
    line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Signal handlers and masks, the file mode mask, and the flags of the standard streams.
pub(super) fn settings() -> io::Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    let status = fs::read_to_string("/proc/thread-self/status")?;
    for line in status.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if key == "Umask" {
            settings.insert(key.to_owned(), value.to_owned());
        } else if ["SigBlk", "SigIgn", "SigCgt"].contains(&key) {
            settings.insert(key.to_owned(), of_the_host(value));
        }
    }
    for stream in 0..3 {
        let Ok(info) = fs::read_to_string(format!("/proc/self/fdinfo/{stream}")) else {
            continue;
        };
        if let Some(flags) = info.lines().find_map(|line| line.strip_prefix("flags:")) {
            settings.insert(format!("flags of stream {stream}"), flags.trim().to_owned());
        }
    }
    Ok(settings)
}

/// Signals 32 to 34 belong to the C library, which has handlers for them from the first thread on.
const OF_THE_LIBRARY: u64 = 0b111 << 31;

/// A signal set as `status` has it, without those that are not the host's.
fn of_the_host(set: &str) -> String {
    match u64::from_str_radix(set, 16) {
        Ok(bits) => format!("{:016x}", bits & !OF_THE_LIBRARY),
        Err(_) => set.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_of_the_c_library_are_left_out() {
        assert_eq!(of_the_host("0000000180001000"), "0000000000001000");
        assert_eq!(of_the_host("nonsense"), "nonsense");
    }

    #[test]
    fn lasting_mappings_are_told_from_the_allocator_s() {
        let kept =
            |perms: &str, name: &str| is_kept(&format!("7f-8f {perms} 00 00:01 77      {name}"));
        assert!(kept("rw-s", ""));
        assert!(kept("rw-s", "/memfd:x (deleted)"));
        assert!(kept("r--p", "/usr/lib/libc.so"));
        assert!(!kept("rw-p", ""));
        assert!(!kept("rw-p", "[heap]"));
        assert!(!kept("rw-p", "[anon: glibc]"));
        assert!(!is_kept(""));
    }
}
