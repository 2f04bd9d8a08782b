//! A worker's stopwatch: times items, one by one or a few together, and keeps the slowest.

use super::event::Timed;
use std::ops::Range;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Stopwatch {
    /// When the last item ended, or work began.
    mark: Instant,
    slowest: Slowest,
}

impl Stopwatch {
    pub(crate) fn new() -> Self {
        Stopwatch {
            mark: Instant::now(),
            slowest: Slowest::default(),
        }
    }

    /// Items are about to be called: what passed until now is nobody's time.
    pub(crate) fn start(&mut self) {
        self.mark = Instant::now();
    }

    /// These items were called.
    #[inline]
    pub(crate) fn lap(&mut self, items: Range<usize>) {
        let now = Instant::now();
        let took = now - std::mem::replace(&mut self.mark, now);
        self.slowest.add_with(took, || items);
    }

    pub(crate) fn slowest(&self) -> &[Timed] {
        &self.slowest.kept
    }

    pub(crate) fn clear(&mut self) {
        self.slowest = Slowest {
            kept: std::mem::take(&mut self.slowest.kept),
            ..Slowest::default()
        };
        self.slowest.kept.clear();
    }

    pub(crate) fn take(&mut self) -> Vec<Timed> {
        std::mem::take(&mut self.slowest).kept
    }
}

/// The slowest, in no order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slowest {
    kept: Vec<Timed>,
    /// What did not take longer is not kept: the least time of those kept, once they are [`Timed::MOST`].
    threshold: Duration,
}

impl Slowest {
    #[inline]
    pub(crate) fn add_with(&mut self, took: Duration, items: impl FnOnce() -> Range<usize>) {
        if took > self.threshold || self.kept.len() < Timed::MOST {
            self.add(Timed::new(items(), took));
        }
    }

    fn add(&mut self, timed: Timed) {
        if self.kept.len() < Timed::MOST {
            self.kept.push(timed);
        } else if let Some(least) = self.kept.iter_mut().min_by_key(|kept| kept.took()) {
            *least = timed;
        }
        if self.kept.len() == Timed::MOST {
            let least = self.kept.iter().map(Timed::took).min();
            self.threshold = least.unwrap_or_default();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The slowest first; equal ones in the order of their items.
    pub(crate) fn sorted(&self) -> Vec<Timed> {
        let mut sorted = self.kept.clone();
        sorted.sort_by_key(|timed| (std::cmp::Reverse(timed.took()), timed.items().start));
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_slowest_are_kept_whatever_their_order() {
        // 0..37 steps through all numbers below 37 in a scrambled order.
        for step in [1, 5, 8, 36] {
            let mut slowest = Slowest::default();
            for i in 0..37_u64 {
                let took = i * step % 37;
                let at = usize::try_from(took).expect("small");
                slowest.add_with(Duration::from_micros(took), || at..at + 1);
            }
            let kept: Vec<_> = slowest.sorted().iter().map(|t| t.items().start).collect();
            assert_eq!(kept, (27..37).rev().collect::<Vec<_>>(), "step {step}");
        }
    }
}
