//! How much memory is left: of what the control groups of this process may take, and of the machine.
//!
//! A group's limit covers the groups in it, so every group from ours up to the one that is mounted counts; the least that is
//! left anywhere is what is left. Memory that holds clean parts of files is given back by the kernel when it is wanted,
//! so it counts as left. Swap does not.
//!
//! ```text
//!   cgroup v2   memory.max              memory.current          memory.stat: active_file, inactive_file
//!   cgroup v1   memory.limit_in_bytes   memory.usage_in_bytes   memory.stat: total_active_file, total_inactive_file
//!   machine     /proc/meminfo: MemAvailable
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What may run out.
#[derive(Debug)]
pub(crate) struct Headroom {
    groups: Vec<Group>,
}

/// A control group with a limit.
#[derive(Debug)]
struct Group {
    limit: u64,
    usage: PathBuf,
    stat: PathBuf,
    /// In front of the names in the latter.
    prefix: &'static str,
}

/// The names of a version's files.
struct Version {
    limit: &'static str,
    usage: &'static str,
    prefix: &'static str,
}

const V2: Version = Version {
    limit: "memory.max",
    usage: "memory.current",
    prefix: "",
};
const V1: Version = Version {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    prefix: "total_",
};
/// The first version writes a number this large, or a little larger, where there is no limit.
const NO_LIMIT: u64 = 1 << 60;

impl Headroom {
    /// Of this process. The limits are read now, once.
    ///
    /// # Errors
    /// Where not even what is left of the machine can be read.
    pub(crate) fn of_this_process() -> io::Result<Headroom> {
        available()?;
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let (own, mounts) = (text("/proc/self/cgroup"), text("/proc/self/mountinfo"));
        let groups = place(&own, &mounts).map_or_else(Vec::new, |(version, top, own)| {
            own.ancestors()
                .take_while(|group| group.starts_with(&top))
                .filter_map(|group| Group::at(group, version))
                .collect()
        });
        Ok(Headroom { groups })
    }

    /// How many bytes are left; some number that is at least `enough` where there are more. It costs less then.
    pub(crate) fn left(&self, enough: u64) -> io::Result<u64> {
        Ok(self.least(enough)?.0)
    }

    /// The same, and of which group that is; of the machine where it is none.
    fn least(&self, enough: u64) -> io::Result<(u64, Option<&Group>)> {
        let mut least = (available()?, None);
        for group in &self.groups {
            let left = group.left(enough)?;
            if left < least.0 {
                least = (left, Some(group));
            }
        }
        Ok(least)
    }

    /// Refuses what is more than what is left.
    fn room_for(&self, bytes: u64) -> io::Result<()> {
        let (left, group) = self.least(bytes)?;
        if bytes <= left {
            return Ok(());
        }
        let whose = match group {
            Some(group) => format!("of the {} of its control group", mega(group.limit)),
            None => "of the machine's memory".to_owned(),
        };
        let text = format!(
            "{} are needed, and {} are left {whose}",
            mega(bytes),
            mega(left)
        );
        Err(io::Error::new(io::ErrorKind::OutOfMemory, text))
    }
}

/// Refuses `bytes` that would not fit into the memory that is left now: of the machine (`MemAvailable`), and of the control
/// groups of this process. A memory file would get any length, and its writer be killed for it.
///
/// ```
/// assert!(partools_os::room_for(4096).is_ok());
/// let error = partools_os::room_for(1 << 60).unwrap_err();
/// assert!(error.to_string().starts_with("1152921504606.8 MB are needed, and "), "{error}");
/// ```
///
/// # Errors
/// With both figures, where it does not fit. Where the system does not tell what is left, nothing is refused.
pub fn room_for(bytes: u64) -> io::Result<()> {
    let told = Headroom::of_this_process().and_then(|headroom| headroom.room_for(bytes));
    told.or_else(|why| match why.kind() {
        io::ErrorKind::OutOfMemory => Err(why),
        _ => Ok(()),
    })
}

fn mega(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

impl Group {
    /// The group with this directory, where it has a limit.
    fn at(dir: &Path, version: &Version) -> Option<Group> {
        let limit = fs::read_to_string(dir.join(version.limit)).ok()?;
        // "max" is no number.
        let limit = limit
            .trim()
            .parse()
            .ok()
            .filter(|&limit| limit < NO_LIMIT)?;
        Some(Group {
            limit,
            usage: dir.join(version.usage),
            stat: dir.join("memory.stat"),
            prefix: version.prefix,
        })
    }

    fn left(&self, enough: u64) -> io::Result<u64> {
        let bad = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a control group counts in no number",
            )
        };
        let used = fs::read_to_string(&self.usage)?;
        let used: u64 = used.trim().parse().map_err(|_| bad())?;
        let left = self.limit.saturating_sub(used);
        if left >= enough {
            return Ok(left);
        }
        let stat = fs::read_to_string(&self.stat)?;
        let of_files: u64 = stat
            .lines()
            .filter_map(|line| line.strip_prefix(self.prefix)?.split_once(' '))
            .filter(|(name, _)| matches!(*name, "active_file" | "inactive_file"))
            .filter_map(|(_, bytes)| bytes.trim().parse::<u64>().ok())
            .sum();
        Ok(left.saturating_add(of_files).min(self.limit))
    }
}

/// What the machine has left.
fn available() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "/proc/meminfo does not say what is available",
        )
    })
}

