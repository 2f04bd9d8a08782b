//! A host on a pseudo-terminal of its own: what it says is read there, and keys are pressed there.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// With this in the environment, the program plays a script.
const SCRIPT: &str = "PARTOOLS_FORK_CTRL_C";
/// Marks a host and everything that it starts.
const MARK: &str = "PARTOOLS_FORK_CTRL_C_MARK";
/// A script takes no longer than this, whatever the load.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long after its end a host's children may live.
const GRACE: Duration = Duration::from_secs(1);

/// The script that this process shall play.
pub(crate) fn script() -> Option<String> {
    std::env::var(SCRIPT).ok()
}

pub(crate) struct Host {
    child: Child,
    mark: String,
    /// Our side of the terminal.
    terminal: File,
    said: String,
}

impl Host {
    pub(crate) fn start(script: &str) -> Host {
        let (near, far) = open();
        let mark = format!("{}-{script}", std::process::id());
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env(SCRIPT, script).env(MARK, &mark);
        let stream = || far.try_clone().expect("a descriptor");
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let become_foreground = || {
            // SAFETY: a new session, of which this process is the leader.
            if unsafe { libc::setsid() } < 0 {
                return Err(std::io::Error::last_os_error());
            }
            // SAFETY: the terminal on standard input becomes the session's.
            match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        };
        // SAFETY: two system calls, and an error without memory.
        let command = unsafe { command.pre_exec(become_foreground) };
        Host {
            child: command.spawn().expect("a host"),
            mark,
            terminal: File::from(near),
            said: String::new(),
        }
    }

    /// Ctrl-C.
    pub(crate) fn press(&mut self) {
        self.terminal.write_all(b"\x03").expect("pressed");
    }

    /// Waits until it says so, behind what it was waited for before.
    pub(crate) fn wait_for(&mut self, words: &str) {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.said.find(words) {
                self.said.drain(..at + words.len());
                return;
            }
            self.listen();
            assert!(
                begun.elapsed() < TIMEOUT,
                "it does not say {words:?}: {}",
                self.said
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn listen(&mut self) {
        let mut piece = [0; 4096];
        // Nothing there yet, or, when nobody has the other side open any more, an error.
        if let Ok(length) = self.terminal.read(&mut piece) {
            self.said
                .push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    }

    /// Its exit code, or the signal that ended it. Nothing of it is left.
    pub(crate) fn end(&mut self) -> (Option<i32>, Option<i32>) {
        let begun = Instant::now();
        let status = loop {
            self.listen();
            if let Some(status) = self.child.try_wait().expect("a wait") {
                break status;
            }
            assert!(begun.elapsed() < TIMEOUT, "it does not end: {}", self.said);
            std::thread::sleep(Duration::from_millis(1));
        };
        let begun = Instant::now();
        while let left = self.processes()
            && !left.is_empty()
        {
            assert!(begun.elapsed() < GRACE, "left behind: {left:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.listen();
        if status.code().is_some_and(|code| code != 0) {
            eprintln!("{}", self.said);
        }
        (status.code(), status.signal())
    }

    /// The processes that bear its mark.
    fn processes(&self) -> Vec<u32> {
        let mark = format!("{MARK}={}", self.mark);
        let entries = std::fs::read_dir("/proc").expect("/proc");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid: &u32| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ
                .split(|&byte| byte == 0)
                .any(|pair| pair == mark.as_bytes())
        })
        .collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both sides of a new terminal; ours does not wait.
fn open() -> (OwnedFd, OwnedFd) {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: no memory is passed.
    let near = unsafe { libc::posix_openpt(flags) };
    assert!(
        near >= 0,
        "no pseudo-terminal: {}",
        std::io::Error::last_os_error()
    );
    // SAFETY: opened here, and nobody else's.
    let near = unsafe { OwnedFd::from_raw_fd(near) };
    // SAFETY: a terminal that was opened above.
    assert_eq!(unsafe { libc::grantpt(near.as_raw_fd()) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::unlockpt(near.as_raw_fd()) }, 0);
    let mut name = [0_u8; 128];
    // SAFETY: writes at most as many bytes as there are.
    let named = unsafe { libc::ptsname_r(near.as_raw_fd(), name.as_mut_ptr().cast(), name.len()) };
    assert_eq!(named, 0);
    let name = std::ffi::CStr::from_bytes_until_nul(&name).expect("a name");
    // SAFETY: a string that lives.
    let far = unsafe {
        libc::open(
            name.as_ptr(),
            libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC,
        )
    };
    assert!(far >= 0);
    // SAFETY: opened here, and nobody else's.
    (near, unsafe { OwnedFd::from_raw_fd(far) })
}
