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

pub(crate) const CALLS: &[Call] = &[
    Call {
        name: "clone",
        numbers: FORKS,
        whose: PARENT,
        errors: errors![EAGAIN, ENOMEM],
        acts: ALL,
        only: any,
    },
    Call {
        name: "mmap",
        numbers: &[libc::SYS_mmap],
        whose: PARENT,
        errors: errors![ENOMEM, EPERM],
        acts: &["sound", "late", "sealed"],
        only: is_shared,
    },
    Call {
        name: "munmap",
        numbers: &[libc::SYS_munmap],
        whose: PARENT,
        errors: errors![ENOMEM],
        acts: &["sound", "late", "sealed"],
        only: any,
    },
    Call {
        name: "madvise",
        numbers: &[libc::SYS_madvise],
        whose: BOTH,
        errors: errors![ENOMEM, EAGAIN, EINVAL],
        acts: SOME,
        only: any,
    },
    Call {
        name: "mprotect",
        numbers: &[libc::SYS_mprotect],
        whose: CHILDREN,
        errors: errors![ENOMEM, EACCES],
        acts: ALL,
        only: any,
    },
    Call {
        name: "memfd_create",
        numbers: &[libc::SYS_memfd_create],
        whose: PARENT,
        errors: errors![EMFILE, ENOMEM, ENOSYS],
        acts: &["sealed"],
        only: any,
    },
    Call {
        name: "ftruncate",
        numbers: &[libc::SYS_ftruncate],
        whose: PARENT,
        errors: errors![EFBIG, EPERM],
        acts: &["sealed"],
        only: any,
    },
    Call {
        name: "fcntl",
        numbers: &[libc::SYS_fcntl],
        whose: PARENT,
        errors: errors![EMFILE, EPERM],
        acts: &["sealed", "streamless"],
        only: any,
    },
    Call {
        name: "eventfd",
        numbers: &[libc::SYS_eventfd2],
        whose: PARENT,
        errors: errors![EMFILE, ENFILE, ENOMEM],
        acts: SOME,
        only: any,
    },
    Call {
        name: "pidfd_open",
        numbers: &[libc::SYS_pidfd_open],
        whose: PARENT,
        errors: errors![EMFILE, EPERM, ENOSYS],
        acts: ALL,
        only: any,
    },
    Call {
        name: "pidfd_send_signal",
        numbers: &[libc::SYS_pidfd_send_signal],
        whose: PARENT,
        errors: errors![EPERM, ENOSYS],
        acts: &["late", "cancelled"],
        only: any,
    },
    Call {
        name: "kill",
        numbers: &[libc::SYS_kill],
        whose: PARENT,
        errors: errors![EPERM],
        acts: &["by_number"],
        only: any,
    },
    Call {
        name: "waitid",
        numbers: &[libc::SYS_waitid],
        whose: PARENT,
        errors: errors![EINTR, EINVAL, EPERM, ENOSYS],
        acts: &["sound", "crashing", "late", "by_number", "ignored"],
        only: any,
    },
    Call {
        name: "ioctl",
        numbers: &[libc::SYS_ioctl],
        whose: PARENT,
        errors: errors![ENOTTY, EINVAL],
        acts: &["ignored"],
        only: any,
    },
    Call {
        name: "poll",
        numbers: POLLS,
        whose: PARENT,
        errors: errors![EINTR, ENOMEM],
        acts: ALL,
        only: any,
    },
    Call {
        name: "futex",
        numbers: &[libc::SYS_futex],
        whose: BOTH,
        errors: errors![EINTR, EAGAIN, EPERM],
        acts: &["sound", "streaming"],
        only: any,
    },
    Call {
        name: "open",
        numbers: OPENS,
        whose: BOTH,
        errors: errors![EMFILE, EACCES, ENOENT],
        acts: SOME,
        only: any,
    },
    Call {
        name: "stat",
        numbers: STATS,
        whose: PARENT,
        errors: errors![EACCES, ENOENT],
        acts: SOME,
        only: any,
    },
    Call {
        name: "read",
        numbers: &[libc::SYS_read],
        whose: BOTH,
        errors: errors![EINTR, EIO],
        acts: SOME,
        only: is_no_stream,
    },
    Call {
        name: "write",
        numbers: &[libc::SYS_write],
        whose: CHILDREN,
        errors: errors![EAGAIN, EPERM],
        acts: &["sound", "crashing", "streaming"],
        only: is_no_stream,
    },
    Call {
        name: "prctl",
        numbers: &[libc::SYS_prctl],
        whose: CHILDREN,
        errors: errors![EPERM, EINVAL],
        acts: ALL,
        only: any,
    },
    Call {
        name: "sigaction",
        numbers: &[libc::SYS_rt_sigaction],
        whose: CHILDREN,
        errors: errors![EPERM],
        acts: &["sound"],
        only: any,
    },
    Call {
        name: "prlimit",
        numbers: &[libc::SYS_prlimit64],
        whose: CHILDREN,
        errors: errors![EPERM, ENOSYS],
        acts: SOME,
        only: any,
    },
    Call {
        name: "nanosleep",
        numbers: &[libc::SYS_clock_nanosleep],
        whose: CHILDREN,
        errors: errors![EINTR],
        acts: &["late"],
        only: any,
    },
];

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
