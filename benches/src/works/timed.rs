//! Items that keep a processor busy for a given time, without a system call in the short ones.
//!
//! Items shorter than a millisecond look at the clock: beside a busy neighbour they end in time even if they did not
//! run, but the scheduler takes a processor away for milliseconds, so that is one item among hundreds. Longer ones
//! count the processor time that their own thread was given, so that they are the same work however busy the machine.

use super::spin;
use crate::work::Work;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::Duration;

const LONG: u64 = 1_000_000;

/// An item is its time in nanoseconds.
pub(crate) struct Timed;

impl Work for Timed {
    type Item = u64;
    type Shared = u8;
    type Output = u64;

    const SHARES: bool = false;

    fn call(item: &u64, _: &[u8]) -> u64 {
        match *item {
            0 => {}
            time if time < LONG => spin(Duration::from_nanos(time)),
            time => work(time),
        }
        *item
    }

    fn digest(output: &u64) -> u64 {
        *output
    }
}

/// Works until this thread has had `time` nanoseconds of processor time.
fn work(time: u64) {
    let end = thread_time() + i128::from(time);
    while thread_time() < end {
        // Some 10 µs between two looks, which are system calls.
        (0..10_000_u32).for_each(|i| {
            black_box(i);
        });
    }
}

fn thread_time() -> i128 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}
