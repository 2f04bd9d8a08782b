//! Chaos: hundreds of maps whose items fail in every way there is, on an executor whose workers somebody kills, with
//! maps cancelled and late at random, on a machine that is busy.
//!
//! ```text
//!   rough.rs    the task: what each item does, drawn from a seed, and what must come of it (the oracle)
//!   round.rs    one map: its plan and its ending, drawn from the same seed, and the check of what it gave
//!   rabble.rs   other processes: two that keep processors busy, one that kills workers by pidfd
//!   ledger.rs   what items write down before they die, and the totals
//! ```
//! Invariant: what is drawn depends on the seed and the number of the map alone; what happens depends on the machine
//! too. So every index of every map is checked against the oracle, and what only chance decides (who was killed from
//! outside, how far a map came before it was cancelled) is allowed where it can be, and nowhere else.

mod ledger;
mod rabble;
mod rough;
mod round;

pub use rough::Rough;

use crate::leaks::Snapshot;
use crate::quiet;
use crate::watchdog::Watchdog;
use ledger::{Ledger, Totals};
use libtest_mimic::{Arguments, Failed, Trial};
use partools_core::Executor;
use rabble::{Killer, Loops};
use rough::Powers;
use round::Round;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Multiplies the number of maps and of deaths.
const TIMES: &str = "PARTOOLS_CHAOS_TIMES";
/// Another seed, to repeat what was seen.
const SEED: &str = "PARTOOLS_CHAOS_SEED";
/// Maps come in blocks: each second one beside busy processors, each second pair beside a killer.
const BLOCK: usize = 25;
/// A map of 160 small items that takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

/// So many maps of chaos on an executor.
///
/// A test with `harness = false` and this `main` is all it takes. The process must have one thread where the executor
/// forks; it starts itself again, for the other processes that chaos needs.
///
/// ```no_run
/// use partools_conformance::chaos::Chaos;
/// use partools_core::Serial;
///
/// fn main() -> std::process::ExitCode {
///     Chaos::on("serial", |_workers| Serial).maps(500).main()
/// }
/// ```
///
/// Its last lines are the totals. `PARTOOLS_CHAOS_TIMES=10` does ten times as much, `PARTOOLS_CHAOS_SEED=7` draws
/// other maps; the seed is printed.
#[must_use = "nothing runs before main"]
pub struct Chaos<F> {
    name: &'static str,
    make: F,
    maps: usize,
    deaths: usize,
    thread_grace: Duration,
}

