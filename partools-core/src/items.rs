//! Items: what a map runs over. They are *lent*: a slice lends `&T`, a range its indices, `chunks` a
//! `&[T]`, a `zip` pairs. `Lend<'a>` carries the lifetime (a plain generic associated type with
//! `where Self: 'a` does not infer in closures), so no annotation is ever needed in user code.
//!
//! The loop walks a *range at a time* through [`Items::each`]: an index at a time costs four times as
//! much on cheap items. Nothing here is trusted: whatever a wrong `Items` does ends in an error.

use crate::stream::Sending;
use std::ops::Range;

/// What [`Items`] lend for the lifetime `'a`. The second parameter is never named: it says that `Self`
/// outlives `'a`.
///
/// ```
/// use partools_core::{Items, Lend, Serial, over};
///
/// /// Neighbours in a slice: each item is a piece that overlaps the next.
/// struct Pairs<'s>(&'s [f64]);
/// impl<'a> Lend<'a> for Pairs<'_> {
///     type Item = &'a [f64];
/// }
/// impl Items for Pairs<'_> {
///     fn count(&self) -> usize { self.0.len().saturating_sub(1) }
///     fn at(&self, index: usize) -> &[f64] { &self.0[index..index + 2] }
/// }
/// assert_eq!(over(Pairs(&[1.0, 4.0, 9.0])).map(|pair| pair[1] - pair[0]).run(&Serial)?, [3.0, 5.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait Lend<'a, Bound = &'a Self> {
    /// The item lent: a reference, a value, a tuple.
    type Item;
}

/// The item that `X` lends for `'a`.
///
/// ```
/// use partools_core::{Error, ItemOf, Items, Serial, over};
///
/// /// Whatever the items are: a function that takes a closure over them says so like this.
/// fn count_where<X: Items>(items: X, wanted: impl for<'a> Fn(ItemOf<'a, X>) -> bool) -> Result<usize, Error> {
///     Ok(over(items).map(wanted).run(&Serial)?.into_iter().filter(|&is| is).count())
/// }
/// assert_eq!(count_where(0..10, |i| i % 3 == 0)?, 4);
/// assert_eq!(count_where(&["a", "", "b"], |word| word.is_empty())?, 1);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub type ItemOf<'a, X> = <X as Lend<'a>>::Item;

/// Items by index. Implemented for slices, vectors, arrays, ranges of indices, [`chunks`] and [`zip`];
/// implement it for a structure of your own with `count` and `at`.
///
/// ```
/// use partools_core::{Items, Lend, Serial, over};
///
/// struct Squares(usize);
/// impl<'a> Lend<'a> for Squares {
///     type Item = usize;
/// }
/// impl Items for Squares {
///     fn count(&self) -> usize { self.0 }
///     fn at(&self, index: usize) -> usize { index * index }
/// }
/// assert_eq!(over(Squares(4)).map(|x| x + 1).run(&Serial)?, [1, 2, 5, 10]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait Items: for<'a> Lend<'a> {
    /// How many items there are. Read once, when a map starts.
    fn count(&self) -> usize;

    /// The item at `index`.
    ///
    /// # Panics
    /// May panic where `index` is not below [`count`](Self::count); the panic becomes that item's failure.
    fn at(&self, index: usize) -> ItemOf<'_, Self>;

    /// Calls `f` with each item of `range`, in order. Not to be overridden outside the core (its last
    /// parameter cannot be named there): a walk is [`at`](Self::at), index by index, unless we know a
    /// faster one.
    #[doc(hidden)]
    #[inline(always)]
    fn each<F>(&self, range: Range<usize>, mut f: F, _: sealed::Walk)
    where
        F: FnMut(ItemOf<'_, Self>),
    {
        for index in range {
            f(self.at(index));
        }
    }

    /// How they are sent to workers that outlive a run, where a stream asks for that. Not to be overridden outside the core.
    #[doc(hidden)]
    fn sending(&self) -> Option<&Sending<Self>>
    where
        Self: Sized,
    {
        None
    }
}

pub(crate) mod sealed {
    /// Proof that the caller of [`Items::each`](super::Items::each) is the core.
    #[derive(Debug, Clone, Copy)]
    pub struct Walk;
}

/// Items that lie in a slice, by a way to reach it.
macro_rules! slice_items {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<'a, $($generics)*> Lend<'a> for $type {
            type Item = &'a T;
        }
        impl<$($generics)*> Items for $type {
            #[inline]
            fn count(&self) -> usize {
                self.len()
            }
            #[inline]
            fn at(&self, index: usize) -> &T {
                &self[index]
            }
            #[inline(always)]
            fn each<F>(&self, range: Range<usize>, mut f: F, _: sealed::Walk)
            where
                F: FnMut(ItemOf<'_, Self>),
            {
                for item in &self[range] {
                    f(item);
                }
            }
        }
    )*};
}
slice_items!([T] &[T], [T] &Vec<T>, [T] Vec<T>, [T, const N: usize] &[T; N], [T, const N: usize] [T; N]);

