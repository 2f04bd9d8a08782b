//! Which items a run takes, and in which order: all of them as they lie, unless the plan says otherwise.
//!
//! ```text
//!   place   0  1  2  3    what is handed out: chunks, claims, slots, borders and bounds count places
//!   item    7  2  9  4    what is called: tasks, users, errors and generators know items
//! ```
//!
//! The worker loop leads from place to item when it calls; whatever leaves a run is led back. So a task needs to know nothing
//! of it, and every executor that runs a map runs it in any order. Invariant: no item has two places.

use std::sync::Arc;

/// The item at each place of a run.
#[derive(Debug, Clone)]
pub(crate) struct Order(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How many items the task has.
    total: usize,
    /// The first place that is known here. Not 0 for the worker elsewhere that is told of a chunk.
    first: usize,
    items: Box<[usize]>,
    /// For each place: how many places are needed once its item has failed (C7). `None` where items ascend, so that it is
    /// those up to it.
    needed: Option<Box<[usize]>>,
}

impl Order {
    /// These items of a task that has `total`; no item twice.
    pub(crate) fn new(total: usize, items: Vec<usize>) -> Self {
        let needed = (!items.is_sorted()).then(|| {
            let mut places: Vec<usize> = (0..items.len()).collect();
            places.sort_unstable_by_key(|&place| items[place]);
            let mut needed = vec![0; items.len()];
            let mut behind = 0;
            for place in places {
                behind = behind.max(place + 1);
                needed[place] = behind;
            }
            needed.into_boxed_slice()
        });
        Order(Arc::new(Inner {
            total,
            first: 0,
            items: items.into_boxed_slice(),
            needed,
        }))
    }

    /// All items, those that cost most first; where costs are equal, as they lie.
    pub(crate) fn longest_first<C: Ord>(costs: &[C]) -> Self {
        let mut items: Vec<usize> = (0..costs.len()).collect();
        items.sort_by(|&a, &b| costs[b].cmp(&costs[a]));
        Self::new(costs.len(), items)
    }

    /// The items of a chunk that begins at `first`, on the far side of a border.
    pub(crate) fn of_chunk(total: usize, first: usize, items: Vec<usize>) -> Self {
        Order(Arc::new(Inner {
            total,
            first,
            items: items.into_boxed_slice(),
            needed: None,
        }))
    }

    /// Those of them that `wanted` says, in the same order.
    pub(crate) fn only(&self, wanted: impl Fn(&usize) -> bool) -> Self {
        let items = self.0.items.iter().copied();
        Self::new(self.0.total, items.filter(wanted).collect())
    }

    /// How many items the task has that they were picked from.
    pub(crate) fn total(&self) -> usize {
        self.0.total
    }

    /// How many places there are.
    pub(crate) fn count(&self) -> usize {
        self.0.items.len()
    }

    /// Is the order another one than that of the items?
    pub(crate) fn reorder(&self) -> bool {
        self.0.needed.is_some()
    }

    /// The items, place by place.
    pub(crate) fn items(&self) -> &[usize] {
        &self.0.items
    }

    /// The item at `place`.
    #[inline]
    pub(crate) fn item(&self, place: usize) -> usize {
        self.0.items[place - self.0.first]
    }

    /// The item at `place`, and how many of the next `most` places have the items that follow it; at least 1.
    pub(crate) fn row(&self, place: usize, most: usize) -> (usize, usize) {
        let items = &self.0.items[place - self.0.first..];
        let in_row = |&(behind, &item): &(usize, &usize)| item == items[0] + behind;
        let len = items.iter().enumerate().take(most).take_while(in_row);
        (items[0], len.count())
    }

    /// How many places are needed where the item at `place` has failed and stops those above it.
    pub(crate) fn needed_with(&self, place: usize) -> usize {
        match &self.0.needed {
            Some(needed) => needed[place],
            None => place + 1,
        }
    }

    /// Puts what came of each place where its item is. For all items.
    pub(crate) fn put_back<V>(&self, values: &mut [V]) {
        debug_assert_eq!(self.0.total, values.len());
        if !self.reorder() {
            return;
        }
        let mut to = self.0.items.to_vec();
        for place in 0..to.len() {
            while to[place] != place {
                let home = to[place];
                values.swap(place, home);
                to.swap(place, home);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every order of so many things.
    fn orders(count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![Vec::new()];
        }
        let shorter = orders(count - 1).into_iter();
        let longer = shorter.flat_map(|order| {
            (0..count).map(move |at| {
                let mut order = order.clone();
                order.insert(at, count - 1);
                order
            })
        });
        longer.collect()
    }

    #[test]
    fn the_places_needed_are_those_up_to_the_last_item_below_for_every_small_order() {
        for count in 0..6 {
            for order in orders(count) {
                let places = Order::new(count, order.clone());
                for place in 0..count {
                    let below = (0..count).filter(|&p| order[p] <= order[place]);
                    let expected = below.max().map_or(0, |p| p + 1);
                    assert_eq!(places.needed_with(place), expected, "{order:?} at {place}");
                }
            }
        }
    }

    #[test]
    fn what_is_put_back_is_in_item_order_for_every_small_order() {
        for count in 0..6 {
            for order in orders(count) {
                let mut values = order.clone();
                Order::new(count, order).put_back(&mut values);
                assert!(values.into_iter().eq(0..count));
            }
        }
    }

    #[test]
    fn rows_are_items_that_follow_one_another() {
        let places = Order::new(20, vec![3, 4, 5, 9, 10, 2]);
        let rows: Vec<_> = (0..6).map(|place| places.row(place, 2)).collect();
        assert_eq!(rows, [(3, 2), (4, 2), (5, 1), (9, 2), (10, 1), (2, 1)]);
        assert_eq!(places.row(0, 9), (3, 3));
    }

    #[test]
    fn equal_costs_keep_the_order_of_the_items() {
        assert_eq!(
            Order::longest_first(&[1, 5, 1, 7, 5]).items(),
            [3, 1, 4, 0, 2]
        );
    }
}
