//! What a process holds of the operating system, read from `/proc`, before and after: nothing may be left
//! behind by a map (C4) and nothing of the host's changed (C10).
//!
//! Compared are children (zombies too), descriptors and what they point to, threads, shared and file
//! mappings, the signal handlers and mask, the flags of the standard streams, the file mode mask, and the
//! working directory. Private anonymous memory is the allocator's business and not compared. Where there is
//! no `/proc`, only the working directory is compared: ask [`Snapshot::is_complete`] and say so.

mod proc;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What this process holds at one moment.
///
/// ```
/// use partools_conformance::leaks::Snapshot;
/// use partools_core::{Serial, over};
/// let before = Snapshot::take();
/// over(0..100).map(|i| i * i).run(&Serial)?;
/// before.assert_unchanged();
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Snapshot {
    complete: bool,
    children: BTreeSet<String>,
    descriptors: BTreeMap<String, String>,
    threads: BTreeSet<String>,
    mappings: BTreeSet<String>,
    settings: BTreeMap<String, String>,
    directory: Option<PathBuf>,
}

/// What differs between two snapshots, a line for each thing. Empty where nothing does.
///
/// ```
/// use partools_conformance::leaks::Snapshot;
/// let before = Snapshot::take();
/// std::env::set_current_dir("/")?;
/// assert!(before.changes().lines().contains(&"working directory is now /".to_owned()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes(Vec<String>);

impl Changes {
    /// Does nothing differ?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The differences, a line for each.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Snapshot {
    /// Looks now. About 1 ms, more where many processes run.
    #[must_use]
    pub fn take() -> Self {
        Snapshot {
            // Before anything else: a thread that is about to vanish is still to be seen.
            threads: proc::threads().unwrap_or_default(),
            complete: proc::is_there(),
            children: proc::children().unwrap_or_default(),
            descriptors: proc::descriptors().unwrap_or_default(),
            mappings: proc::mappings().unwrap_or_default(),
            settings: proc::settings().unwrap_or_default(),
            directory: std::env::current_dir().ok(),
        }
    }

    /// Could everything be read? Not where there is no `/proc`.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What is different now.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.changes_to(&Snapshot::take())
    }

    /// As [`changes`](Self::changes), but threads that were new get up to `grace` to vanish: after a join,
    /// the system may list a thread for some milliseconds more. For the same reason a thread that was listed
    /// in `self` may be one of an earlier map: where there is a grace, threads that are gone are no change.
    #[must_use]
    pub fn changes_after(&self, grace: Duration) -> Changes {
        let begun = Instant::now();
        loop {
            let mut now = Snapshot::take();
            if !grace.is_zero() {
                now.threads.extend(self.threads.iter().cloned());
            }
            let changes = self.changes_to(&now);
            let threads = changes.0.iter().any(|line| line.starts_with("thread "));
            if !threads || begun.elapsed() >= grace {
                return changes;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// What is different in `later`.
    #[must_use]
    pub fn changes_to(&self, later: &Snapshot) -> Changes {
        let mut lines = Vec::new();
        diff_sets("child", &self.children, &later.children, &mut lines);
        diff_sets("thread", &self.threads, &later.threads, &mut lines);
        diff_sets("mapping", &self.mappings, &later.mappings, &mut lines);
        diff_maps(
            "descriptor",
            &self.descriptors,
            &later.descriptors,
            &mut lines,
        );
        diff_maps("setting", &self.settings, &later.settings, &mut lines);
        if self.directory != later.directory {
            let now = later
                .directory
                .as_deref()
                .unwrap_or_else(|| "none".as_ref())
                .display();
            lines.push(format!("working directory is now {now}"));
        }
        Changes(lines)
    }

    /// Nothing may have changed.
    ///
    /// # Panics
    /// Where something did, naming it.
    #[track_caller]
    pub fn assert_unchanged(&self) {
        let changes = self.changes();
        assert!(
            changes.is_empty(),
            "something was left behind or changed: {changes}"
        );
    }
}

fn diff_sets(what: &str, was: &BTreeSet<String>, is: &BTreeSet<String>, lines: &mut Vec<String>) {
    lines.extend(is.difference(was).map(|new| format!("{what} {new} is new")));
    lines.extend(
        was.difference(is)
            .map(|gone| format!("{what} {gone} is gone")),
    );
}

type Named = BTreeMap<String, String>;

fn diff_maps(what: &str, was: &Named, is: &Named, lines: &mut Vec<String>) {
    for (name, value) in is {
        match was.get(name) {
            None => lines.push(format!("{what} {name} is new: {value}")),
            Some(old) if old != value => lines.push(format!("{what} {name} was {old}, is {value}")),
            Some(_) => {}
        }
    }
    let gone = was.iter().filter(|(name, _)| !is.contains_key(*name));
    lines.extend(gone.map(|(name, value)| format!("{what} {name} is gone: {value}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn thread(name: &str) -> (mpsc::Sender<()>, std::thread::JoinHandle<()>) {
        let (end, ended) = mpsc::channel();
        let body = move || assert!(ended.recv().is_err());
        let handle = std::thread::Builder::new().name(name.to_owned());
        (end, handle.spawn(body).expect("a thread starts"))
    }

    /// Lines about threads of this name: other tests' threads come and go beside it.
    fn about(changes: &Changes, name: &str) -> usize {
        let lines = changes.lines().iter();
        lines.filter(|line| line.contains(name)).count()
    }

    #[test]
    fn a_grace_forgives_threads_of_earlier_maps_and_none_that_stay() {
        // A thread is named by itself, somewhat after its start.
        let (end, old) = thread("leaks-old");
        let before = loop {
            let before = Snapshot::take();
            if before.threads.iter().any(|line| line.contains("leaks-old")) {
                break before;
            }
        };
        drop(end);
        old.join().expect("it ends");
        while about(&before.changes(), "leaks-old") == 0 {
            std::thread::yield_now();
        }
        let grace = Duration::from_millis(1);
        assert_eq!(about(&before.changes_after(grace), "leaks-old"), 0);
        assert_eq!(about(&before.changes_after(Duration::ZERO), "leaks-old"), 1);

        let (end, new) = thread("leaks-new");
        while about(&before.changes(), "leaks-new") == 0 {
            std::thread::yield_now();
        }
        assert_eq!(about(&before.changes_after(grace), "leaks-new"), 1);
        drop(end);
        new.join().expect("it ends");
    }
}
