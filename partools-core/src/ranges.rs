//! A set of indices, kept as disjoint, merged ranges. It is how a run remembers what was handed out
//! and what is done: in order or out of order, a million chunks are a handful of ranges.

use std::collections::BTreeMap;
use std::ops::Range;

/// Start of each range, and its end. Invariant: no range is empty, none touches the next.
#[derive(Debug, Default)]
pub(crate) struct RangeSet(BTreeMap<usize, usize>);

impl RangeSet {
    /// Adds `range`; what it overlaps or touches is merged with it.
    pub(crate) fn insert(&mut self, range: Range<usize>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        while let Some((&s, &e)) = self.0.range(..=end).next_back() {
            if e < start {
                break;
            }
            self.0.remove(&s);
            start = start.min(s);
            end = end.max(e);
        }
        self.0.insert(start, end);
    }

    /// Does any index of `range` belong to the set?
    pub(crate) fn intersects(&self, range: &Range<usize>) -> bool {
        range.start < range.end
            && self
                .0
                .range(..range.end)
                .next_back()
                .is_some_and(|(_, &e)| e > range.start)
    }

    /// The end of the unbroken run of indices that begins at `from`; `from` itself where it is missing.
    pub(crate) fn reach(&self, from: usize) -> usize {
        match self.0.range(..=from).next_back() {
            Some((_, &e)) => e.max(from),
            None => from,
        }
    }

    /// Takes the first range out, as far as it lies below `limit`.
    pub(crate) fn take_first(&mut self, limit: usize) -> Option<Range<usize>> {
        let first = self.0.first_entry().filter(|first| *first.key() < limit)?;
        let (start, end) = first.remove_entry();
        if end > limit {
            self.0.insert(limit, end);
        }
        Some(start..end.min(limit))
    }

    /// Does any index below `limit` belong to the set?
    pub(crate) fn begins_below(&self, limit: usize) -> bool {
        self.0.first_key_value().is_some_and(|(&s, _)| s < limit)
    }

    /// The ranges within `0..count` that are not in the set, in order.
    pub(crate) fn gaps(&self, count: usize) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let mut at = 0;
        for (&s, &e) in &self.0 {
            if at < s.min(count) {
                gaps.push(at..s.min(count));
            }
            at = at.max(e);
        }
        if at < count {
            gaps.push(at..count);
        }
        gaps
    }

    /// The ranges of the set, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.0.iter().map(|(&s, &e)| s..e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sequence of up to four ranges within 0..6, against a plain array of flags.
    #[test]
    fn agrees_with_flags_for_every_small_case() {
        let ranges: Vec<Range<usize>> = (0..6).flat_map(|s| (s..=6).map(move |e| s..e)).collect();
        let n = ranges.len();
        for code in 0..n * n * n {
            let picks = [code % n, code / n % n, code / n / n];
            let (mut set, mut flags) = (RangeSet::default(), [false; 7]);
            for p in picks {
                let r = ranges[p].clone();
                let overlaps = r.clone().any(|i| flags[i]);
                assert_eq!(set.intersects(&r), overlaps, "{picks:?}");
                r.clone().for_each(|i| flags[i] = true);
                set.insert(r);
            }
            let held: Vec<usize> = set.iter().flatten().collect();
            let expected: Vec<usize> = (0..6).filter(|&i| flags[i]).collect();
            assert_eq!(held, expected);
            let free: Vec<usize> = set.gaps(6).into_iter().flatten().collect();
            assert_eq!(free, (0..6).filter(|&i| !flags[i]).collect::<Vec<_>>());
            for from in 0..6 {
                let reach = (from..6).find(|&i| !flags[i]).unwrap_or(6);
                assert_eq!(set.reach(from), reach);
            }
            for limit in 0..7 {
                let mut rest = RangeSet(set.0.clone());
                let first = rest.take_first(limit);
                assert_eq!(first.is_some(), set.begins_below(limit));
                let lowest = set.iter().next().filter(|r| r.start < limit);
                assert_eq!(first, lowest.map(|r| r.start..r.end.min(limit)));
                let taken = first.unwrap_or(0..0);
                let left: Vec<usize> = rest.iter().flatten().collect();
                let expected = expected.iter().filter(|i| !taken.contains(i));
                assert!(left.iter().eq(expected), "{picks:?} without {taken:?}");
            }
            assert!(
                set.iter()
                    .zip(set.iter().skip(1))
                    .all(|(a, b)| a.end < b.start),
                "unmerged"
            );
        }
    }

    #[test]
    fn works_at_the_end_of_usize() {
        let mut set = RangeSet::default();
        set.insert(usize::MAX - 1..usize::MAX);
        set.insert(0..usize::MAX - 1);
        assert_eq!(set.reach(0), usize::MAX);
        assert!(set.gaps(usize::MAX).is_empty());
    }
}
