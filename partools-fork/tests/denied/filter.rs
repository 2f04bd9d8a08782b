//! The filter of the process whose calls are denied: the kernel asks a listener about each call on a list. And the
//! way in which the listener reaches the process that answers.

use libc::{c_long, sock_filter, sock_fprog};
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A call that means nothing and is on every list: by its argument the map's beginning and end are told.
pub(crate) const MARK: c_long = libc::SYS_sched_get_priority_max;
/// The arguments of the mark.
pub(crate) const BEGINS: i32 = 77_001;
/// As above.
pub(crate) const ENDS: i32 = 77_002;

/// Tells where the map begins and ends.
pub(crate) fn mark(argument: i32) {
    // SAFETY: a plain number, which is no scheduling policy: nothing happens.
    unsafe { libc::syscall(MARK, argument) };
}

/// From now on this process and its children ask about `calls`; the listener is who answers.
pub(crate) fn ask_about(calls: &[c_long]) -> io::Result<OwnedFd> {
    let step = |code: u32, k: u32, jt: usize| sock_filter {
        code: u16::try_from(code).unwrap_or(0),
        jt: u8::try_from(jt).unwrap_or(0),
        jf: 0,
        k,
    };
    let is_it = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    // The number of the call is the first word of what a filter sees.
    let mut program = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    let listed = || calls.iter().chain([&MARK]);
    let count = listed().count();
    for (place, &call) in listed().enumerate() {
        program.push(step(is_it, u32::try_from(call).unwrap_or(0), count - place));
    }
    program.push(step(answer, libc::SECCOMP_RET_ALLOW, 0));
    program.push(step(answer, libc::SECCOMP_RET_USER_NOTIF, 0));
    let filter = sock_fprog {
        len: u16::try_from(program.len()).unwrap_or(0),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: plain numbers.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the program lives until the call has copied it.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        )
    };
    match RawFd::try_from(listener) {
        // SAFETY: just made, and nobody else's.
        Ok(listener) if listener >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(listener) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Can calls be denied here? Found out in a process of its own, since a filter stays.
pub(crate) fn is_there() -> Result<(), String> {
    let answer = crate::acts::command("filter").status();
    let status = answer.map_err(|why| why.to_string())?;
    match status.success() {
        true => Ok(()),
        false => Err("a filter with a listener (seccomp, Linux 5.5) is not permitted".to_owned()),
    }
}

/// A message of one byte with a descriptor, in the form that the system wants.
struct Parcel {
    byte: u8,
    /// Room for one control message, aligned as it must be.
    control: [u64; 4],
}

impl Parcel {
    fn with<R>(&mut self, f: impl FnOnce(&mut libc::msghdr) -> R) -> R {
        let mut part = libc::iovec {
            iov_base: (&raw mut self.byte).cast(),
            iov_len: 1,
        };
        // SAFETY: all zeros are a message without parts.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = self.control.as_mut_ptr().cast();
        message.msg_controllen = size_of::<[u64; 3]>();
        f(&mut message)
    }
}

/// Sends a descriptor through a socket.
pub(crate) fn send(socket: &impl AsRawFd, descriptor: &OwnedFd) -> io::Result<()> {
    let mut parcel = Parcel {
        byte: 1,
        control: [0; 4],
    };
    let length = size_of::<libc::cmsghdr>() + size_of::<RawFd>();
    // The header's length, its level and kind, and the descriptor: as `struct cmsghdr` has them on 64-bit systems.
    parcel.control[0] = length as u64;
    let (level, kind) = (libc::SOL_SOCKET as u32, libc::SCM_RIGHTS as u32);
    parcel.control[1] = two(level, kind);
    parcel.control[2] = two(descriptor.as_raw_fd().unsigned_abs(), 0);
    let sent = parcel.with(|message| {
        // SAFETY: the message and its parts live until the call returns.
        unsafe { libc::sendmsg(socket.as_raw_fd(), message, 0) }
    });
    match sent {
        1 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Takes a descriptor from a socket; `None` where the other end is gone.
pub(crate) fn receive(socket: &impl AsRawFd) -> io::Result<Option<OwnedFd>> {
    let mut parcel = Parcel {
        byte: 0,
        control: [0; 4],
    };
    let got = parcel.with(|message| {
        // SAFETY: the message and its parts live until the call returns.
        unsafe { libc::recvmsg(socket.as_raw_fd(), message, libc::MSG_CMSG_CLOEXEC) }
    });
    match got {
        1 if parcel.control[0] > 0 => {
            let low = parcel.control[2].to_ne_bytes();
            let number = RawFd::from_ne_bytes([low[0], low[1], low[2], low[3]]);
            // SAFETY: the kernel made it for this process with the message.
            Ok(Some(unsafe { OwnedFd::from_raw_fd(number) }))
        }
        0 | 1 => Ok(None),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Two halves as they lie in memory, one behind the other.
fn two(first: u32, second: u32) -> u64 {
    let (a, b) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]])
}
