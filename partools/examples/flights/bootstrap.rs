//! The bootstrap: how far off may a mean be? A carrier's flights are drawn anew, as many as it has, with
//! replacement, and their mean is taken; 2,000 such means spread as the true one's error does (B. Efron,
//! "Bootstrap methods: another look at the jackknife", 1979; the interval is the percentile interval).
//!
//! Carriers differ in size by a factor of 2,000, so carriers as items would leave all but one worker idle
//! at the end. An item is a block of resamples of one carrier, all blocks being about the same work:
//!
//! ```text
//! UA, 57,782 arrivals   [17 resamples][17 resamples][17 ..           118 items
//! OO,     29 arrivals   [2000 resamples]                               1 item
//! ```
//!
//! Blocks depend on the table alone and each draws from a generator of its own, so the means are the same
//! whoever computes them, in whatever order.

use crate::columns::Flights;
use partools::{AnyPortable, Executor, Job, Task, over};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How many flights an item draws, about: some milliseconds of work.
pub(crate) const DRAWS: usize = 1_000_000;

/// An item: so many resamples of one carrier.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Block {
    carrier: usize,
    resamples: usize,
}

/// All resamples of all carriers, in blocks.
pub(crate) fn blocks(flights: Flights<'_>, resamples: usize) -> Vec<Block> {
    let of_carrier = |carrier| {
        let size = (DRAWS / flights.delays(carrier).len()).max(1);
        let block = move |done| Block {
            carrier,
            resamples: size.min(resamples - done),
        };
        (0..resamples).step_by(size).map(block)
    };
    (0..flights.carriers()).flat_map(of_carrier).collect()
}

/// What a run gave.
pub(crate) struct Outcome {
    /// Of each carrier, the means of its resamples.
    pub(crate) means: Vec<Vec<f64>>,
    pub(crate) workers: usize,
    pub(crate) time: Duration,
}

/// The means of all resamples in `blocks`: the map that all this is about.
pub(crate) fn run(
    flights: Flights<'_>,
    blocks: &[Block],
    seed: u64,
    on: &AnyPortable,
) -> Result<Outcome, partools::Error> {
    let job = over(blocks).shared(flights).seed(seed).map_cx(|block, cx| {
        let (delays, mut rng) = (cx.shared.delays(block.carrier), cx.rng());
        let means = (0..block.resamples).map(|_| mean_of_resample(delays, &mut rng));
        means.collect::<Vec<f64>>()
    });
    let workers = workers(&job, on);
    let begun = Instant::now();
    let outputs = job.run(on)?;
    let time = begun.elapsed();

    let mut means = vec![Vec::new(); flights.carriers()];
    for (block, output) in blocks.iter().zip(outputs) {
        means[block.carrier].extend(output);
    }
    Ok(Outcome {
        means,
        workers,
        time,
    })
}

/// The mean of as many of `delays` as there are, drawn with replacement. The sum is one of whole numbers,
/// so it has no rounding that could depend on an order.
fn mean_of_resample(delays: &[i16], rng: &mut impl Rng) -> f64 {
    let draw = |_| i64::from(delays[rng.random_range(0..delays.len())]);
    let sum: i64 = (0..delays.len()).map(draw).sum();
    sum as f64 / delays.len() as f64
}

/// The mean of `delays` themselves.
pub(crate) fn mean(delays: &[i16]) -> f64 {
    let sum: i64 = delays.iter().copied().map(i64::from).sum();
    sum as f64 / delays.len() as f64
}

/// The interval that holds the middle 95 % of `means`, between two of them where need be.
pub(crate) fn interval(means: &[f64]) -> (f64, f64) {
    let mut sorted = means.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Of 40 equal parts, so many lie below.
    let quantile = |parts: usize| {
        let place = parts * (sorted.len() - 1);
        let (below, above) = (sorted[place / 40], sorted[place.div_ceil(40)]);
        below + (above - below) * ((place % 40) as f64 / 40.0)
    };
    (quantile(1), quantile(39))
}

fn workers<T: Task>(_: &Job<T>, on: &impl Executor<T>) -> usize {
    on.capabilities().workers()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Grouped;

    #[test]
    fn blocks_hold_every_resample_of_every_carrier_once() {
        let table = partools_flights::load().unwrap();
        let grouped = Grouped::of(&table).unwrap();
        let flights = grouped.columns();
        for resamples in [1, 16, 17, 18, 2000] {
            let mut found = vec![0; flights.carriers()];
            for block in blocks(flights, resamples) {
                found[block.carrier] += block.resamples;
                let draws = block.resamples * flights.delays(block.carrier).len();
                assert!(draws <= DRAWS);
            }
            assert_eq!(found, vec![resamples; 16]);
        }
    }

    #[test]
    fn an_interval_leaves_out_a_fortieth_on_either_side() {
        let means: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(interval(&means), (2.5, 97.5));
        assert_eq!(interval(&[7.0]), (7.0, 7.0));
    }
}
