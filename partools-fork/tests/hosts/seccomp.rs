//! Filters that make system calls fail as they do on old kernels and in strict containers.

use libc::{c_long, sock_filter, sock_fprog};

/// From now on these calls fail with `errno`, in this process and its children, for good.
pub(crate) fn deny(calls: &[c_long], errno: i32) {
    let errno = u32::try_from(errno).expect("an error number");
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let jump = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    // The number of the call is the first word of what a filter sees.
    let mut program = vec![step(load, 0, 0, 0)];
    for (place, &call) in calls.iter().enumerate() {
        let to_refusal = u8::try_from(calls.len() - place).expect("a short list");
        let call = u32::try_from(call).expect("a system call");
        program.push(step(jump, call, to_refusal, 0));
    }
    program.push(step(answer, libc::SECCOMP_RET_ALLOW, 0, 0));
    program.push(step(answer, libc::SECCOMP_RET_ERRNO | errno, 0, 0));
    let filter = sock_fprog {
        len: u16::try_from(program.len()).expect("a short program"),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: plain numbers.
    let bound = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: the program lives until the call has copied it.
    let set = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const filter,
        )
    };
    assert_eq!((bound, set), (0, 0), "{}", std::io::Error::last_os_error());
}

fn step(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    let code = u16::try_from(code).expect("an operation");
    sock_filter { code, jt, jf, k }
}

/// Both calls that pidfds need beside `waitid`.
pub(crate) const PIDFD: [c_long; 2] = [libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal];

/// And the one that makes files of memory.
pub(crate) const PIDFD_AND_MEMFD: [c_long; 3] = [
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_memfd_create,
];

/// All calls that make a process.
#[cfg(target_arch = "x86_64")]
pub(crate) const FORKS: &[c_long] = &[
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_fork,
    libc::SYS_vfork,
];
/// All calls that make a process.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const FORKS: &[c_long] = &[libc::SYS_clone, libc::SYS_clone3];
