//! The calls that are swept, and the errors that each may give.
//!
//! Left out is what cannot fail (`getpid`, `getppid`, `exit_group`; `close`, which closes whatever it says;
//! `rt_sigprocmask`, which takes back a mask that it gave), and what is the allocator's: Rust ends a program whose
//! private memory cannot grow.

use libc::c_long;
use std::fmt;

/// Whose calls are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Parent,
    Children,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Whose::Parent => "the_parent",
            Whose::Children => "the_children",
        })
    }
}

/// An error number, shown by its name.
#[derive(Clone, Copy)]
pub(crate) struct Errno(pub(crate) i32, &'static str);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

macro_rules! errors {
    ($($name:ident),*) => { &[$(Errno(libc::$name, stringify!($name))),*] };
}

/// A kind of call.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// Its numbers: some have a new and an old form.
    pub(crate) numbers: &'static [c_long],
    pub(crate) whose: &'static [Whose],
    pub(crate) errors: &'static [Errno],
    /// In these acts.
    pub(crate) acts: &'static [&'static str],
    /// Only calls with these arguments.
    pub(crate) only: fn(&[u64; 6]) -> bool,
}

impl Call {
    /// This call, whatever its arguments.
    const fn of(
        name: &'static str,
        numbers: &'static [c_long],
        whose: &'static [Whose],
        errors: &'static [Errno],
        acts: &'static [&'static str],
    ) -> Self {
        Call {
            name,
            numbers,
            whose,
            errors,
            acts,
            only: any,
        }
    }

    /// Only with these arguments.
    const fn only(self, only: fn(&[u64; 6]) -> bool) -> Self {
        Call { only, ..self }
    }
}

const PARENT: &[Whose] = &[Whose::Parent];
const CHILDREN: &[Whose] = &[Whose::Children];
const BOTH: &[Whose] = &[Whose::Parent, Whose::Children];

/// The usual ones.
const ALL: &[&str] = &["sound", "crashing", "late", "streaming"];
/// All that there are.
pub(crate) const EVERY: &[&str] = &[
    "sound",
    "streamless",
    "crashing",
    "late",
    "streaming",
    "cancelled",
    "by_number",
    "ignored",
    "sealed",
];

const SOME: &[&str] = &["sound", "crashing"];

const fn any(_: &[u64; 6]) -> bool {
    true
}

/// Mappings that are shared; private ones are the allocator's.
fn is_shared(arguments: &[u64; 6]) -> bool {
    arguments[3] & libc::MAP_SHARED as u64 != 0
}

/// Not the reading and writing of what the sanitizers and the standard streams do: all descriptors but those.
fn is_no_stream(arguments: &[u64; 6]) -> bool {
    arguments[0] > 2
}

/// A line for each call: its name and numbers, whose calls they are, the errors, the acts, and which arguments.
macro_rules! calls {
    ($($name:literal: $numbers:expr, $whose:ident, $errors:tt, $acts:expr $(, $only:ident)?;)*) => {
        &[$(Call::of($name, $numbers, $whose, errors!$errors, $acts)$(.only($only))?),*]
    };
}

pub(crate) const CALLS: &[Call] = calls! {
    "clone": FORKS, PARENT, [EAGAIN, ENOMEM], ALL;
    "mmap": &[libc::SYS_mmap], PARENT, [ENOMEM, EPERM], &["sound", "late", "sealed"], is_shared;
    "munmap": &[libc::SYS_munmap], PARENT, [ENOMEM], &["sound", "late", "sealed"];
    "madvise": &[libc::SYS_madvise], BOTH, [ENOMEM, EAGAIN, EINVAL], SOME;
    "mprotect": &[libc::SYS_mprotect], CHILDREN, [ENOMEM, EACCES], ALL;
    "memfd_create": &[libc::SYS_memfd_create], PARENT, [EMFILE, ENOMEM, ENOSYS], &["sealed"];
    "ftruncate": &[libc::SYS_ftruncate], PARENT, [EFBIG, EPERM], &["sealed"];
    "fcntl": &[libc::SYS_fcntl], PARENT, [EMFILE, EPERM], &["sealed", "streamless"];
    "eventfd": &[libc::SYS_eventfd2], PARENT, [EMFILE, ENFILE, ENOMEM], SOME;
    "pidfd_open": &[libc::SYS_pidfd_open], PARENT, [EMFILE, EPERM, ENOSYS], ALL;
    "pidfd_send_signal": &[libc::SYS_pidfd_send_signal], PARENT, [EPERM, ENOSYS], &["late", "cancelled"];
    "kill": &[libc::SYS_kill], PARENT, [EPERM], &["by_number"];
    "waitid": &[libc::SYS_waitid], PARENT, [EINTR, EINVAL, EPERM, ENOSYS], &["sound", "crashing", "late", "by_number", "ignored"];
    "ioctl": &[libc::SYS_ioctl], PARENT, [ENOTTY, EINVAL], &["ignored"];
    "poll": POLLS, PARENT, [EINTR, ENOMEM], ALL;
    "futex": &[libc::SYS_futex], BOTH, [EINTR, EAGAIN, EPERM], &["sound", "streaming"];
    "open": OPENS, BOTH, [EMFILE, EACCES, ENOENT], SOME;
    "stat": STATS, PARENT, [EACCES, ENOENT], SOME;
    "read": &[libc::SYS_read], BOTH, [EINTR, EIO], SOME, is_no_stream;
    "write": &[libc::SYS_write], CHILDREN, [EAGAIN, EPERM], &["sound", "crashing", "streaming"], is_no_stream;
    "prctl": &[libc::SYS_prctl], CHILDREN, [EPERM, EINVAL], ALL;
    "sigaction": &[libc::SYS_rt_sigaction], CHILDREN, [EPERM], &["sound"];
    "prlimit": &[libc::SYS_prlimit64], CHILDREN, [EPERM, ENOSYS], SOME;
    "nanosleep": &[libc::SYS_clock_nanosleep], CHILDREN, [EINTR], &["late"];
};

#[cfg(target_arch = "x86_64")]
const FORKS: &[c_long] = &[
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_fork,
    libc::SYS_vfork,
];
#[cfg(target_arch = "x86_64")]
const POLLS: &[c_long] = &[libc::SYS_ppoll, libc::SYS_poll];
#[cfg(target_arch = "x86_64")]
const OPENS: &[c_long] = &[libc::SYS_openat, libc::SYS_open];
#[cfg(target_arch = "x86_64")]
const STATS: &[c_long] = &[
    libc::SYS_statx,
    libc::SYS_newfstatat,
    libc::SYS_stat,
    libc::SYS_fstat,
];
#[cfg(not(target_arch = "x86_64"))]
const FORKS: &[c_long] = &[libc::SYS_clone, libc::SYS_clone3];
#[cfg(not(target_arch = "x86_64"))]
const POLLS: &[c_long] = &[libc::SYS_ppoll];
#[cfg(not(target_arch = "x86_64"))]
const OPENS: &[c_long] = &[libc::SYS_openat];
#[cfg(not(target_arch = "x86_64"))]
const STATS: &[c_long] = &[libc::SYS_statx, libc::SYS_newfstatat, libc::SYS_fstat];
