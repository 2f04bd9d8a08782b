//! The far side's items: those of one chunk, known by the indices that they have in the whole.

use super::items::FarItems;
use crate::items::{ItemOf, Items, Lend, sealed::Walk};
use crate::panics::{catch, quietly};
use crate::portable::CodecError;
use crate::wire::FrameReader;
use std::ops::Range;

/// The items of one chunk, by their indices in the whole.
///
/// ```
/// use partools_core::{Chunks, Loopback, over};
/// // The second chunk holds two items there; that they are items 2 and 3 is what this is for.
/// let job = over(&[10, 20, 30, 40]).chunk(Chunks::of(2)).map_cx(|item, cx| (cx.index, *item));
/// assert_eq!(job.run(&Loopback)?, [(0, 10), (1, 20), (2, 30), (3, 40)]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Dealt<Y: FarItems> {
    head: Y::Head,
    count: usize,
    first: usize,
    items: Y,
}

impl<Y: FarItems> Dealt<Y> {
    pub(super) fn new(head: Y::Head, count: usize) -> Self {
        Dealt {
            items: Y::dealt(&head, 0..0),
            head,
            count,
            first: 0,
        }
    }

    pub(super) fn deal(&mut self, range: Range<usize>) {
        // Should it panic, all is as it was.
        let dealt = Y::dealt(&self.head, range.clone());
        let before = std::mem::replace(&mut self.items, dealt);
        self.first = range.start;
        quietly(|| before.bury());
    }

    pub(super) fn take_item(&mut self, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        self.items.take_item(from)
    }
}

/// The last chunk's items are dropped as those before were.
impl<Y: FarItems> Drop for Dealt<Y> {
    fn drop(&mut self) {
        if let Ok(nothing) = catch(|| Y::dealt(&self.head, 0..0)) {
            let last = std::mem::replace(&mut self.items, nothing);
            quietly(|| last.bury());
        }
    }
}

impl<'a, Y: FarItems> Lend<'a> for Dealt<Y> {
    type Item = ItemOf<'a, Y>;
}

impl<Y: FarItems> Items for Dealt<Y> {
    fn count(&self) -> usize {
        self.count
    }
    fn at(&self, index: usize) -> ItemOf<'_, Y> {
        self.items.at(index - self.first)
    }
    #[inline(always)]
    fn each<F>(&self, range: Range<usize>, f: F, walk: Walk)
    where
        F: FnMut(ItemOf<'_, Self>),
    {
        self.items
            .each(range.start - self.first..range.end - self.first, f, walk);
    }
}
