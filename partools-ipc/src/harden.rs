//! Workers that can do less than their user: no new privileges, resource limits, and of the file system only what is listed.
//! With the feature `harden`; without it, `harden/absent.rs` stands here.
//!
//! ```text
//!   near: .harden(Hardening) ── its orders, in the welcome ──>  far: setup, then enforce, then serve
//! ```
//! The rules are the system's (Landlock, `prctl`, `setrlimit`): once they are set, no code of the process takes them back.

use crate::executor::Ipc;
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    RestrictSelfAttr, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use partools_core::wire::{FrameReader, FrameWriter, WireError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::error::Error;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What is asked of Landlock. Of what an older kernel does not know, it does the rest.
const LANDLOCK: ABI = ABI::V6;

/// What the workers of an [`Ipc`] may still do, from the end of their setup on. Made for [`Ipc::harden`].
///
/// Always: they get no new privileges (programs that would change the user do not), write no core files, and open nothing of
/// the file system but what is listed here; nor run any program elsewhere, nor signal a process outside of their own rules
/// (Linux 6.12). What was open before, and what is shared with them, stays.
///
/// What this holds back is the code of items, and all threads that it starts. The one thread that waits in each worker for the
/// end of its parent is not bound by the rules before Linux has Landlock's version 8, and lies in the same memory: code that was
/// written to break out may use it. Network and other system calls are not restricted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hardening {
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
    address_space: Option<u64>,
    file_size: Option<u64>,
    open_files: Option<u64>,
    is_landlock_optional: bool,
}

impl Hardening {
    /// Nothing is listed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// They may read this file, or all in this directory, and list it; and run programs there. It must exist.
    #[must_use]
    pub fn reads(mut self, path: impl Into<PathBuf>) -> Self {
        self.reads.push(path.into());
        self
    }

    /// They may also write, make and remove there.
    #[must_use]
    pub fn writes(mut self, path: impl Into<PathBuf>) -> Self {
        self.writes.push(path.into());
        self
    }

    /// They may map so many bytes at most, what is shared with them included (`RLIMIT_AS`): an allocation beyond that fails.
    #[must_use]
    pub fn address_space(mut self, bytes: u64) -> Self {
        self.address_space = Some(bytes);
        self
    }

    /// No file that they write may be larger, in bytes (`RLIMIT_FSIZE`); who tries is killed by SIGXFSZ.
    #[must_use]
    pub fn file_size(mut self, bytes: u64) -> Self {
        self.file_size = Some(bytes);
        self
    }

    /// They may have so many descriptors open (`RLIMIT_NOFILE`), a few of which are ours.
    #[must_use]
    pub fn open_files(mut self, count: u64) -> Self {
        self.open_files = Some(count);
        self
    }

    /// On a kernel without Landlock (before 5.13, or switched off) go on without it: no file is out of reach there then, and
    /// the rest holds. Without this, maps end with an error there.
    #[must_use]
    pub fn even_without_landlock(mut self) -> Self {
        self.is_landlock_optional = true;
        self
    }

    /// What crosses. A vector of bytes is never empty then.
    fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let mut out = FrameWriter::new();
        for paths in [&self.reads, &self.writes] {
            out.value(&(paths.len() as u64))?;
            let bytes = paths.iter().map(|path| path.as_os_str().as_bytes());
            bytes.for_each(|path| out.bytes(path));
        }
        out.value(&(self.address_space, self.file_size, self.open_files))?;
        out.value(&self.is_landlock_optional)?;
        Ok(out.as_bytes().to_vec())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Hardening, WireError> {
        let mut from = FrameReader::new(bytes);
        let mut paths = || {
            let count: u64 = from.value()?;
            let mut paths = Vec::new();
            for _ in 0..count {
                paths.push(OsString::from_vec(from.bytes().to_vec()).into());
                from.check()?;
            }
            Ok::<_, WireError>(paths)
        };
        let (reads, writes) = (paths()?, paths()?);
        let (address_space, file_size, open_files) = from.value()?;
        let is_landlock_optional = from.value()?;
        from.check()?;
        Ok(Hardening {
            reads,
            writes,
            address_space,
            file_size,
            open_files,
            is_landlock_optional,
        })
    }

