//! Who this program is when it is started again: a worker, a host of workers that is killed, one that forgets to serve.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use partools_os::again::{Crew, Place};

pub(crate) const MARK: &str = "tests::again::worker";
/// What this program is to be, by the environment: that of the trials, not of workers.
pub(crate) const ROLE: &str = "PARTOOLS_TEST_AGAIN";

/// Says who it is in the file `here-` and its number, then does what its order in the directory says: `end-` and its number, or
/// `end` for all.
pub(crate) fn serve(place: &Place) -> Result<(), Box<dyn Error>> {
    let (dir, number) = (place.dir(), place.worker());
    fs::write(dir.join(format!("new-{number}")), about())?;
    fs::rename(
        dir.join(format!("new-{number}")),
        dir.join(format!("here-{number}")),
    )?;
    loop {
        for order in [format!("end-{number}"), "end".to_owned()] {
            match fs::read_to_string(dir.join(order)).as_deref() {
                Ok("well") => return Ok(()),
                Ok(words) => return Err(words.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

/// Process id, process group, and where its standard input is.
fn about() -> String {
    let group = stat(std::process::id()).map_or(0, |(_, group)| group);
    let input = fs::read_link("/proc/self/fd/0").unwrap_or_default();
    format!("{}\n{group}\n{}", std::process::id(), input.display())
}

/// A program that keeps two workers and waits to be killed.
pub(crate) fn host() -> Option<ExitCode> {
    if std::env::var(ROLE).ok()? != "host" {
        return None;
    }
    let mut crew = Crew::new(MARK).expect("a crew");
    crew.keep(2).expect("two workers");
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// A program whose workers run `main` too: the second generation is refused.
pub(crate) fn forgetful() -> Option<ExitCode> {
    if std::env::var(ROLE).ok()? != "forgetful" {
        return None;
    }
    let mut crew = match Crew::new(MARK) {
        Ok(crew) => crew,
        Err(refused) => {
            std::io::stdout()
                .write_all(refused.to_string().as_bytes())
                .expect("a pipe");
            return Some(ExitCode::FAILURE);
        }
    };
    crew.keep(1).expect("a worker");
    Some(match crew.close() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(3),
    })
}

/// What worker `number` wrote about itself, as soon as it has.
pub(crate) fn about_worker(dir: &Path, number: usize) -> (u32, u32, PathBuf) {
    let file = dir.join(format!("here-{number}"));
    eventually("a worker says that it is here", || file.exists());
    let text = fs::read_to_string(file).expect("just seen");
    let mut lines = text.lines();
    let mut next = || lines.next().expect("three lines");
    let [process, group] = [next(), next()].map(|id| id.parse().expect("an id"));
    (process, group, PathBuf::from(next()))
}

/// Waits for it, up to ten seconds.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it never happened: {what}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Is there such a process, and no zombie?
pub(crate) fn lives(process: u32) -> bool {
    stat(process).is_some_and(|(state, _)| state != 'Z')
}

/// The state and the group of a process.
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let group = fields.nth(1)?.parse().ok()?;
    Some((state, group))
}
