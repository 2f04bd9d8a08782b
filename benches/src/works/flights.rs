//! How sure is the mean delay of an airline? Its flights are drawn anew, as many as it has, with replacement, and
//! summed up; two thousand times. The data is real and airlines differ in size by a factor of 2,000, so an item is a
//! block of resamples of one airline, all blocks being about the same work (as in partools' example `flights`).
//!
//! Draws come from splitmix64, which numpy computes too: the example's generator is better, and Rust's alone.

use crate::work::Work;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many flights an item draws, about.
const DRAWS: usize = 1_000_000;

/// The delays are shared; an item is `(start, end, resamples, seed)`: whose delays, how many resamples, which draws.
pub(crate) struct Flights;

impl Work for Flights {
    type Item = (u64, u64, u64, u64);
    type Shared = i16;
    type Output = Vec<f64>;

    const SHARES: bool = true;

    /// The sum of each resample: a whole number.
    fn call(&(start, end, resamples, seed): &Self::Item, delays: &[i16]) -> Vec<f64> {
        let minutes = &delays[start as usize..end as usize];
        let length = minutes.len() as u64;
        let draw = |number| minutes[(((mix(number) >> 32) * length) >> 32) as usize];
        let sum = |resample: u64| {
            let first = (seed << 32) + resample * length;
            let sum: i64 = (first..first + length)
                .map(|number| i64::from(draw(number)))
                .sum();
            sum as f64
        };
        (0..resamples).map(sum).collect()
    }

    /// Below zero they count from the modulus down, as in Python.
    fn digest(output: &Vec<f64>) -> u64 {
        let sum: f64 = output.iter().sum();
        (sum as i64).rem_euclid(crate::digest::P as i64) as u64
    }
}

/// Sebastiano Vigna's splitmix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The arrival delays of all flights that arrived, airline by airline.
#[derive(Debug, Serialize)]
pub(crate) struct Delays {
    pub(crate) minutes: Vec<i16>,
    /// Where each airline's delays begin, and where the last one's end.
    starts: Vec<usize>,
}

impl Delays {
    /// From the table that `partools-flights` has.
    pub(crate) fn load() -> Result<Self, String> {
        let table = partools_flights::load().map_err(|error| error.to_string())?;
        let mut of_airline = BTreeMap::<&str, Vec<i16>>::new();
        for (airline, delay) in table
            .texts("carrier")
            .iter()
            .zip(table.numbers("arr_delay"))
        {
            if let (Some(airline), Some(Ok(delay))) = (airline, delay.map(i16::try_from)) {
                of_airline.entry(airline).or_default().push(delay);
            }
        }
        let mut delays = Delays {
            minutes: Vec::new(),
            starts: vec![0],
        };
        for own in of_airline.into_values() {
            delays.minutes.extend(own);
            delays.starts.push(delays.minutes.len());
        }
        Ok(delays)
    }

    /// The items.
    pub(crate) fn blocks(&self, resamples: usize) -> Vec<(u64, u64, u64, u64)> {
        let mut blocks = Vec::new();
        for pair in self.starts.windows(2) {
            let size = (DRAWS / (pair[1] - pair[0])).max(1);
            for first in (0..resamples).step_by(size) {
                let count = size.min(resamples - first);
                let seed = blocks.len() as u64;
                blocks.push((pair[0] as u64, pair[1] as u64, count as u64, seed));
            }
        }
        blocks
    }
}
