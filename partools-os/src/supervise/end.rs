//! A worker's end in words: for errors, for the item that was in flight, for observers. The same whatever started it.

use super::{Exit, Killed, signal_name};
use partools_core::{Cause, Chunk, Event, Run};
use std::fmt;

/// What a worker did whose ring is not whole any more.
const OVERWROTE: &str = "overwrote the memory through which its worker reports";

/// How a worker ended, and why its parent stopped it, if it did. As text it follows "its process".
///
/// ```
/// use partools_os::{End, Exit, Killed};
/// assert_eq!(End::new(Exit::Code(3), None).to_string(), "ended with exit code 3");
/// let killed = Exit::Signal { number: 9, core: false };
/// assert_eq!(End::new(killed, None).to_string(), "was killed by SIGKILL");
/// let broke = End::new(killed, Some(&Killed::Corrupt));
/// assert_eq!(broke.to_string(), "overwrote the memory through which its worker reports");
/// ```
#[derive(Debug, Clone)]
pub struct End<'k> {
    exit: Exit,
    killed: Option<&'k Killed>,
    panic: Option<Cause>,
}

impl<'k> End<'k> {
    /// By itself or by somebody else, where its parent has not `killed` it.
    pub fn new(exit: Exit, killed: Option<&'k Killed>) -> Self {
        End {
            exit,
            killed,
            panic: None,
        }
    }

    /// Since it panicked, where panics end processes.
    #[must_use]
    pub fn after(self, panic: Option<Cause>) -> Self {
        End { panic, ..self }
    }

    /// What the item in flight is blamed with, where no limit was at work.
    pub fn cause(&self) -> Cause {
        match (self.killed, &self.panic) {
            (Some(Killed::Corrupt), _) if self.exit.is_kill() || self.exit == Exit::Unknown => {
                Cause::Lost {
                    why: format!("it {OVERWROTE}"),
                }
            }
            (_, Some(panic)) => panic.clone(),
            (_, None) => self.exit.into(),
        }
    }

    /// Tells the observers of `run`: of the bytes that came from worker number `worker`, and how it ended. `chunk` is what it was
    /// at, and where it `is_well`, that is nobody's business.
    pub fn tell<O>(
        &self,
        run: &Run<O>,
        (worker, bytes): (usize, u64),
        chunk: Option<&Chunk<'_, O>>,
        is_well: bool,
    ) {
        if !run.is_observed() {
            return;
        }
        let at = chunk.filter(|chunk| !chunk.is_full());
        let item = at.map(|chunk| run.item_at(chunk.position()));
        run.note(Event::Moved {
            bytes,
            worker: Some(worker),
        });
        let stopped = |why| Event::WorkerStopped { worker, item, why };
        let why = format!("its process {self}");
        run.note(match self.killed {
            _ if is_well => Event::WorkerEnded { worker },
            Some(Killed::Late(late)) => stopped(late.why()),
            Some(Killed::Memory(hog)) => stopped(hog.why()),
            _ => Event::WorkerDied {
                worker,
                item,
                why: &why,
            },
        });
    }
}

impl fmt::Display for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.killed, self.exit, &self.panic) {
            (Some(Killed::Corrupt), ..) => f.write_str(OVERWROTE),
            (Some(Killed::Memory(hog)), ..) => {
                write!(f, "was killed: {} ({})", hog.why(), hog.excess().bound)
            }
            (_, Exit::Code(code), _) => write!(f, "ended with exit code {code}"),
            (_, exit @ Exit::Signal { .. }, Some(panic)) => {
                write!(f, "was {exit}, since it {panic}")
            }
            (_, exit @ Exit::Signal { .. }, None) => write!(f, "was {exit}"),
            (_, Exit::Unknown, _) => f.write_str("was lost, and its cause with it"),
        }
    }
}

impl Exit {
    /// Was it the signal that parents kill with?
    ///
    /// ```
    /// use partools_os::Exit;
    /// assert!(Exit::Signal { number: 9, core: false }.is_kill() && !Exit::Code(9).is_kill());
    /// ```
    pub fn is_kill(self) -> bool {
        self.is_signal("SIGKILL")
    }

    /// Was it the signal of this name?
    ///
    /// ```
    /// use partools_os::Exit;
    /// assert!(Exit::Signal { number: 6, core: true }.is_signal("SIGABRT"));
    /// ```
    pub fn is_signal(self, name: &str) -> bool {
        matches!(self, Exit::Signal { number, .. } if signal_name(number) == Some(name))
    }
}
