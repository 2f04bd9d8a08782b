//! A fold as a task: its items are blocks of another task's items, its output is a block's accumulator. So a fold runs on
//! every executor that maps, and only accumulators cross borders.
//!
//! ```text
//! items    0 1 2 3 | 4 5 6 7 | 8 9        blocks depend on the number of items alone
//! worker   fold f  | fold f  | fold f     each from `init()`, in item order
//! caller   combine(combine(a, b), c)      in block order
//! ```

use crate::blame;
use crate::kernel::{Kernel, PortableKernel};
use crate::portable::CodecError;
use crate::remote::PortableTask;
use crate::shared_arg::{Attach, Layout};
use crate::state::StartError;
use crate::task::{Span, Task};
use crate::wire::{FrameReader, FrameWriter, WireError};
use crate::writer::{Encode, Told, Writer};
use std::cell::Cell;
use std::ops::Range;

/// So many blocks has a fold, where it has so many items.
const BLOCKS: usize = 1024;

/// A task whose items are blocks of the items of `T`, and whose outputs are their accumulators, made by the [`Kernel`] `K`.
/// [`Job::fold`](crate::Job::fold) and [`Job::fold_by`](crate::Job::fold_by) make it.
///
/// ```
/// use partools_core::{Error, Executor, Folded, Job, Kernel, Serial, Task, over};
///
/// #[derive(Clone, Copy)]
/// struct Sum;
/// impl Kernel<f64> for Sum {
///     type Value = f64;
///     fn init(&self) -> f64 { 0.0 }
///     fn fold(&self, sum: f64, output: f64) -> f64 { sum + output }
/// }
/// /// Its name is for a function over executors: what they must run is the folded task.
/// fn total<T, E>(job: &Job<T>, on: &E) -> Result<f64, Error>
/// where
///     T: Task<Output = f64>,
///     E: for<'t> Executor<Folded<&'t T, Sum>>,
/// {
///     job.fold_by(on, Sum, |left, right| left + right)
/// }
/// assert_eq!(total(&over(0..4).map(|i| i as f64), &Serial)?, 6.0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Folded<T, K> {
    pub(crate) task: T,
    pub(crate) kernel: K,
    /// The items of `task` that are folded.
    items: Range<usize>,
    /// Items in a block; the last one may have fewer.
    block: usize,
}

impl<T, K> Folded<T, K> {
    /// All `count` items of `task`, in blocks whose size depends on `count` alone.
    pub(crate) fn all(task: T, count: usize, kernel: K) -> Self {
        let block = count.div_ceil(BLOCKS).max(1);
        Self::of(task, 0..count, block, kernel)
    }

    pub(crate) fn of(task: T, items: Range<usize>, block: usize, kernel: K) -> Self {
        Folded {
            task,
            kernel,
            items,
            block,
        }
    }

    /// Items in a block.
    pub(crate) fn block(&self) -> usize {
        self.block
    }

    pub(crate) fn blocks(&self) -> usize {
        self.items.len().div_ceil(self.block)
    }

    /// The items of the blocks of `range`.
    pub(crate) fn items_of(&self, blocks: Range<usize>) -> Range<usize> {
        let at = |block: usize| {
            let offset = block.saturating_mul(self.block).min(self.items.len());
            self.items.start + offset
        };
        at(blocks.start)..at(blocks.end)
    }
}

impl<T: Task, K: Kernel<T::Output>> Task for Folded<T, K> {
    type State = T::State;
    type Output = K::Value;

