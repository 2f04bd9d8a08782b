//! A case, and running many of them under libtest-mimic: on the main thread, one after the other.

use crate::leaks::Snapshot;
use crate::quiet;
use crate::watchdog::{self, Watchdog};
use libtest_mimic::{Arguments, Completion, Trial};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One promise, to be tried on one executor; [`cases`](crate::cases) makes them. [`run`] tries them all as
/// `cargo test` would; one by one it goes like this:
///
/// ```
/// use partools_conformance::{Outcome, Subject, cases};
/// use partools_core::Serial;
/// let all = cases(Subject::new("serial", |_workers| Serial));
/// for case in all.into_iter().filter(|case| case.name().starts_with("serial::c9_empty::")) {
///     assert_eq!(case.try_out(), Outcome::Kept);
/// }
/// ```
#[must_use = "a case that is not run proves nothing"]
pub struct Case {
    name: String,
    subject: &'static str,
    limit: Duration,
    /// What the subject was granted, in words.
    remark: Option<String>,
    what: What,
}

enum What {
    Try(Box<dyn FnOnce() -> Result<(), String> + Send>),
    Skip(String),
}

/// How a case went.
///
/// ```
/// use partools_conformance::{Outcome, Subject, cases};
/// use partools_core::{Caller, Capabilities, Error, Executor, Run, Task};
///
/// /// Returns before the items are done.
/// struct Lazy;
/// impl<T: Task> Executor<T> for Lazy {
///     fn capabilities(&self) -> Capabilities { Capabilities::new("lazy", 1) }
///     fn execute(&self, _: &T, _: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> { Ok(()) }
/// }
/// let all = cases(Subject::new("lazy", |_workers| Lazy));
/// let bytes = all.into_iter().find(|case| case.name() == "lazy::c2_order::bytes_of_7");
/// match bytes.expect("there is this case").try_out() {
///     Outcome::Broken(why) => assert!(why.contains("before items 0..7 were done")),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The promise was kept.
    Kept,
    /// It was not; how, in words.
    Broken(String),
    /// The case does not apply to this executor or this system; why, in words.
    Skipped(String),
}

impl Case {
    pub(crate) fn new(
        subject: &'static str,
        limit: Duration,
        name: impl std::fmt::Display,
        body: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Self {
        let name = format!("{subject}::{name}");
        Case {
            name,
            subject,
            limit,
            remark: None,
            what: What::Try(Box::new(body)),
        }
    }

    pub(crate) fn remark(mut self, remark: Option<String>) -> Self {
        self.remark = remark;
        self
    }

    /// The case does not apply unless `holds`.
    pub(crate) fn only_where(mut self, holds: bool, why_not: &str) -> Self {
        if !holds && matches!(self.what, What::Try(_)) {
            self.what = What::Skip(why_not.to_owned());
        }
        self
    }

    /// Its name: `subject::promise::what_is_tried`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it will be skipped, in words, where it does not apply to this executor or this system.
    ///
    /// ```
    /// use partools_conformance::{Subject, cases};
    /// use partools_core::Serial;
    /// let all = cases(Subject::new("serial", |_workers| Serial));
    /// let abort = all.iter().find(|case| case.name().ends_with("an_item_that_aborts")).expect("a case");
    /// assert!(abort.refusal().is_some_and(|why| why.contains("isolates")));
    /// ```
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match &self.what {
            What::Skip(why) => Some(why),
            What::Try(_) => None,
        }
    }

    /// Tries the promise. Must be called on the main thread of a process without other threads where the
    /// executor forks, and before any other map of the process, because it installs a panic hook.
    ///
    /// Where the case hangs, the process is ended, with words.
    #[must_use]
    pub fn try_out(self) -> Outcome {
        quiet::install();
        let body = match self.what {
            What::Skip(why) => return Outcome::Skipped(why),
            What::Try(body) => body,
        };
        let watchdog = Watchdog::watch(&self.name, self.limit);
        let result = quiet::catch(body);
        drop(watchdog);
        match result {
            Ok(Ok(())) => Outcome::Kept,
            Ok(Err(why)) => Outcome::Broken(why),
            Err(panic) => Outcome::Broken(format!("the map panicked in its caller: {panic}")),
        }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Cases run and skipped, of one subject.
#[derive(Default, Clone, Copy)]
struct Tally {
    run: usize,
    skipped: usize,
}

/// Runs the cases as `cargo test` runs tests: for the `main` of a test with `harness = false`. Reads the
/// command line, prints each case and at the end how many were run of each subject. Fails where a case
/// failed, and where none was run though the command line did not filter them out.
///
/// Cases of several subjects are simply put together, and may be picked from:
///
/// ```
/// use partools_conformance::{Subject, cases, run};
/// use partools_core::Serial;
/// use std::process::ExitCode;
/// let serial = cases(Subject::new("serial", |_workers| Serial));
/// let twin = cases(Subject::new("twin", |_workers| Serial));
/// let some = serial.into_iter().chain(twin).filter(|case| case.name().contains("::c9_empty::"));
/// assert_eq!(run(some), ExitCode::SUCCESS);
/// ```
#[must_use]
pub fn run(cases: impl IntoIterator<Item = Case>) -> ExitCode {
    quiet::install();
    let mut arguments = Arguments::from_args();
    // On one thread libtest-mimic runs trials on the thread that calls it: this one, so that a process that
    // is about to fork has no other.
    arguments.test_threads = Some(1);
    let listing = arguments.list;
    let cases: Vec<Case> = cases.into_iter().collect();
    if !listing {
        print_remarks(&cases);
    }
    let tallies = Arc::new(Mutex::new(BTreeMap::<&'static str, Tally>::new()));
    for case in &cases {
        lock(&tallies).entry(case.subject).or_default();
    }
    let trials = cases
        .into_iter()
        .map(|case| trial(case, Arc::clone(&tallies)))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if listing {
        return ExitCode::SUCCESS;
    }
    let mut run = 0;
    for (subject, tally) in lock(&tallies).iter() {
        say(&format!(
            "{subject}: {} cases run, {} skipped",
            tally.run, tally.skipped
        ));
        run += tally.run;
    }
    if run == 0 && conclusion.num_filtered_out == 0 {
        say("not one case was run: that proves nothing, so it is a failure");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn trial(case: Case, tallies: Arc<Mutex<BTreeMap<&'static str, Tally>>>) -> Trial {
    let subject = case.subject;
    Trial::ignorable_test(case.name.clone(), move || {
        let outcome = case.try_out();
        let mut tallies = lock(&tallies);
        let tally = tallies.entry(subject).or_default();
        match outcome {
            Outcome::Skipped(why) => {
                tally.skipped += 1;
                Ok(Completion::ignored_with(why))
            }
            outcome => {
                tally.run += 1;
                match outcome {
                    Outcome::Broken(why) => Err(why.into()),
                    _ => Ok(Completion::Completed),
                }
            }
        }
    })
}

/// What this run does not check, in words, before it begins.
fn print_remarks(cases: &[Case]) {
    if !Snapshot::take().is_complete() {
        say("there is no /proc here: what maps leave behind (C4, C10) is NOT checked");
    }
    if !watchdog::EXISTS {
        say("there are no alarms here: a case that hangs is NOT ended");
    }
    let mut last = None;
    for case in cases {
        if case.remark.is_some() && case.remark != last {
            last.clone_from(&case.remark);
            say(&format!(
                "{}: {}",
                case.subject,
                case.remark.as_deref().unwrap_or_default()
            ));
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report of a test run")]
fn say(line: &str) {
    println!("{line}");
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