    /// From here on this process is bound by it.
    fn enforce(&self) -> Result<(), Box<dyn Error>> {
        rustix::thread::set_no_new_privs(true)?;
        let limits = [
            (Resource::Core, Some(0)),
            (Resource::As, self.address_space),
            (Resource::Fsize, self.file_size),
            (Resource::Nofile, self.open_files),
        ];
        for (resource, most) in limits {
            let Some(most) = most else { continue };
            // Not more than it was allowed before.
            let allowed = getrlimit(resource).maximum.unwrap_or(u64::MAX);
            let most = Some(most.min(allowed));
            let (current, maximum) = (most, most);
            setrlimit(resource, Rlimit { current, maximum })?;
        }
        self.confine()
    }

    /// Closes the file system, but for what is listed.
    fn confine(&self) -> Result<(), Box<dyn Error>> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?;
        let listed = [
            (&self.reads, AccessFs::from_read(LANDLOCK)),
            (&self.writes, AccessFs::from_all(LANDLOCK)),
        ];
        for (paths, access) in listed {
            for path in paths {
                rules = rules.add_rule(rule(path, access)?)?;
            }
        }
        let status = rules.all_threads(true)?.restrict_self()?;
        match status.ruleset {
            RulesetStatus::NotEnforced if !self.is_landlock_optional => Err(
                "this kernel has no Landlock (Linux 5.13, and not switched off), so no file is out of reach; where that \
                 will do, say `.even_without_landlock()`"
                    .into(),
            ),
            _ => Ok(()),
        }
    }
}

fn rule(path: &Path, access: BitFlags<AccessFs>) -> Result<PathBeneath<PathFd>, Box<dyn Error>> {
    let listed = |why: &dyn std::fmt::Display| format!("{} is listed: {why}", path.display());
    let file = PathFd::new(path).map_err(|why| listed(&why))?;
    let is_dir = std::fs::metadata(path)
        .map_err(|why| listed(&why))?
        .is_dir();
    Ok(PathBeneath::new(
        file,
        match is_dir {
            true => access,
            false => access & AccessFs::from_file(LANDLOCK),
        },
    ))
}

impl Ipc {
    /// Workers can do less than their user, from the end of their [setup](Self::setup) on. With the feature `harden`.
    ///
    /// ```standalone_crate
    /// use partools_core::over;
    /// use partools_ipc::{Hardening, Ipc};
    ///
    /// fn main() -> Result<(), partools_core::Error> {
    ///     partools_ipc::init();
    ///     let ipc = Ipc::new().workers(2).harden(Hardening::new().even_without_landlock());
    ///     let job = over(&["/etc/passwd".to_owned()]).map(|path| std::fs::read(path).is_err());
    ///     let is_refused = job.run(&ipc)?[0]; // true, where the kernel has Landlock
    ///     assert!(is_refused || !std::path::Path::new("/sys/kernel/security/landlock").exists());
    ///     Ok(())
    /// }
    /// ```
    pub fn harden(self, hardening: Hardening) -> Self {
        let workers = self.workers;
        self.with(|terms| terms.harden = Harden(Some(hardening)), workers)
    }
}

/// What the terms of a pool say of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Harden(Option<Hardening>);

impl Harden {
    /// For the welcome; empty where there is none.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        self.0.as_ref().map_or(Ok(Vec::new()), Hardening::to_bytes)
    }
}

/// In a worker: does what the bytes ask for. Why not, in words.
pub(crate) fn enforce(bytes: &[u8]) -> Result<(), String> {
    let hardening = match bytes.is_empty() {
        true => return Ok(()),
        false => Hardening::from_bytes(bytes).map_err(|why| why.to_string())?,
    };
    let enforced = hardening.enforce();
    enforced.map_err(|why| format!("it could not be hardened: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn orders_survive_their_journey_and_a_part_of_them_is_none() {
        let hardening = Hardening::new()
            .reads("/usr/share")
            .reads(OsStr::from_bytes(b"/not/\xff/text"))
            .writes("here")
            .open_files(20)
            .file_size(1 << 40);
        let bytes = hardening.to_bytes().unwrap();
        assert_eq!(Hardening::from_bytes(&bytes).unwrap(), hardening);
        for cut in 0..bytes.len() {
            assert!(
                Hardening::from_bytes(&bytes[..cut]).is_err(),
                "cut at {cut}"
            );
        }
        assert!(!Hardening::new().to_bytes().unwrap().is_empty());
    }
}