    fn count(&self) -> usize {
        self.blocks()
    }
    fn start(&self, worker: usize) -> Result<T::State, StartError> {
        self.task.start(worker)
    }
    fn call_chunk(&self, state: &mut T::State, span: &Span, out: &mut Writer<'_, K::Value>) {
        for block in span.range() {
            let items = self.items_of(block..block + 1);
            let next = Cell::new(items.start);
            let _blame = blame::OnUnwind(&next);
            let mut folding = Folding {
                kernel: &self.kernel,
                accumulator: Some(self.kernel.init()),
                next: &next,
            };
            // A block is tried again as a whole, and then each of its items is at that attempt.
            let (pieces, attempt) = match block == span.range().start {
                true if span.attempt() > 0 => (1, span.attempt()),
                _ => (items.len(), 0),
            };
            for start in items.clone().step_by(pieces) {
                let piece = Span {
                    range: start..items.end.min(start.saturating_add(pieces)),
                    attempt,
                    ..span.clone()
                };
                if !folding.call(&self.task, state, &piece, out) {
                    return;
                }
            }
            match folding.accumulator {
                Some(accumulator) => out.push(accumulator),
                None => return,
            }
        }
    }
    fn label(&self, block: usize) -> Option<String> {
        let items = self.items_of(block..block + 1);
        match items.len() {
            0 | 1 => self.task.label(items.start),
            _ => Some(format!("one of the items {}..{}", items.start, items.end)),
        }
    }
}

/// A block under way: takes each item's output.
struct Folding<'f, K, A> {
    kernel: &'f K,
    /// `None` only while the kernel has it.
    accumulator: Option<A>,
    /// The item whose output comes next.
    next: &'f Cell<usize>,
}

impl<K, A> Folding<'_, K, A> {
    /// Calls the items of `piece`. False where the task returned without an output for each.
    fn call<T>(&mut self, task: &T, state: &mut T::State, piece: &Span, out: &Writer<'_, A>) -> bool
    where
        T: Task,
        K: Kernel<T::Output, Value = A>,
    {
        let told = Cell::new(Told::default());
        let mut inner = Writer::encoder(self, piece.range.len(), &told);
        task.call_chunk(state, piece, &mut inner);
        drop(inner);
        let Told { filled, overfull } = told.get();
        if overfull {
            out.note_overfull();
        }
        filled == piece.range.len()
    }
}

impl<O, K: Kernel<O>> Encode<O> for Folding<'_, K, K::Value> {
    #[inline]
    fn push(&mut self, output: O) {
        if let Some(accumulator) = self.accumulator.take() {
            self.accumulator = Some(self.kernel.fold(accumulator, output));
        }
        self.next.set(self.next.get() + 1);
    }
}

impl<T: PortableTask, K: PortableKernel<T::Output>> PortableTask for Folded<T, K> {
    type Far<'m> = Folded<T::Far<'m>, K>;
    const DEALT: bool = T::DEALT;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.value(&(self.items.start, self.items.end, self.block))?;
        self.kernel.lay(out)?;
        self.task.pack(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        let (start, end, block) = from.value()?;
        if start > end || block == 0 {
            return Err(WireError::new("a fold whose blocks make no sense"));
        }
        let kernel = K::attach(from)?;
        Ok(Folded::of(T::unpack(from)?, start..end, block, kernel))
    }
    /// A block is its items, one by one.
    fn pack_item(&self, block: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        let mut item = FrameWriter::new();
        for index in self.items_of(block..block + 1) {
            item.clear();
            self.task.pack_item(index, &mut item)?;
            out.bytes(item.as_bytes());
        }
        Ok(())
    }
    fn deal(far: &mut Self::Far<'_>, blocks: Range<usize>) {
        let items = far.items_of(blocks);
        T::deal(&mut far.task, items);
    }
    fn take_item(far: &mut Self::Far<'_>, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        while !from.is_empty() {
            let mut item = FrameReader::new(from.bytes());
            T::take_item(&mut far.task, &mut item)?;
            if item.check().is_err() || !item.is_empty() {
                from.spoil();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_the_items_once_and_depend_on_their_number_alone() {
        let counts = (0..40).chain([1023, 1024, 1025, 2048, 2049, 1_000_003, usize::MAX]);
        for count in counts {
            let folded = Folded::all((), count, ());
            let blocks = folded.blocks();
            assert!(blocks <= BLOCKS && (count < BLOCKS || blocks > BLOCKS / 2));
            assert_eq!(folded.items_of(0..blocks), 0..count);
            let mut end = 0;
            for block in 0..blocks {
                let items = folded.items_of(block..block + 1);
                assert!(items.start == end && !items.is_empty());
                end = items.end;
            }
            assert_eq!(end, count);
        }
    }
}
