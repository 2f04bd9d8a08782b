//! Items that travel: one by one, with the chunk they are in. On the far side they lie in a structure
//! that lends what the near one lends.

use crate::items::{Items, Lend, SliceChunks, Zip, sealed::Walk};
use crate::panics::quietly;
use crate::portable::{CodecError, Portable, is_plain};
use crate::wire::{FrameReader, FrameWriter, is_fixed};
use std::ops::Range;

/// Items that can be sent to another process, one by one.
///
/// Slices, vectors and arrays of [`Portable`] types are, and ranges (of which nothing is sent),
/// [`chunks`](crate::chunks) and [`zip`](crate::zip)s of those. Items of a type that borrows (`&[&str]`) are not: send the
/// owned type (`&[String]`), or hand the whole over by [`shared`](crate::Over::shared) and run over indices.
///
/// ```
/// use partools_core::wire::FrameWriter;
/// use partools_core::{CodecError, Items, Lend, Loopback, PortableItems, over};
/// use std::collections::VecDeque;
///
/// /// Items of a structure of one's own, which are a vector's on the far side.
/// struct Queue(VecDeque<f64>);
/// impl<'a> Lend<'a> for Queue {
///     type Item = &'a f64;
/// }
/// impl Items for Queue {
///     fn count(&self) -> usize { self.0.len() }
///     fn at(&self, index: usize) -> &f64 { &self.0[index] }
/// }
/// impl PortableItems for Queue {
///     type Head = ();
///     type Far = Vec<f64>;
///     fn head(&self) {}
///     fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
///         out.value(&self.0[index])
///     }
/// }
/// assert_eq!(over(Queue([1.0, 2.5].into())).map(|x| x * 2.0).run(&Loopback)?, [2.0, 5.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "items of type `{Self}` cannot be sent to another process",
    note = "slices of owned serde types can (`&[String]` rather than `&[&str]`), and ranges: run over indices, and \
            hand what they point into over by `.shared(..)`"
)]
pub trait PortableItems: Items {
    /// What the far side must know once: the start of a range. `()` for most.
    type Head: Portable + Clone;
    /// The items of a chunk on the far side; they lend what these lend.
    type Far: FarItems<Head = Self::Head>;

    /// What the far side must know once.
    fn head(&self) -> Self::Head;

    /// Appends the item at `index`; nothing where [`Far::SENT`](FarItems::SENT) is false.
    ///
    /// # Errors
    /// Where it cannot be sent.
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError>;
}

/// The items of a chunk on the far side, taken one by one.
///
/// ```
/// # use partools_core::wire::{FrameReader, FrameWriter};
/// # use partools_core::{Chunks, CodecError, FarItems, Items, Lend, Loopback, PortableItems, over};
/// # use std::ops::Range;
/// /// Items that are made of their index and a step: the step is sent once, and nothing with an item.
/// struct Steps { step: usize, indices: Range<usize> }
/// # impl Lend<'_> for Steps { type Item = usize; }
/// # impl Items for Steps {
/// #     fn count(&self) -> usize { self.indices.len() }
/// #     fn at(&self, index: usize) -> usize { (self.indices.start + index) * self.step }
/// # }
/// # impl PortableItems for Steps {
/// #     type Head = usize;
/// #     type Far = Steps;
/// #     fn head(&self) -> usize { self.step }
/// #     fn pack_item(&self, _: usize, _: &mut FrameWriter) -> Result<(), CodecError> { Ok(()) }
/// # }
/// impl FarItems for Steps {
///     type Head = usize;
///     const SENT: bool = false;
///     fn dealt(step: &usize, range: Range<usize>) -> Self {
///         Steps { step: *step, indices: range }
///     }
///     fn take_item(&mut self, _: &mut FrameReader<'_>) -> Result<(), CodecError> {
///         Ok(())
///     }
/// }
/// let job = over(Steps { step: 5, indices: 0..4 }).chunk(Chunks::of(2)).map(|x| x + 1);
/// assert_eq!(job.run(&Loopback)?, [1, 6, 11, 16]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait FarItems: Items {
    /// As of [`PortableItems`].
    type Head: Portable + Clone;
    /// Is anything sent for an item?
    const SENT: bool;

    /// The items of `range`: all of them where nothing is sent, none yet where they are.
    fn dealt(head: &Self::Head, range: Range<usize>) -> Self;

    /// Is each item plain data of one size ([`is_plain`](crate::is_plain), and no vector)? Then items are sent without lengths
    /// between them, and [`take_item`](Self::take_item) takes just what was written for one.
    #[must_use]
    fn are_plain() -> bool {
        false
    }

    /// Takes the next item.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn take_item(&mut self, from: &mut FrameReader<'_>) -> Result<(), CodecError>;

    /// Drops the items; what panics in their `Drop` does not unwind, nor keep others from being dropped.
    #[doc(hidden)]
    fn bury(self)
    where
        Self: Sized,
    {
        quietly(|| drop(self));
    }
}

/// Drops values one by one: where two of a vector's panic in their `Drop`, the process would be aborted.
fn bury<T>(values: Vec<T>) {
    if std::mem::needs_drop::<T>() {
        for value in values {
            quietly(|| drop(value));
        }
    }
}

