//! How large the windows of a stream are: as large as the plan says, or as large as it takes for the making of workers not
//! to show.
//!
//! ```text
//!   64 -> 1024 -> 5000 -> ..    while a full window took less than 0.1 s, or its workers more than 2 % of it
//! ```
//! An executor says what its workers took (`Run::workers_took`): forking beside gigabytes of ordinary memory takes tens of
//! milliseconds, and windows of 0.1 s would be half forks.

use std::time::Duration;

/// The first window.
const FIRST: usize = 64;
/// The largest are within these, and so that their items and outputs take no more than [`BYTES`].
const LARGEST: std::ops::RangeInclusive<usize> = 1 << 16..=1 << 20;
/// What items and outputs of a window may take, without what they own elsewhere.
const BYTES: usize = 16 << 20;
/// A full window that took less is followed by a larger one: what waking or making workers costs should not show.
const LONG_ENOUGH: Duration = Duration::from_millis(100);
/// So many times what its workers took a window should take.
const WORTH: u32 = 50;
/// A window has at most so many times the items of the one before, which may have been the cheap ones.
const MOST: usize = 16;
/// A slow iterator is left after so long, that what it gave so far can be run.
const PULL: Duration = Duration::from_millis(10);

/// The room for items in the next window.
pub(super) struct Room {
    items: usize,
    /// `None` where the plan says how many.
    largest: Option<usize>,
    /// What the workers of the last two windows took. The less counts: whoever shares the processors with its own workers
    /// is held up by them now and then.
    last: [Duration; 2],
}

impl Room {
    /// For items `I` and outputs `O`; `fixed` by the plan, or growing.
    pub(super) fn new<I, O>(fixed: Option<usize>) -> Self {
        let fits = BYTES / (size_of::<I>() + size_of::<O>()).max(1);
        Room {
            items: fixed.unwrap_or(FIRST),
            largest: match fixed {
                Some(_) => None,
                None => Some(fits.clamp(*LARGEST.start(), *LARGEST.end())),
            },
            last: [Duration::ZERO; 2],
        }
    }

    /// How many items the next window takes.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// How long to wait for them, once there is one: to wait for less than the workers of a window take would be to make
    /// them for a few items each.
    pub(super) fn patience(&self) -> Duration {
        match self.largest {
            Some(_) => self.workers().max(PULL),
            None => PULL,
        }
    }

    fn workers(&self) -> Duration {
        self.last[0].min(self.last[1])
    }

    /// A window of so many items took so long, of which its workers took a part; as before, if that is not known.
    pub(super) fn was_run(&mut self, items: usize, took: Duration, workers: Option<Duration>) {
        self.last = [self.last[1], workers.unwrap_or(self.last[1])];
        let long_enough = LONG_ENOUGH.max(self.workers().saturating_mul(WORTH));
        if let Some(largest) = self.largest
            && items == self.items
            && took < long_enough
        {
            // So many times the items take no more than so many times as long.
            let times = long_enough.as_micros() / took.as_micros().max(1);
            let times = usize::try_from(times).unwrap_or(MOST).clamp(2, MOST);
            self.items = (self.items * times).min(largest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Caller, Capabilities, Error, Executor, Report, Run, Task, over_iter};

    const MS: Duration = Duration::from_millis(1);

    /// Windows of items that take `item` each, run one after the other by workers that take `workers`, until they grow no
    /// more: how many items the last has, and what part of its time the workers took.
    fn grown(item: Duration, workers: Duration) -> (usize, f64) {
        let mut room = Room::new::<u64, u64>(None);
        loop {
            let items = room.items();
            let took = workers + item * u32::try_from(items).expect("a small window");
            for _ in 0..2 {
                room.was_run(items, took, Some(workers));
            }
            if room.items() == items {
                return (items, workers.as_secs_f64() / took.as_secs_f64());
            }
        }
    }

    #[test]
    fn windows_grow_until_they_take_a_tenth_of_a_second() {
        assert_eq!(grown(MS, Duration::ZERO).0, 128);
        assert_eq!(grown(MS, MS).0, 128);
        assert_eq!(grown(100 * MS, MS).0, 64);
    }

    #[test]
    fn windows_grow_until_their_workers_take_two_percent_at_most() {
        for workers in [MS, 20 * MS, 400 * MS] {
            for item in [20 * MS, MS, MS / 10, MS / 50] {
                let (items, part) = grown(item, workers);
                assert!(part <= 0.02, "{part} of windows of {items} items");
            }
        }
    }

    #[test]
    fn windows_keep_to_what_fits() {
        assert_eq!(grown(Duration::ZERO, MS).0, 1 << 20);
        let mut large = Room::new::<[u64; 4], [u64; 4]>(None);
        let mut huge = Room::new::<[u64; 400], ()>(None);
        for _ in 0..40 {
            large.was_run(large.items(), MS, Some(MS));
            huge.was_run(huge.items(), MS, Some(MS));
        }
        assert_eq!((large.items(), huge.items()), (1 << 18, 1 << 16));
    }

    #[test]
    fn a_window_that_was_not_full_or_is_fixed_does_not_grow() {
        let mut room = Room::new::<u8, u8>(None);
        room.was_run(63, MS, Some(MS));
        assert_eq!(room.items(), 64);
        let mut fixed = Room::new::<u8, u8>(Some(10));
        fixed.was_run(10, MS, Some(400 * MS));
        assert_eq!((fixed.items(), fixed.patience()), (10, PULL));
    }

    #[test]
    fn an_iterator_is_waited_for_as_long_as_the_workers_take() {
        let mut room = Room::new::<u8, u8>(None);
        assert_eq!(room.patience(), PULL);
        for workers in [Some(500 * MS), Some(400 * MS), None] {
            room.was_run(3, 600 * MS, workers);
        }
        assert_eq!(room.patience(), 400 * MS);
    }

    /// Takes long for each window, and says what part of that its workers took.
    struct Slow(Duration);

    impl<T: Task> Executor<T> for Slow {
        fn capabilities(&self) -> Capabilities {
            Capabilities::new("slow", 1)
        }
        fn execute(
            &self,
            task: &T,
            run: &Run<T::Output>,
            caller: &mut Caller<'_, T::Output>,
        ) -> Result<(), Error> {
            std::thread::sleep(LONG_ENOUGH);
            run.workers_took(self.0 / 2);
            run.workers_took(self.0 / 2);
            caller.work(task);
            Ok(())
        }
    }

    #[test]
    fn what_an_executor_says_of_its_workers_makes_windows_larger() {
        let windows = |workers| {
            let report = Report::new();
            let stream = over_iter(0..256).observe(&report).map(|n| n * 2);
            stream.run(&Slow(workers)).expect("it ran");
            report.summary().windows
        };
        assert_eq!((windows(Duration::ZERO), windows(LONG_ENOUGH)), (4, 3));
    }

    #[test]
    fn workers_that_take_long_once_do_not_count() {
        let mut room = Room::new::<u8, u8>(None);
        for workers in [MS, 400 * MS, MS] {
            room.was_run(64, 500 * MS, Some(workers));
            assert_eq!((room.items(), room.patience()), (64, PULL));
        }
    }
}
