//! One map of chaos: its plan and its ending, drawn from the seed; and whether what it gave is what it must give.

use super::ledger::Ledger;
use super::rough::{Fate, Powers, Rough};
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::tasks::mix;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use partools_core::{CancelToken, Cause, Chunks, Error, Executor, Halt, ItemError, Job, Plan};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Long for an item of 120 µs, even where others have the processors; and what an item that hangs costs.
const ITEM_TIMEOUT: Duration = Duration::from_millis(800);
const CHUNKS: [Chunks; 6] = [
    Chunks::Auto,
    Chunks::Of(1),
    Chunks::Of(7),
    Chunks::Guided,
    Chunks::PerWorker(1),
    Chunks::PerWorker(3),
];

/// How the map ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    TryRun,
    Run,
    ForEach { window: usize },
}

/// What stops it before that, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Nothing,
    Deadline(Duration),
    /// An item sends a signal, whose handler cancels the token.
    Signal {
        item: usize,
    },
    /// The callback cancels the token.
    Callback {
        item: usize,
    },
}

/// One map, as it was drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    seed: u64,
    count: usize,
    workers: usize,
    chunks: Chunks,
    retries: u32,
    may_hang: bool,
    ending: Ending,
    stop: Stop,
    powers: Powers,
    /// Somebody kills workers meanwhile.
    hunted: bool,
}

/// What came of a map.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) items: usize,
    pub(super) outputs: usize,
    pub(super) failures: usize,
    pub(super) stopped: bool,
    pub(super) given_up: bool,
    pub(super) stopped_items: usize,
}

/// Numbers, one after the other, of one seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let noise = mix(usize::try_from(self.0).unwrap_or(0));
        usize::try_from(noise % limit as u64).unwrap_or(0)
    }
}

impl Round {
    pub(super) fn draw(seed: u64, number: usize, powers: Powers, hunted: bool) -> Self {
        let seed = mix(number) ^ seed.rotate_left(32);
        let mut draw = Draw(seed);
        let count = 1 + draw.below(200);
        let ending = match draw.below(10) {
            0 => Ending::Run,
            1 | 2 => Ending::ForEach {
                window: 1 + draw.below(80),
            },
            _ => Ending::TryRun,
        };
        let item = draw.below(count);
        let stop = match (draw.below(24), ending) {
            (0 | 1, _) => Stop::Deadline(Duration::from_micros(draw.below(12_000) as u64)),
            (2 | 3, _) => Stop::Signal { item },
            (4..12, Ending::ForEach { .. }) => Stop::Callback { item },
            _ => Stop::Nothing,
        };
        let retries = [0, 0, 1, 2][draw.below(4)];
        Round {
            seed,
            count,
            workers: 1 + draw.below(4),
            chunks: CHUNKS[draw.below(CHUNKS.len())],
            retries,
            may_hang: powers.kills_items && retries == 0 && draw.below(4) == 0,
            ending,
            stop,
            powers,
            hunted,
        }
    }

    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// Runs it, and checks all that it gives.
    pub(super) fn play<E: Executor<Rough>>(
        &self,
        executor: &E,
        ledger: &Ledger,
    ) -> Result<Outcome, String> {
        let rough = Rough {
            seed: self.seed,
            count: self.count,
            powers: self.powers,
            may_hang: self.may_hang,
            signals: match self.stop {
                Stop::Signal { item } => Some((item, std::process::id())),
                _ => None,
            },
            quill: ledger.quill(),
        };
        let token = CancelToken::from(&CANCELLED);
        let job = Job::new(rough.clone()).plan(self.plan(&token));
        match self.ending {
            Ending::TryRun => match job.try_run(executor) {
                Err(error) if self.is_given_up(&error) => self.first(&rough, &error),
                results => self.all(&rough, &ok(results)?),
            },
            Ending::Run => match job.run(executor) {
                Ok(outputs) => self.whole(&rough, &outputs),
                Err(error) => self.first(&rough, &error),
            },
            Ending::ForEach { .. } => {
                let mut delivered = 0;
                let mut wrong = None;
                let result = job.for_each(executor, |index, output| {
                    if index != delivered || output != rough.output(index) {
                        wrong.get_or_insert(index);
                    }
                    delivered += 1;
                    if self.stop == (Stop::Callback { item: index }) {
                        token.cancel();
                    }
                });
                ensure!(wrong.is_none(), "wrong or out of order at item {wrong:?}");
                self.stream(&rough, delivered, result)
            }
        }
    }

    fn plan(&self, token: &CancelToken) -> Plan {
        let mut plan = Plan::new().chunk(self.chunks).retries(self.retries);
        if self.may_hang {
            plan = plan.item_timeout(ITEM_TIMEOUT);
        }
        if let Ending::ForEach { window } = self.ending {
            plan = plan.window(window);
        }
        match self.stop {
            Stop::Nothing => plan,
            Stop::Deadline(limit) => plan.deadline(limit),
            Stop::Signal { .. } | Stop::Callback { .. } => plan.cancel(token),
        }
    }

    fn halt(&self) -> Option<Halt> {
        match self.stop {
            Stop::Nothing => None,
            Stop::Deadline(_) => Some(Halt::Deadline),
            Stop::Signal { .. } | Stop::Callback { .. } => Some(Halt::Cancelled),
        }
    }

