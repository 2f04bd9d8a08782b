//! A contender's process, seen from the coordinator: started, asked, stopped while others are measured, and ended.
//!
//! It is the first of a process group of its own, so that one signal reaches it and all that it has started. While it
//! is not asked it is stopped (SIGSTOP): pools that spin or wake up now and then disturb nobody.

use crate::contender::{Entry, Launch};
use crate::processes::{descendants, is_stopped, memory_of};
use crate::serve::{Answer, Order};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// What it is called as, in this executable.
pub(crate) const HIDDEN: &str = "__contender";

/// Two looks at the memory are this far apart, at least.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// So long it has to end once its input has, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A contender's process.
pub(crate) struct Rival {
    process: Child,
    /// Its input; none once it was dismissed.
    asks: Option<ChildStdin>,
    says: ChildStdout,
    heard: Vec<u8>,
    errors: File,
}

impl Rival {
    /// Starts it and has it make its inputs, in at most `limit`.
    pub(crate) fn start(
        entry: &Entry,
        order: &Order,
        limit: Duration,
    ) -> io::Result<(Self, Answer)> {
        let mut errors = tempfile::tempfile()?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(HIDDEN);
        if let Launch::Command(words) = &entry.launch {
            let ranks = (order.workers + 1).to_string();
            let filled = words.iter().map(|word| match &**word {
                Launch::RANKS => &ranks,
                _ => word,
            });
            command.arg("--").args(filled);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone()?)
            .process_group(0)
            .spawn()?;
        let (Some(asks), Some(says)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other(
                "a process without the pipes that it was given",
            ));
        };
        errors.rewind()?;
        let mut rival = Rival {
            process,
            asks: Some(asks),
            says,
            heard: Vec::new(),
            errors,
        };
        let answer = rival.ask(&serde_json::to_string(order)?, limit, &mut |_| {})?;
        rival.stop();
        Ok((rival, answer))
    }

    /// Asks for a round that counts.
    pub(crate) fn round(&mut self, limit: Duration) -> io::Result<Answer> {
        self.go_on();
        let answer = self.ask("round", limit, &mut |_| {});
        self.stop();
        answer
    }

    /// Asks for a round that somebody watches; how many bytes it held beyond those from before, at most. `None` where
    /// the system does not tell.
    pub(crate) fn watched_round(&mut self, limit: Duration) -> io::Result<(Answer, Option<u64>)> {
        self.go_on();
        let before = look(self.process.id());
        let mut most = None;
        let answer = self.ask("watched", limit, &mut |process| {
            most = most.max(look(process))
        });
        // What it holds with the result in hand was seen before it said so, or is there now.
        let most = most.max(look(self.process.id()));
        self.stop();
        Ok((
            answer?,
            most.zip(before)
                .map(|(most, before)| most.saturating_sub(before)),
        ))
    }

    /// What it has said on standard error: the last line (R's says only that it ends).
    pub(crate) fn last_words(&mut self) -> String {
        let mut text = String::new();
        let read = self
            .errors
            .rewind()
            .and_then(|()| self.errors.read_to_string(&mut text));
        let line = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty() && *line != "Execution halted");
        match (read, line) {
            (Ok(_), Some(line)) => line.trim().chars().take(200).collect(),
            _ => "it said nothing".to_owned(),
        }
    }

    fn ask(
        &mut self,
        question: &str,
        limit: Duration,
        look: &mut dyn FnMut(u32),
    ) -> io::Result<Answer> {
        let mut asks = self.asks.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(asks, "{question}")?;
        let end = Instant::now() + limit;
        // A look stops those it looks at: only where it is asked for.
        let mut wait = if question == "watched" {
            BETWEEN_LOOKS
        } else {
            Duration::from_millis(200)
        };
        loop {
            if let Some(at) = self.heard.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=at).collect();
                return serde_json::from_slice(&line).map_err(|_| {
                    let line = String::from_utf8_lossy(&line);
                    io::Error::other(format!("it said {:?}", line.trim_end()))
                });
            }
            if Instant::now() > end {
                let limit = limit.as_secs_f64();
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no result within {limit:.0} s"),
                ));
            }
            if self.wait(wait)? {
                let mut bytes = [0; 4096];
                match self.says.read(&mut bytes)? {
                    0 => return Err(io::Error::other(format!("it ended: {}", self.last_words()))),
                    count => self.heard.extend_from_slice(&bytes[..count]),
                }
            } else {
                let begun = Instant::now();
                look(self.process.id());
                // One at gigabytes takes long, and the round has to come to an end between them.
                wait = wait.max(begun.elapsed() * 2);
            }
        }
    }

    /// Waits until it says something; false if it does not within `time`.
    fn wait(&self, time: Duration) -> io::Result<bool> {
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&self.says, PollFlags::IN)];
        match poll(&mut fds, Some(&time)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends its input. Who is at rest ends by itself then, and tidies up what it has outside of its processes: some have files
    /// and shared memory with names, which stay behind where they are killed.
    pub(crate) fn dismiss(&mut self) {
        self.asks = None;
        self.go_on();
    }

    /// It stays a zombie, so that its number and its group's stay its own.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let id = rustix::process::Pid::from_child(&self.process);
        !matches!(waitid(WaitId::Pid(id), options), Ok(None))
    }

    fn stop(&self) {
        signal(self.process.id(), Signal::SIGSTOP);
    }

    fn go_on(&self) {
        signal(self.process.id(), Signal::SIGCONT);
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        self.dismiss();
        let end = Instant::now() + GRACE;
        while !self.has_ended() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        signal(self.process.id(), Signal::SIGKILL);
        let _ = self.process.wait();
    }
}

/// What `process` and all that it has started hold, in bytes. All are stopped meanwhile: while one is read after the other,
/// pages would become shared that were not, and count twice or not at all. `None` where the system does not tell.
fn look(process: u32) -> Option<u64> {
    signal(process, Signal::SIGSTOP);
    let held = || {
        // A signal takes a moment; who forks in it has a child that was not stopped with the others.
        let end = Instant::now() + Duration::from_millis(50);
        let mut all = vec![process];
        while Instant::now() < end {
            all.truncate(1);
            all.extend(descendants(process));
            if all.iter().all(|&id| is_stopped(id)) {
                return all.iter().map(|&id| memory_of(id)).sum();
            }
            signal(process, Signal::SIGSTOP);
            std::thread::sleep(Duration::from_micros(200));
        }
        None
    };
    let held = held();
    signal(process, Signal::SIGCONT);
    held
}

/// To a process and all that it has started: its group, and those of its descendants that have groups of their own.
fn signal(process: u32, what: Signal) {
    let id = |process: u32| i32::try_from(process).map(Pid::from_raw);
    // They may have ended: then there is nobody to stop, and the next question will tell.
    if let Ok(group) = id(process) {
        let _ = killpg(group, what);
    }
    for descendant in descendants(process) {
        if let Ok(one) = id(descendant) {
            let _ = kill(one, what);
        }
    }
}