/// Indices. Of `usize` alone: with ranges of other integers as items too, `over(0..n).map(|i| ..)` would
/// not infer the type of `i`.
impl<'a> Lend<'a> for Range<usize> {
    type Item = usize;
}
impl Items for Range<usize> {
    #[inline]
    fn count(&self) -> usize {
        self.len()
    }
    #[inline]
    fn at(&self, index: usize) -> usize {
        assert!(
            index < self.len(),
            "index {index} in a range of {} items",
            self.len()
        );
        self.start + index
    }
    #[inline(always)]
    fn each<F>(&self, range: Range<usize>, f: F, _: sealed::Walk)
    where
        F: FnMut(ItemOf<'_, Self>),
    {
        assert!(
            range.end <= self.len(),
            "items {range:?} in a range of {}",
            self.len()
        );
        (self.start + range.start..self.start + range.end).for_each(f);
    }
}

/// A slice in pieces of `size` elements, the last one shorter where it does not come out even.
/// Made by [`chunks`].
///
/// ```
/// use partools_core::{Items, SliceChunks, chunks};
///
/// struct Sections<'s> {
///     rows: SliceChunks<'s, f64>,
/// }
/// let rows = vec![0.0; 1050];
/// let sections = Sections { rows: chunks(&rows, 100) };
/// assert_eq!(sections.rows.count(), 11);
/// assert_eq!(sections.rows.at(10).len(), 50);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SliceChunks<'s, T> {
    slice: &'s [T],
    size: usize,
}

/// Items that are pieces of a slice: `size` elements each, the last one may be shorter.
///
/// ```
/// use partools_core::{Serial, chunks, over};
/// let sums = over(chunks(&[1, 2, 3, 4, 5], 2)).map(|c| c.iter().sum::<i32>()).run(&Serial)?;
/// assert_eq!(sums, [3, 7, 5]);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # Panics
/// Where `size` is zero.
#[must_use]
pub fn chunks<T>(slice: &[T], size: usize) -> SliceChunks<'_, T> {
    assert!(
        size > 0,
        "partools::chunks: the size of a piece is zero; pass at least 1"
    );
    SliceChunks { slice, size }
}

impl<'a, T> Lend<'a> for SliceChunks<'_, T> {
    type Item = &'a [T];
}
impl<T> Items for SliceChunks<'_, T> {
    #[inline]
    fn count(&self) -> usize {
        self.slice.len().div_ceil(self.size)
    }
    #[inline]
    fn at(&self, index: usize) -> &[T] {
        let start = index * self.size;
        &self.slice[start..self.slice.len().min(start.saturating_add(self.size))]
    }
}

/// Two kinds of items side by side. Made by [`zip`].
///
/// ```
/// use partools_core::{Items, Zip, zip};
/// let three: Zip<&[&str; 2], Zip<std::ops::Range<usize>, Vec<f64>>> = zip(&["a", "b"], zip(5..9, vec![0.5, 1.5, 2.5]));
/// assert_eq!(three.count(), 2); // as many as the shortest has
/// assert_eq!(three.at(1), (&"b", (6, &1.5)));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Zip<A, B>(pub(crate) A, pub(crate) B);

/// Pairs of the items of `a` and of `b`, as many as the shorter has.
///
/// ```
/// use partools_core::{Serial, over, zip};
/// let sums = over(zip(&[1, 2, 3], 10..13)).map(|(a, b)| a + b).run(&Serial)?;
/// assert_eq!(sums, [11, 13, 15]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[must_use]
pub fn zip<A: Items, B: Items>(a: A, b: B) -> Zip<A, B> {
    Zip(a, b)
}

impl<'a, A: Items, B: Items> Lend<'a> for Zip<A, B> {
    type Item = (ItemOf<'a, A>, ItemOf<'a, B>);
}
impl<A: Items, B: Items> Items for Zip<A, B> {
    #[inline]
    fn count(&self) -> usize {
        self.0.count().min(self.1.count())
    }
    #[inline]
    fn at(&self, index: usize) -> ItemOf<'_, Self> {
        (self.0.at(index), self.1.at(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<X: Items>(items: &X, range: Range<usize>) -> Vec<ItemOf<'_, X>>
    where
        for<'a> ItemOf<'a, X>: Clone,
    {
        // What the walk gives must be what `at` gives.
        range.map(|i| items.at(i)).collect()
    }

    #[test]
    fn chunks_cover_a_slice_for_every_small_length_and_size() {
        for len in 0..12 {
            let v: Vec<usize> = (0..len).collect();
            for size in 1..14 {
                let c = chunks(&v, size);
                let expected: Vec<&[usize]> = v.chunks(size).collect();
                assert_eq!(all(&c, 0..c.count()), expected);
            }
        }
    }

    #[test]
    fn a_walk_sees_what_at_sees() {
        let v = vec![3, 1, 4, 1, 5];
        let mut seen = Vec::new();
        v.each(1..4, |x| seen.push(*x), sealed::Walk);
        assert_eq!(seen, [1, 4, 1]);
        let mut seen = Vec::new();
        (10..20).each(2..5, |x| seen.push(x), sealed::Walk);
        assert_eq!(seen, [12, 13, 14]);
    }
}