/// Of slices, by a way to reach them.
macro_rules! slice_items {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> PortableItems for $type {
            type Head = ();
            type Far = Vec<T>;
            fn head(&self) {}
            fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
                out.value(&self[index])
            }
        }
    )*};
}
slice_items!(
    [T: Portable] &[T],
    [T: Portable] &Vec<T>,
    [T: Portable] Vec<T>,
    [T: Portable, const N: usize] &[T; N],
    [T: Portable, const N: usize] [T; N],
);

impl<T: Portable> FarItems for Vec<T> {
    type Head = ();
    const SENT: bool = true;
    fn dealt((): &(), _: Range<usize>) -> Self {
        Vec::new()
    }
    fn are_plain() -> bool {
        is_fixed::<T>(is_plain::<T>())
    }
    fn take_item(&mut self, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        self.push(from.value()?);
        Ok(())
    }
    fn bury(self) {
        bury(self);
    }
}

impl PortableItems for Range<usize> {
    type Head = usize;
    type Far = FarRange;
    fn head(&self) -> usize {
        self.start
    }
    fn pack_item(&self, _: usize, _: &mut FrameWriter) -> Result<(), CodecError> {
        Ok(())
    }
}

/// A range on the far side: nothing is sent, the index is all.
///
/// ```
/// use partools_core::{FarItems, FarRange, Items};
/// let chunk = FarRange::dealt(&100, 3..5); // items 3 and 4 of a range that begins at 100
/// assert_eq!([chunk.at(0), chunk.at(1)], [103, 104]);
/// ```
#[derive(Debug, Clone)]
pub struct FarRange(Range<usize>);

impl Lend<'_> for FarRange {
    type Item = usize;
}
impl Items for FarRange {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn at(&self, index: usize) -> usize {
        Items::at(&self.0, index)
    }
    #[inline(always)]
    fn each<F>(&self, range: Range<usize>, f: F, walk: Walk)
    where
        F: FnMut(usize),
    {
        self.0.each(range, f, walk);
    }
}
impl FarItems for FarRange {
    type Head = usize;
    const SENT: bool = false;
    fn dealt(start: &usize, range: Range<usize>) -> Self {
        FarRange(start.saturating_add(range.start)..start.saturating_add(range.end))
    }
    fn are_plain() -> bool {
        true
    }
    fn take_item(&mut self, _: &mut FrameReader<'_>) -> Result<(), CodecError> {
        Ok(())
    }
}

impl<T: Portable> PortableItems for SliceChunks<'_, T> {
    type Head = ();
    type Far = FarPieces<T>;
    fn head(&self) {}
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        out.slice(Items::at(self, index))
    }
}

/// Pieces of a slice on the far side, a vector each.
///
/// ```
/// use partools_core::wire::{FrameReader, FrameWriter};
/// use partools_core::{FarItems, FarPieces, Items, PortableItems, chunks};
///
/// let (near, mut sent) = (chunks(&[1, 2, 3, 4, 5], 2), FrameWriter::new());
/// near.pack_item(2, &mut sent)?;
/// let mut far = FarPieces::<i32>::dealt(&(), 2..3);
/// far.take_item(&mut FrameReader::new(sent.as_bytes()))?;
/// assert_eq!(far.at(0), [5]); // the last piece
/// # Ok::<(), partools_core::CodecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FarPieces<T>(Vec<Vec<T>>);

impl<'a, T> Lend<'a> for FarPieces<T> {
    type Item = &'a [T];
}
impl<T> Items for FarPieces<T> {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn at(&self, index: usize) -> &[T] {
        &self.0[index]
    }
}
impl<T: Portable> FarItems for FarPieces<T> {
    type Head = ();
    const SENT: bool = true;
    fn dealt((): &(), _: Range<usize>) -> Self {
        FarPieces(Vec::new())
    }
    fn take_item(&mut self, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        self.0.push(from.slice()?);
        Ok(())
    }
    fn bury(self) {
        if std::mem::needs_drop::<T>() {
            self.0.into_iter().for_each(bury);
        }
    }
}

impl<A: PortableItems, B: PortableItems> PortableItems for Zip<A, B> {
    type Head = (A::Head, B::Head);
    type Far = Zip<A::Far, B::Far>;
    fn head(&self) -> Self::Head {
        (self.0.head(), self.1.head())
    }
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        self.0.pack_item(index, out)?;
        self.1.pack_item(index, out)
    }
}
impl<A: FarItems, B: FarItems> FarItems for Zip<A, B> {
    type Head = (A::Head, B::Head);
    const SENT: bool = A::SENT || B::SENT;
    fn dealt((a, b): &Self::Head, range: Range<usize>) -> Self {
        Zip(A::dealt(a, range.clone()), B::dealt(b, range))
    }
    fn are_plain() -> bool {
        A::are_plain() && B::are_plain()
    }
    fn take_item(&mut self, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        self.0.take_item(from)?;
        self.1.take_item(from)
    }
    fn bury(self) {
        self.0.bury();
        self.1.bury();
    }
}
