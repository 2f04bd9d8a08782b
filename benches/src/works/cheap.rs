//! Work that costs next to nothing, so that what is left is the map around it; and items that take a given time.

use crate::work::Work;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Next to nothing: what is left is the cost of the map around it.
#[inline]
#[must_use]
pub fn cheap(x: &f64) -> f64 {
    x * 2.0 + 1.0
}

/// [`cheap`], as the work of a comparison.
pub(crate) struct Noop;

impl Work for Noop {
    type Item = f64;
    type Shared = u8;
    type Output = f64;

    const SHARES: bool = false;

    #[inline]
    fn call(item: &f64, _: &[u8]) -> f64 {
        cheap(item)
    }

    fn digest(output: &f64) -> u64 {
        *output as u64
    }
}

/// `count` items for [`cheap`].
#[must_use]
pub fn cheap_items(count: u32) -> Vec<f64> {
    (0..count).map(f64::from).collect()
}

/// The plain loop over [`cheap`], as anyone would write it: into a vector of its own, like a map's.
///
/// ```
/// assert_eq!(partools_bench::plain_loop(&[0.0, 3.0]), [1.0, 7.0]);
/// ```
#[inline(never)]
#[must_use]
pub fn plain_loop(items: &[f64]) -> Vec<f64> {
    items.iter().map(cheap).collect()
}

/// Keeps the processor busy for `time`, without a system call.
pub fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        black_box(());
    }
}

/// How long each of `count` items takes, where one in a hundred takes a hundred times as long as the
/// others, which take `short`; the long ones come last.
///
/// ```
/// use std::time::Duration;
/// let times = partools_bench::uneven(200, Duration::from_micros(1));
/// assert_eq!(times[197], Duration::from_micros(1));
/// assert_eq!(times[198], Duration::from_micros(100));
/// ```
#[must_use]
pub fn uneven(count: usize, short: Duration) -> Vec<Duration> {
    let long = count / 100;
    (0..count)
        .map(|i| if i < count - long { short } else { short * 100 })
        .collect()
}
