//! `PortableTask`: how a task is taken apart here and put together there.

use crate::portable::CodecError;
use crate::shared_arg::{Attach, Layout};
use crate::task::Task;
use crate::wire::{FrameReader, FrameWriter, WireError};
use std::ops::Range;

/// A task that can be rebuilt in another process that runs the same executable.
///
/// The maps that [`over`](crate::over) makes are portable where their items are [`PortableItems`](crate::PortableItems), their
/// shared argument is a [`SharedArg`](crate::SharedArg), and closure and state constructor capture nothing
/// ([`Remote`](crate::Remote)). For a task of your own that serde can carry, three lines make it portable:
///
/// ```
/// use partools_core::{Job, Loopback, PortableTask, Span, StartError, Task, Writer};
/// use partools_core::wire::WireError;
/// use partools_core::{Attach, Layout};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Powers { base: u64, count: usize }
///
/// impl Task for Powers {
///     type State = ();
///     type Output = u64;
///     fn count(&self) -> usize { self.count }
///     fn start(&self, _worker: usize) -> Result<(), StartError> { Ok(()) }
///     fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, u64>) {
///         for index in span.range() {
///             out.push(self.base.pow(index as u32));
///         }
///     }
/// }
/// impl PortableTask for Powers {
///     type Far<'m> = Powers;
///     fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> { out.value(self) }
///     fn unpack<'m>(from: &mut Attach<'m>) -> Result<Powers, WireError> { from.value() }
/// }
/// assert_eq!(Job::new(Powers { base: 3, count: 4 }).run(&Loopback)?, [1, 3, 9, 27]);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// Items that are large are better not sent whole to everybody: set [`DEALT`](Self::DEALT), and each item
/// travels with the chunk it is in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be rebuilt in another process",
    note = "a task of your own says how: implement `PortableTask`, three lines where serde can carry it",
    note = "a map of `over(..)` is rebuilt where its items are portable (a range, or a slice of owned serde types), its \
            shared argument can be mapped (a slice, a `&str`, a struct with `#[derive(SharedArg)]`, or `Serialized`), and \
            its functions capture nothing",
    note = "Threads and Fork need none of this"
)]
pub trait PortableTask: Task {
    /// The task on the far side. It borrows what was attached there for `'m`.
    type Far<'m>: Task<Output = Self::Output>;

    /// Do the items travel with the chunk they are in ([`pack_item`](Self::pack_item)), rather than with
    /// the task?
    const DEALT: bool = false;

    /// What is sent once: large memory as pieces, the rest as values.
    ///
    /// # Errors
    /// Where a value cannot be sent.
    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError>;

    /// The far task, from what [`pack`](Self::pack) gave, asked for in the same order.
    ///
    /// # Errors
    /// Where it is not what `pack` gave.
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError>;

    /// Is each item that travels plain data of one size, so that it needs no length and is always readable? Then
    /// [`take_item`](Self::take_item) takes from among the others' just what [`pack_item`](Self::pack_item) wrote.
    #[must_use]
    fn items_are_plain() -> bool {
        false
    }

    /// Appends the item at `index`. Not called unless [`DEALT`](Self::DEALT).
    ///
    /// # Errors
    /// Where it cannot be sent; that item fails then.
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        let _ = (index, out);
        Ok(())
    }

    /// Items of `range` will be called now; those that `far` was dealt before will not be called again. Where
    /// items are [`DEALT`](Self::DEALT), they follow, one by one.
    fn deal(far: &mut Self::Far<'_>, range: Range<usize>) {
        let _ = (far, range);
    }

    /// Takes the next item, which [`pack_item`](Self::pack_item) wrote.
    ///
    /// # Errors
    /// Where it cannot be read; that item fails then.
    fn take_item(far: &mut Self::Far<'_>, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        let _ = (far, from);
        Ok(())
    }
}

impl<T: PortableTask + ?Sized> PortableTask for &T {
    type Far<'m> = T::Far<'m>;
    const DEALT: bool = T::DEALT;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        (**self).pack(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<T::Far<'m>, WireError> {
        T::unpack(from)
    }
    fn items_are_plain() -> bool {
        T::items_are_plain()
    }
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        (**self).pack_item(index, out)
    }
    fn deal(far: &mut T::Far<'_>, range: Range<usize>) {
        T::deal(far, range);
    }
    fn take_item(far: &mut T::Far<'_>, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        T::take_item(far, from)
    }
}
