//! How a child ended.
//!
//! Three sources tell it: `waitid` (the usual one), the kernel's record behind a pidfd (where somebody else reaped the
//! child), and nobody ([`Exit::Unknown`]). All are brought to one form here.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use partools_core::Cause;
use rustix::process::WaitIdStatus;

/// How a child ended.
///
/// ```
/// use partools_os::Exit;
/// assert_eq!(Exit::Code(3).to_string(), "exited with code 3");
/// assert_eq!(Exit::Signal { number: 11, core: false }.to_string(), "killed by SIGSEGV");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It exited by itself, with this code.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// Its number; [`signal_name`] has the name.
        number: i32,
        /// Whether a core was dumped.
        core: bool,
    },
    /// It is gone, and somebody else was told how: the host ignores SIGCHLD, or one of its threads waits for every
    /// child. (Linux 6.15 and later keep the cause, and then this does not happen.)
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Exit::Code(code) => write!(f, "exited with code {code}"),
            Exit::Signal { number, core } => {
                match signal_name(number) {
                    Some(name) => write!(f, "killed by {name}")?,
                    None => write!(f, "killed by signal {number}")?,
                }
                f.write_str(if core { " (core dumped)" } else { "" })
            }
            Exit::Unknown => f.write_str(
                "ended, and something else in this process reaped it, so the cause is unknown",
            ),
        }
    }
}

/// As the standard library tells the end of a [`Child`](std::process::Child).
impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(number)) => Exit::Signal {
                number,
                core: status.core_dumped(),
            },
            (None, None) => Exit::Unknown,
        }
    }
}

/// Why the item failed that was in flight when its worker ended so.
///
/// ```
/// use partools_os::Exit;
/// let status = std::process::Command::new("sh").args(["-c", "kill -SEGV $$"]).status()?;
/// let cause = partools_core::Cause::from(Exit::from(status));
/// assert_eq!(cause.to_string(), "had its worker process killed by SIGSEGV");
/// # Ok::<(), std::io::Error>(())
/// ```
impl From<Exit> for Cause {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Cause::Exited { code },
            Exit::Signal { number, .. } => Cause::Killed {
                signal: number,
                name: signal_name(number).map_or_else(|| format!("signal {number}"), str::to_owned),
            },
            Exit::Unknown => Cause::Lost {
                why: exit.to_string(),
            },
        }
    }
}

/// The name of a signal, such as `SIGKILL`; none for real-time signals and numbers that are none.
///
/// ```
/// assert_eq!(partools_os::signal_name(9), Some("SIGKILL"));
/// assert_eq!(partools_os::signal_name(64), None);
/// ```
pub fn signal_name(number: i32) -> Option<&'static str> {
    Signal::try_from(number).ok().map(Signal::as_str)
}

/// From what `waitid` says about a child that ended.
pub(super) fn from_wait(status: &WaitIdStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(number)) => Exit::Signal {
            number,
            core: status.dumped(),
        },
        (None, None) => Exit::Unknown,
    }
}

/// From a status in the old packed form, which the kernel keeps behind a pidfd.
pub(super) fn from_packed(status: i32) -> Exit {
    match status & 0x7f {
        0 => Exit::Code(status >> 8 & 0xff),
        number => Exit::Signal {
            number,
            core: status & 0x80 != 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_statuses_are_codes_or_signals() {
        assert_eq!(from_packed(0), Exit::Code(0));
        assert_eq!(from_packed(101 << 8), Exit::Code(101));
        assert_eq!(
            from_packed(9),
            Exit::Signal {
                number: 9,
                core: false
            }
        );
        assert_eq!(
            from_packed(11 | 0x80),
            Exit::Signal {
                number: 11,
                core: true
            }
        );
    }

    #[test]
    fn every_exit_reads_as_a_sentence_about_a_worker() {
        let core = Exit::Signal {
            number: 6,
            core: true,
        };
        assert_eq!(core.to_string(), "killed by SIGABRT (core dumped)");
        assert_eq!(
            Exit::Signal {
                number: 40,
                core: false
            }
            .to_string(),
            "killed by signal 40"
        );
        assert!(Exit::Unknown.to_string().contains("unknown"));
    }
}
