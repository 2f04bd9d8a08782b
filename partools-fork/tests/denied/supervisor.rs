//! Who answers: starts an act, lets its calls pass, and denies one.

use crate::acts;
use crate::calls::{Call, Errno, Whose};
use crate::filter::{self, BEGINS, ENDS, MARK};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// An act takes a second at most.
const HANGS: Duration = Duration::from_secs(15);
/// How long children may outlive their parent.
const GRACE: Duration = Duration::from_secs(1);

/// Which call is to fail, and how.
pub(crate) struct Denial {
    pub(crate) call: &'static Call,
    pub(crate) whose: Whose,
    pub(crate) error: Errno,
    /// From 1.
    pub(crate) number: usize,
}

/// How an act ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Right,
    /// With an error of the map that says what failed.
    Refused,
}

/// Plays an act under a denial: its end, and whether the call was reached.
pub(crate) fn play(act: &str, denial: &Denial) -> Result<(End, bool), String> {
    let text = |why: io::Error| why.to_string();
    let (ours, theirs) = UnixStream::pair().map_err(text)?;
    let calls: Vec<String> = denial.call.numbers.iter().map(i64::to_string).collect();
    let mut command = acts::command(&format!("{act} {}", calls.join(" ")));
    command
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().map_err(text)?;
    // The command holds the other end too.
    drop(command);
    let answered = match filter::receive(&ours) {
        Ok(Some(listener)) => answer(&mut process, &listener, denial),
        Ok(None) => Ok(false),
        Err(why) => Err(why.to_string()),
    };
    if answered.is_err() {
        let _ = process.kill();
    }
    let status = process.wait().map_err(text)?;
    let mut said = String::new();
    if let Some(mut stdout) = process.stdout.take() {
        let _ = stdout.read_to_string(&mut said);
    }
    if let Some(mut stderr) = process.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    let reached = answered.map_err(|why| format!("{why}; it said {said:?}"))?;
    let end = match (status.success(), said.lines().next().unwrap_or("")) {
        (true, "right") => End::Right,
        (true, line) if line.starts_with("refused: ") => End::Refused,
        _ => return Err(format!("it ended with {status} and said {said:?}")),
    };
    Ok((end, reached))
}

/// Answers until nobody asks any more: the process and all its children are gone. True where the denial was reached.
fn answer(process: &mut Child, listener: &OwnedFd, denial: &Denial) -> Result<bool, String> {
    let begun = Instant::now();
    let (mut armed, mut count, mut ended) = (false, 0, None::<Instant>);
    let parent = process.id();
    loop {
        if begun.elapsed() > HANGS {
            return Err(format!("it hangs: killed after {HANGS:?}"));
        }
        if ended.is_none() && process.try_wait().map_err(|why| why.to_string())?.is_some() {
            ended = Some(Instant::now());
        }
        if ended.is_some_and(|ended| ended.elapsed() > GRACE) {
            return Err(format!(
                "a child lives {GRACE:?} after the end of its parent"
            ));
        }
        match wait(listener) {
            Asked::Nothing => continue,
            Asked::Gone => return Ok(count >= denial.number),
            Asked::Something => {}
        }
        let Some(question) = question(listener) else {
            continue;
        };
        if i64::from(question.data.nr) == MARK {
            match i32::try_from(question.data.args[0]) {
                Ok(BEGINS) => armed = true,
                Ok(ENDS) => armed = false,
                _ => {}
            }
        } else if armed
            && (question.pid == parent) == (denial.whose == Whose::Parent)
            && (denial.call.only)(&question.data.args)
        {
            count += 1;
            if count == denial.number {
                respond(listener, question.id, Some(denial.error.0));
                continue;
            }
        }
        respond(listener, question.id, None);
    }
}

enum Asked {
    Something,
    Nothing,
    /// All who could ask are gone.
    Gone,
}

fn wait(listener: &OwnedFd) -> Asked {
    let mut asked = libc::pollfd {
        fd: listener.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one entry, which lives here.
    let ready = unsafe { libc::poll(&raw mut asked, 1, 20) };
    match asked.revents {
        _ if ready <= 0 => Asked::Nothing,
        events if events & libc::POLLIN != 0 => Asked::Something,
        _ => Asked::Gone,
    }
}

/// `None` where who asked was killed meanwhile.
fn question(listener: &OwnedFd) -> Option<libc::seccomp_notif> {
    // SAFETY: all zeros are a question, as the kernel wants it before it fills it in.
    let mut question: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    let fill = &raw mut question;
    // SAFETY: the kernel writes as much as the type is long, which the number of the request says.
    let got = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, fill) };
    (got == 0).then_some(question)
}

fn respond(listener: &OwnedFd, id: u64, error: Option<i32>) {
    // SAFETY: all zeros are an answer: a call that returned 0.
    let mut answer: libc::seccomp_notif_resp = unsafe { std::mem::zeroed() };
    answer.id = id;
    match error {
        Some(error) => answer.error = -error,
        None => answer.flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or(1),
    }
    let answer = &raw mut answer;
    // SAFETY: the kernel reads as much as the type is long. It fails where who asked is gone, which is no matter.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, answer) };
}
