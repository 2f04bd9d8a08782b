//! Where scripts are played: a fresh process each, watched, timed, and searched for what it left.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// With this in the environment, the program plays a script.
const SCRIPT: &str = "PARTOOLS_FORK_HOST";
/// Marks a script's process and everything that it starts.
const MARK: &str = "PARTOOLS_FORK_HOST_MARK";
/// A script takes no longer than this, whatever the load.
const TIMEOUT: Duration = Duration::from_secs(240);
/// How long after its end a host's children may live.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
/// The exit code of a script that this system does not let be played.
const SKIPPED: u8 = 77;

/// The script that this process shall play.
pub(crate) fn script() -> Option<String> {
    std::env::var(SCRIPT).ok()
}

/// Ends a script that cannot be played here, and says why.
pub(crate) fn skip(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(SKIPPED)
}

/// A process that plays a script.
pub(crate) struct Host {
    child: Child,
    mark: String,
    script: String,
}

impl Host {
    pub(crate) fn start(script: &str) -> Host {
        Host::start_with(script, |_| {})
    }

    pub(crate) fn start_with(script: &str, change: impl FnOnce(&mut Command)) -> Host {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mark = format!("{}-{next}", std::process::id());
        let mut command = play(script);
        command
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        change(&mut command);
        Host {
            child: command.spawn().expect("a host"),
            mark,
            script: script.to_owned(),
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// Waits for its end. Panics where it hangs.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a wait") {
                break status;
            }
            if begun.elapsed() > TIMEOUT {
                let left = self.processes().len();
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!(
                    "{:?} hangs: it was killed after {TIMEOUT:?}, with {left} processes",
                    self.script
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        self.assert_nobody_is_left();
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut said);
        }
        (status, said)
    }

    /// The processes that bear its mark, itself included.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mark = format!("{MARK}={}", self.mark);
        let entries = std::fs::read_dir("/proc").expect("/proc");
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
                    environ
                        .split(|&byte| byte == 0)
                        .any(|pair| pair == mark.as_bytes())
                })
            })
            .collect()
    }

    /// A second after its end, none of its children may live.
    fn assert_nobody_is_left(&self) {
        let begun = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(
                begun.elapsed() < GRACE,
                "{:?} left processes behind: {left:?}",
                self.script
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program as the player of `script`.
pub(crate) fn play(script: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    // A backtrace would map the program's symbols, which is not what snapshots are to find.
    command.env(SCRIPT, script).env("RUST_BACKTRACE", "0");
    command
}

/// The same, started by another program.
pub(crate) fn play_by(program: &str, script: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg(std::env::current_exe().expect("this program"))
        .env(SCRIPT, script)
        .env("RUST_BACKTRACE", "0");
    command
}

/// Plays a script to its end, which must be a good one.
pub(crate) fn perform(script: &str) {
    let (status, said) = Host::start(script).wait();
    if status.code() == Some(i32::from(SKIPPED)) {
        eprintln!("SKIPPED {script:?}: {}", said.trim());
        return;
    }
    match status.signal() {
        Some(signal) => panic!("{script:?} was killed by signal {signal}: {said}"),
        None => assert!(status.success(), "{script:?} failed ({status}): {said}"),
    }
}
