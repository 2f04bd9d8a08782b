//! Contenders take turns in short rounds, so that a busy neighbour hits them alike. One after the other,
//! as most harnesses do it, the noise of a shared machine is larger than the differences looked for.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One of those compared: a name, and how long so many repetitions of its work take.
pub struct Turn<'c> {
    /// Its name, as printed.
    pub name: &'static str,
    /// Does its work so many times over; what of that counts.
    pub run: Box<dyn FnMut(u64) -> Duration + 'c>,
}

impl<'c> Turn<'c> {
    /// A turn whose whole work counts, dropping its result included.
    pub fn whole<R>(name: &'static str, mut work: impl FnMut() -> R + 'c) -> Self {
        Self::clocked(name, move |times| {
            let begin = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            begin.elapsed()
        })
    }

    /// A turn that clocks itself.
    pub fn clocked(name: &'static str, run: impl FnMut(u64) -> Duration + 'c) -> Self {
        Turn {
            name,
            run: Box::new(run),
        }
    }
}

impl std::fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What came out for one turn.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Median time of one repetition, in nanoseconds.
    pub median_ns: f64,
    /// Median, over the rounds, of the time relative to the first turn's in the same round.
    pub ratio: f64,
}

/// Runs `rounds` rounds of `times` repetitions each; another turn begins each round. One outcome
/// for each turn, in their order.
///
/// ```
/// use partools_bench::{Turn, take_turns};
/// let mut turns = [Turn::whole("ten", || (0..10).sum::<u64>())];
/// let outcomes = take_turns(&mut turns, 3, 100);
/// assert_eq!(outcomes[0].ratio, 1.0);
/// ```
///
/// # Panics
/// Where there is no turn or no round.
pub fn take_turns(turns: &mut [Turn<'_>], rounds: usize, times: u64) -> Vec<Outcome> {
    assert!(
        rounds > 0 && !turns.is_empty(),
        "nothing to time: no round or no turn"
    );
    let count = turns.len();
    let mut times_of = vec![Vec::with_capacity(rounds); count];
    for round in 0..rounds {
        for turn in 0..count {
            let who = (round + turn) % count;
            let spent = (turns[who].run)(times);
            times_of[who].push(spent.as_secs_f64() * 1e9 / times as f64);
        }
    }
    let outcome = |of: &Vec<f64>| Outcome {
        median_ns: median(of.iter().copied()),
        ratio: median(
            of.iter()
                .zip(&times_of[0])
                .map(|(mine, first)| mine / first),
        ),
    };
    times_of.iter().map(outcome).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