/// Where the control groups of a process lie that count its memory: the mounted one, and its own, from what
/// /proc/PID/cgroup and /proc/PID/mountinfo say.
fn place(own: &str, mounts: &str) -> Option<(&'static Version, PathBuf, PathBuf)> {
    // `number:controllers:path`; where the first version counts memory, the second does not.
    let path_of = |is_ours: &dyn Fn(&str) -> bool| {
        own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = fields.next()?;
            is_ours(controllers).then(|| fields.next())?
        })
    };
    let counts_memory = |options: &str| options.split(',').any(|option| option == "memory");
    let (version, path) = match path_of(&counts_memory) {
        Some(path) => (&V1, path),
        None => (&V2, path_of(&str::is_empty)?),
    };
    mounts.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut filesystem = filesystem.split(' ');
        let (kind, options) = (filesystem.next()?, filesystem.nth(1)?);
        let is_ours = match version.prefix {
            "" => kind == "cgroup2",
            _ => kind == "cgroup" && counts_memory(options),
        };
        if !is_ours {
            return None;
        }
        let mut fields = mount.split(' ').skip(3);
        let (root, top) = (unescaped(fields.next()?), unescaped(fields.next()?));
        // In a namespace of its own a process may see a path outside of what is mounted: then that is all there is to see.
        let below = Path::new(path).strip_prefix(&root).unwrap_or(Path::new(""));
        let top = PathBuf::from(top);
        let own = top.join(below);
        Some((version, top, own))
    })
}

/// The kernel writes blanks and their like as octal numbers.
fn unescaped(text: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 0:20 / /proc rw - proc proc rw\n\
        30 1 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n\
        31 1 0:28 / /sys/fs/cgroup/cpu rw shared:3 - cgroup cgroup rw,cpu\n\
        32 1 0:29 /pods/a /sys/fs/cgroup/my\\040memory rw shared:4 - cgroup cgroup rw,memory\n";

    #[test]
    fn the_first_version_counts_where_it_has_memory() {
        let own = "4:cpu:/x\n3:hugetlb,memory:/pods/a/b/c\n0::/y\n";
        let (version, top, own) = place(own, MOUNTS).expect("a place");
        assert_eq!(version.limit, V1.limit);
        assert_eq!(top, Path::new("/sys/fs/cgroup/my memory"));
        assert_eq!(own, top.join("b/c"));
    }

    #[test]
    fn the_second_version_counts_elsewhere() {
        let (version, top, own) = place("1:name=systemd:/z\n0::/y/z\n", MOUNTS).expect("a place");
        assert_eq!(version.limit, V2.limit);
        assert_eq!(own, top.join("y/z"));
    }

    #[test]
    fn a_path_outside_of_what_is_mounted_means_all_of_it() {
        let (_, top, own) = place("3:memory:/elsewhere\n", MOUNTS).expect("a place");
        assert_eq!(own, top);
        assert!(place("", MOUNTS).is_none());
        assert!(place("0::/y\n", "").is_none());
    }

    fn group(dir: &Path, version: &Version, files: [(&str, &str); 3]) -> Option<Group> {
        for (name, text) in files {
            fs::write(dir.join(name), text).expect("written");
        }
        Group::at(dir, version)
    }

    #[test]
    fn what_files_hold_counts_as_left_in_both_versions() {
        let dir = tempfile::tempdir().expect("a directory");
        let stat = "anon 5\nfile 90\ninactive_file 20\nactive_file 10\nslab 7\n";
        let v2 = [
            ("memory.max", "1000\n"),
            ("memory.current", "900\n"),
            ("memory.stat", stat),
        ];
        let v2 = group(dir.path(), &V2, v2).expect("it has a limit");
        assert_eq!(v2.left(u64::MAX).ok(), Some(130));
        assert_eq!(v2.left(100).ok(), Some(100)); // enough, without a look at files
        let stat = "inactive_file 1\ntotal_inactive_file 20\ntotal_active_file 10\n";
        let v1 = [
            ("memory.limit_in_bytes", "1000\n"),
            ("memory.usage_in_bytes", "900\n"),
            ("memory.stat", stat),
        ];
        let v1 = group(dir.path(), &V1, v1).expect("it has a limit");
        assert_eq!(v1.left(u64::MAX).ok(), Some(130));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_figures() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = [
            ("memory.max", "900000\n"),
            ("memory.current", "700000\n"),
            ("memory.stat", "active_file 100000\n"),
        ];
        let groups = vec![group(dir.path(), &V2, files).expect("it has a limit")];
        let headroom = Headroom { groups };
        assert!(headroom.room_for(300_000).is_ok());
        let error = headroom
            .room_for(400_000)
            .expect_err("too much")
            .to_string();
        assert_eq!(
            error,
            "0.4 MB are needed, and 0.3 MB are left of the 0.9 MB of its control group"
        );
        let machine = Headroom { groups: Vec::new() };
        let error = machine
            .room_for(u64::MAX)
            .expect_err("too much")
            .to_string();
        assert!(
            error.ends_with(" MB are left of the machine's memory"),
            "{error}"
        );
    }

    #[test]
    fn a_group_without_a_limit_is_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let rest = [("memory.current", "9"), ("memory.stat", "")];
        assert!(group(dir.path(), &V2, [("memory.max", "max\n"), rest[0], rest[1]]).is_none());
        let none = [
            ("memory.limit_in_bytes", "9223372036854771712\n"),
            rest[0],
            rest[1],
        ];
        assert!(group(dir.path(), &V1, none).is_none());
    }

    #[test]
    fn something_is_left_here() {
        let headroom = Headroom::of_this_process().expect("/proc");
        assert!(headroom.left(1).expect("a look") > 1 << 20);
    }
}
