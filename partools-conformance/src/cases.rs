//! The cases, a file for each promise of the contract, and what they have in common.

mod c10_host;
mod c11_refusals;
mod c12_control;
mod c13_attempts;
mod c14_unordered;
mod c15_picks;
mod c1_calls;
mod c2_order;
mod c3_delivery;
mod c4_nothing_left;
mod c5_faults;
mod c7_lowest;
mod c7_policies;
mod c8_nested;
mod c9_empty;
mod drops;
mod fold;
mod insight;
mod seed;
mod state;

use crate::candidate::Candidate;
use crate::leaks::Snapshot;
use crate::subject::Subject;
use crate::suite::Case;
use partools_core::{Capabilities, Chunks};
use std::time::Duration;

/// Numbers of workers that are tried.
const WORKERS: [usize; 4] = [1, 2, 3, 8];

/// Chunk policies that are tried where everything else varies too.
const SOME_CHUNKS: [Chunks; 3] = [Chunks::Auto, Chunks::Of(25), Chunks::Guided];

/// All chunk policies that are tried.
const POLICIES: [Chunks; 7] = [
    Chunks::Auto,
    Chunks::Of(1),
    Chunks::Of(3),
    Chunks::Of(25),
    Chunks::PerWorker(1),
    Chunks::PerWorker(4),
    Chunks::Guided,
];

/// Every case, for one executor, those too that will be skipped.
///
/// ```
/// use partools_conformance::{Outcome, Subject, cases};
/// use partools_core::Serial;
/// let all = cases(Subject::new("serial", |_workers| Serial));
/// let crash = all.into_iter().find(|case| case.name() == "serial::c5_faults::an_item_that_aborts");
/// let outcome = crash.expect("there is this case").try_out();
/// assert!(matches!(outcome, Outcome::Skipped(why) if why.contains("isolates")));
/// ```
#[must_use]
pub fn cases<E: Candidate>(subject: Subject<E>) -> Vec<Case> {
    let mut list = List {
        capabilities: subject.capabilities(),
        subject,
        cases: Vec::new(),
    };
    c1_calls::list(&mut list);
    c2_order::list(&mut list);
    c3_delivery::list(&mut list);
    c4_nothing_left::list(&mut list);
    c5_faults::list(&mut list);
    c7_lowest::list(&mut list);
    c7_policies::list(&mut list);
    c8_nested::list(&mut list);
    c9_empty::list(&mut list);
    c10_host::list(&mut list);
    c11_refusals::list(&mut list);
    c12_control::list(&mut list);
    c13_attempts::list(&mut list);
    c14_unordered::list(&mut list);
    c15_picks::list(&mut list);
    drops::list(&mut list);
    fold::list(&mut list);
    insight::list(&mut list);
    seed::list(&mut list);
    state::list(&mut list);
    c2_order::list_large(&mut list);
    list.cases
}

/// Cases being collected.
struct List<E: 'static> {
    subject: Subject<E>,
    capabilities: Capabilities,
    cases: Vec<Case>,
}

impl<E: Candidate> List<E> {
    /// A case that applies to every executor.
    fn add<F>(&mut self, name: impl std::fmt::Display, body: F)
    where
        F: FnOnce(Subject<E>) -> Result<(), String> + Send + 'static,
    {
        let subject = self.subject;
        let case = Case::new(subject.name, subject.limit, name, move || body(subject));
        self.cases.push(case.remark(self.remark()));
    }

    /// The last case applies only where `holds`.
    fn only_where(&mut self, holds: bool, why_not: &str) {
        if let Some(case) = self.cases.pop() {
            self.cases.push(case.only_where(holds, why_not));
        }
    }

    /// The last case applies only to executors whose items may crash.
    fn only_isolated(&mut self) {
        let isolates = self.capabilities.isolates();
        self.only_where(
            isolates,
            "the executor does not declare the capability `isolates`",
        );
        self.only_where(cfg!(unix), "this system has no signals");
    }

    /// The last case applies only where what a process holds can be read.
    fn only_with_proc(&mut self) {
        self.only_where(Snapshot::take().is_complete(), "there is no /proc here");
    }

    fn remark(&self) -> Option<String> {
        let grace = self.subject.thread_grace;
        let graced = (grace > Duration::ZERO).then(|| {
            format!("threads get {grace:?} to vanish after a map, which C4 would not give them")
        });
        let kept = self.subject.keeps_workers;
        let kept =
            kept.then(|| "keeps its workers, so C4 is checked when it is dropped".to_owned());
        match (graced, kept) {
            (Some(a), Some(b)) => Some(format!("{a}; {b}")),
            (a, b) => a.or(b),
        }
    }
}
