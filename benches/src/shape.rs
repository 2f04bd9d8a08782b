//! What a workload is made of, in numbers. Scripts in other languages are sent the same, so that sizes stand in one
//! place (`catalogue.rs`).

use serde::{Deserialize, Serialize};

/// So many items of so many nanoseconds each, one run after the other.
pub type Runs = Vec<(usize, u64)>;

/// A workload, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// `x * 2 + 1` over so many `f64`.
    Noop {
        /// How many.
        count: usize,
    },
    /// Items that keep a processor busy for a given time.
    Timed {
        /// Their times.
        runs: Runs,
    },
    /// The same; what counts is the time to the first result, workers and all made on the way.
    First {
        /// Their times.
        runs: Runs,
    },
    /// Many maps over the same few items, when the contender is warm.
    Warm {
        /// How many maps.
        maps: usize,
        /// The items of each.
        runs: Runs,
    },
    /// Many maps over cheap items, then one over long items, all with the same function.
    Mixed {
        /// How many maps over cheap items.
        maps: usize,
        /// How many cheap items each.
        cheap: usize,
        /// The items of the last map.
        runs: Runs,
    },
    /// Sums of equal sections of one array of `f64`.
    Sum {
        /// The array's length.
        len: usize,
        /// How many sections.
        sections: usize,
        /// What memory it lies in.
        memory: Memory,
    },
    /// Outputs of a kind, which cost little more to make than to write.
    Output {
        /// Of what kind.
        kind: OutputKind,
        /// How many.
        count: usize,
        /// Bytes of each, where the kind leaves that open.
        size: usize,
    },
    /// One image, convolved with several filters (mpire's first benchmark).
    Convolve {
        /// The image is `side * side`.
        side: usize,
        /// How many filters of 4 x 4: these are the items.
        filters: usize,
    },
    /// Prefixes of words that occur more than three times in a document (mpire's second benchmark).
    Words {
        /// How many documents: these are the items.
        documents: usize,
        /// Words of 20 letters in each.
        words: usize,
    },
    /// Resamples of the arrival delays of each airline that left New York City in 2013, and their sums: a bootstrap.
    Flights {
        /// Resamples of each airline.
        resamples: usize,
    },
    /// Many small outputs, looked at one by one, in order, and kept nowhere.
    Stream {
        /// How many.
        count: usize,
    },
}

/// What memory an array lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// A `Vec`.
    Plain,
    /// A `Vec` in huge pages, where the kernel gives them.
    Huge,
    /// A `SharedVec`: sealed shared memory.
    SharedVec,
}

/// What an output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// One `f64`.
    Number,
    /// A vector of bytes, all alike.
    Bytes,
    /// A string of some 40 letters.
    Text,
    /// A struct with a name, points, tags in a map, and another of its kind.
    Nested,
}

/// The times of all items, in nanoseconds.
///
/// ```
/// assert_eq!(partools_bench::times(&[(2, 5), (1, 7)]), [5, 5, 7]);
/// ```
#[must_use]
pub fn times(runs: &[(usize, u64)]) -> Vec<u64> {
    runs.iter()
        .flat_map(|&(count, time)| std::iter::repeat_n(time, count))
        .collect()
}

/// The least time in which `workers` can be done with `runs`, whoever deals them: an even share of all, but no less
/// than the longest item, and no less than what the items ask that do not go up evenly.
///
/// ```
/// assert_eq!(partools_bench::least_time(&[(3, 100)], 2), 200);
/// assert_eq!(partools_bench::least_time(&[(99, 10), (1, 10_000)], 2), 10_000);
/// ```
#[must_use]
pub fn least_time(runs: &[(usize, u64)], workers: usize) -> u64 {
    let count: usize = runs.iter().map(|run| run.0).sum();
    let sum: u64 = runs.iter().map(|&(count, time)| count as u64 * time).sum();
    let longest = runs.iter().map(|run| run.1).max().unwrap_or(0);
    let shortest = runs.iter().map(|run| run.1).min().unwrap_or(0);
    // Some worker has at least this many items.
    let most = count.div_ceil(workers) as u64 * shortest;
    sum.div_ceil(workers as u64).max(longest).max(most)
}