impl<F, E> Chaos<F>
where
    F: Fn(usize) -> E + Send + 'static,
    E: Executor<Rough>,
{
    /// Chaos on the executors that `make(workers)` makes, one for each map: at least 500 maps, and as many deaths of
    /// workers as [`deaths`](Self::deaths) says.
    pub fn on(name: &'static str, make: F) -> Self {
        Chaos {
            name,
            make,
            maps: 500,
            deaths: 0,
            thread_grace: Duration::ZERO,
        }
    }

    /// At least so many maps.
    pub fn maps(mut self, maps: usize) -> Self {
        self.maps = maps;
        self
    }

    /// At least so many workers that die by their items: for executors that isolate them. Those that are killed from
    /// outside come on top.
    pub fn deaths(mut self, deaths: usize) -> Self {
        self.deaths = deaths;
        self
    }

    /// As [`Subject::thread_grace`](crate::Subject::thread_grace).
    pub fn thread_grace(mut self, grace: Duration) -> Self {
        self.thread_grace = grace;
        self
    }

    /// Runs it as a test, under the command line of `cargo test`, and prints the totals last.
    #[must_use]
    pub fn main(self) -> ExitCode {
        if let Some(end) = play_a_part() {
            return end;
        }
        let mut arguments = Arguments::from_args();
        // On one thread libtest-mimic runs trials on the thread that calls it.
        arguments.test_threads = Some(1);
        let name = format!("{}::chaos_loses_nothing_and_leaves_nothing", self.name);
        let subject = self.name;
        let (told, totals) = mpsc::channel();
        let trial = Trial::test(name, move || {
            let totals = self.run().map_err(Failed::from)?;
            told.send(totals).map_err(Failed::from)
        });
        let conclusion = libtest_mimic::run(&arguments, vec![trial]);
        for totals in totals {
            say(&format!("chaos on {subject}: {totals}"));
        }
        conclusion.exit_code()
    }

    /// Runs it; its totals as text. For a `main` of one's own, which calls [`play_a_part`] first.
    ///
    /// # Errors
    /// Where a map gave what it must not, or left something behind: what, in which map, and the seed.
    pub fn run(self) -> Result<String, String> {
        quiet::install();
        let times: usize = number_in(TIMES).unwrap_or(1);
        let seed = number_in(SEED).unwrap_or(42);
        let (maps, deaths) = (self.maps * times, self.deaths * times);
        let ledger = Ledger::new();
        let mut totals = Totals::new(seed);
        let begun = Instant::now();
        let most = 4 * maps;
        while totals.maps < maps || ledger.deaths() < deaths {
            if totals.maps >= most {
                let found = ledger.deaths();
                return Err(format!(
                    "{most} maps brought {found} deaths, where {deaths} were to be had"
                ));
            }
            self.block(seed, &ledger, &mut totals)?;
        }
        // Where that is the rule, nobody can rely on it.
        if totals.given_up > totals.maps / 50 {
            return Err(format!(
                "{} of {} maps gave up",
                totals.given_up, totals.maps
            ));
        }
        totals.close(&ledger, begun.elapsed());
        Ok(totals.to_string())
    }

    /// A block of maps in the same company.
    fn block(&self, seed: u64, ledger: &Ledger, totals: &mut Totals) -> Result<(), String> {
        let block = totals.maps / BLOCK;
        let powers = Powers::of(&Executor::<Rough>::capabilities(&(self.make)(1)));
        let loops = (block % 2 == 1).then(Loops::start);
        let killer =
            (powers.isolates && block % 4 >= 2).then(|| Killer::start(seed ^ block as u64, &loops));
        for number in block * BLOCK..(block + 1) * BLOCK {
            let round = Round::draw(seed, number, powers, killer.is_some());
            self.one(&round, ledger, totals)
                .map_err(|why| format!("map {number} of seed {seed}: {why}\n  it was {round:?}"))?;
        }
        totals.killed_from_outside += killer.map_or(0, Killer::end);
        Ok(())
    }

    fn one(&self, round: &Round, ledger: &Ledger, totals: &mut Totals) -> Result<(), String> {
        let _watchdog = Watchdog::watch(&format!("chaos, {round:?}"), HANGS);
        let _handler = round::Handler::install()?;
        let before = Snapshot::take();
        let begun = Instant::now();
        let executor = (self.make)(round.workers());
        let outcome = round.play(&executor, ledger)?;
        drop(executor);
        let changes = before.changes_after(self.thread_grace);
        if !changes.is_empty() {
            return Err(format!("something was left behind or changed: {changes}"));
        }
        totals.enter(&outcome, begun.elapsed());
        Ok(())
    }
}

/// Plays the part of a process that chaos started beside itself, if this is one, and then returns its end.
/// [`Chaos::main`] does it by itself.
#[must_use]
pub fn play_a_part() -> Option<ExitCode> {
    rabble::play()
}

impl<F> std::fmt::Debug for Chaos<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chaos")
            .field("name", &self.name)
            .field("maps", &self.maps)
            .field("deaths", &self.deaths)
            .finish_non_exhaustive()
    }
}

fn number_in<N: std::str::FromStr>(name: &str) -> Option<N> {
    std::env::var(name).ok()?.parse().ok()
}

#[expect(clippy::print_stdout, reason = "the report of a test run")]
fn say(line: &str) {
    println!("{line}");
}