    /// `try_run`: each index has its output, or the failure that it earned.
    fn all(
        &self,
        rough: &Rough,
        results: &[Result<Vec<u64>, ItemError>],
    ) -> Result<Outcome, String> {
        ensure_eq!(results.len(), self.count, "results");
        let mut outcome = Outcome {
            items: self.count,
            ..Outcome::default()
        };
        for (index, result) in results.iter().enumerate() {
            match result {
                Ok(output) => {
                    let fate = rough.fate(index, self.retries);
                    let may = !matches!(fate, Fate::Failure(_));
                    ensure!(may, "item {index} has an output, and its fate is {fate:?}");
                    ensure!(
                        *output == rough.output(index),
                        "item {index}: a wrong output"
                    );
                    outcome.outputs += 1;
                }
                Err(error) if self.is_stop(error) => outcome.stopped_items += 1,
                Err(error) if self.is_left(error) => outcome.given_up = true,
                Err(error) => {
                    self.earned(rough, index, error)?;
                    outcome.failures += 1;
                }
            }
        }
        outcome.stopped = outcome.stopped_items > 0;
        Ok(outcome)
    }

    /// Where somebody kills one worker after the other before it gets to an item, a map may say so and end.
    fn is_given_up(&self, error: &Error) -> bool {
        self.hunted && error.to_string().contains("workers in a row died")
    }

    fn is_stop(&self, error: &ItemError) -> bool {
        match error.cause() {
            Cause::NotRun { halt } | Cause::Stopped { halt } => Some(*halt) == self.halt(),
            _ => false,
        }
    }

    /// The map gave up before this item was done, as it may where somebody kills its workers.
    fn is_left(&self, error: &ItemError) -> bool {
        let halt = match error.cause() {
            Cause::NotRun { halt } | Cause::Stopped { halt } => halt,
            _ => return false,
        };
        self.hunted && matches!(halt, Halt::Deaths { .. })
    }

    /// Is this the failure of item `index`, and what that item must fail by?
    fn earned(&self, rough: &Rough, index: usize, error: &ItemError) -> Result<(), String> {
        ensure_eq!(error.index(), index, "index in the failure of an item");
        ensure!(error.attempt() <= self.retries, "tried too often: {error}");
        let cause = error.cause();
        let killed = matches!(cause, Cause::Killed { name, .. } if name == "SIGKILL");
        let fate = rough.fate(index, self.retries);
        let own = match fate {
            Fate::Output => false,
            Fate::Failure(deed) | Fate::Either(deed) => deed.explains(cause, index),
        };
        ensure!(
            own || self.hunted && killed,
            "item {index} is blamed ({error}), and its fate is {fate:?}"
        );
        Ok(())
    }

    /// `run` that succeeded.
    fn whole(&self, rough: &Rough, outputs: &[Vec<u64>]) -> Result<Outcome, String> {
        ensure_eq!(outputs.len(), self.count, "outputs");
        for (index, output) in outputs.iter().enumerate() {
            let fate = rough.fate(index, self.retries);
            let may = !matches!(fate, Fate::Failure(_));
            ensure!(may, "all is well, and the fate of item {index} is {fate:?}");
            ensure!(
                *output == rough.output(index),
                "item {index}: a wrong output"
            );
        }
        Ok(Outcome {
            items: self.count,
            outputs: self.count,
            ..Outcome::default()
        })
    }

    /// `run` that failed: it was stopped, or it names the failing item with the lowest index (C7).
    fn first(&self, rough: &Rough, error: &Error) -> Result<Outcome, String> {
        let mut outcome = Outcome {
            items: self.count,
            ..Outcome::default()
        };
        let Some(item) = error.item() else {
            let stopped = match self.halt() {
                Some(Halt::Cancelled) => error.is_cancelled(),
                Some(_) => error.is_deadline(),
                None => false,
            };
            outcome.given_up = self.is_given_up(error);
            ensure!(stopped || outcome.given_up, "the map failed: {error}");
            outcome.stopped = stopped;
            return Ok(outcome);
        };
        let must_fail =
            |&index: &usize| matches!(rough.fate(index, self.retries), Fate::Failure(_));
        let lowest = (0..self.count).find(must_fail);
        ensure!(
            lowest.is_none_or(|lowest| item.index() <= lowest),
            "item {lowest:?} must fail, and a later one is named: {error}"
        );
        self.earned(rough, item.index(), item)?;
        outcome.failures = 1;
        Ok(outcome)
    }

    /// `for_each`, which delivered so many that were right and in order.
    fn stream(
        &self,
        rough: &Rough,
        delivered: usize,
        result: Result<(), Error>,
    ) -> Result<Outcome, String> {
        for index in 0..delivered {
            let fate = rough.fate(index, self.retries);
            let may = !matches!(fate, Fate::Failure(_));
            ensure!(may, "item {index} was delivered, and its fate is {fate:?}");
        }
        let mut outcome = match result {
            Ok(()) => {
                ensure_eq!(delivered, self.count, "items delivered");
                Outcome::default()
            }
            result => {
                let error = err(result)?;
                let outcome = self.first(rough, &error)?;
                if let Some(item) = error.item() {
                    ensure_eq!(delivered, item.index(), "items delivered before {error}");
                }
                outcome
            }
        };
        outcome.items = self.count;
        outcome.outputs = delivered;
        Ok(outcome)
    }
}

/// What the handler cancels by.
static CANCELLED: AtomicBool = AtomicBool::new(false);

extern "C" fn on_signal(_signal: i32) {
    CancelToken::from(&CANCELLED).cancel();
}

/// A handler of SIGUSR1 that cancels, until dropped.
pub(super) struct Handler(SigAction);

impl Handler {
    pub(super) fn install() -> Result<Self, String> {
        CANCELLED.store(false, Ordering::Relaxed);
        let handler = SigHandler::Handler(on_signal);
        let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: what the handler does is an atomic store.
        let before = unsafe { sigaction(Signal::SIGUSR1, &action) };
        before.map(Handler).map_err(|why| why.to_string())
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // SAFETY: puts back what was there before.
        let _ = unsafe { sigaction(Signal::SIGUSR1, &self.0) };
    }
}
