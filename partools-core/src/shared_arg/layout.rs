//! The near side: where the parts of a task lie, and the values that go with them.

use crate::portable::Portable;
use crate::remote::{Remote, identity};
use crate::wire::{FrameWriter, WireError};
use bytemuck::Pod;

/// What a task or a shared argument is made of: pieces of plain memory, borrowed where they lie, and
/// values, encoded.
///
/// ```
/// # use partools_core::wire::WireError;
/// # use partools_core::{Attach, Job, Layout, Loopback, PortableTask, Span, StartError, Task, Writer};
/// # struct Scaled<'t> { rows: &'t [f64], factor: f64 }
/// # impl Task for Scaled<'_> {
/// #     type State = ();
/// #     type Output = f64;
/// #     fn count(&self) -> usize { self.rows.len() }
/// #     fn start(&self, _: usize) -> Result<(), StartError> { Ok(()) }
/// #     fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, f64>) {
/// #         for row in &self.rows[span.range()] { out.push(row * self.factor); }
/// #     }
/// # }
/// # impl PortableTask for Scaled<'_> {
/// # type Far<'m> = Scaled<'m>;
/// fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
///     out.slice(self.rows); // not copied here
///     out.value(&self.factor)
/// }
/// # fn unpack<'m>(from: &mut Attach<'m>) -> Result<Scaled<'m>, WireError> {
/// #     Ok(Scaled { rows: from.slice()?, factor: from.value()? })
/// # }
/// # }
/// let task = Scaled { rows: &[1.0, 2.0], factor: 0.5 };
/// assert_eq!(Job::new(task).run(&Loopback)?, [0.5, 1.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Layout<'m> {
    pub(crate) pieces: Vec<Piece<'m>>,
    pub(crate) values: FrameWriter,
    /// Apart from the values, so that none of those can pass for one.
    pub(crate) functions: FrameWriter,
}

/// A piece of memory: elements of one plain type.
#[derive(Debug)]
pub struct Piece<'m> {
    bytes: Bytes<'m>,
    pub(crate) size: u32,
    pub(crate) align: u32,
}

#[derive(Debug)]
enum Bytes<'m> {
    Lent(&'m [u8]),
    Owned(Vec<u8>),
}

impl Piece<'_> {
    /// Its memory, where it lies now.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Lent(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }

    /// What its elements are aligned to, in bytes.
    #[must_use]
    pub fn align(&self) -> usize {
        self.align as usize
    }
}

impl<'m> Layout<'m> {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Elements as they lie. They are not copied here: the executor maps them where it can, or copies
    /// them once. Elements of no size do not compile: their bytes could not be counted.
    pub fn slice<T: Pod>(&mut self, slice: &'m [T]) {
        self.piece::<T>(Bytes::Lent(bytemuck::cast_slice(slice)));
    }

    /// Elements that do not lie in a row where they are, gathered: a slice that does not live long enough, or any
    /// iterator over references.
    pub fn gathered<'e, T: Pod>(&mut self, elements: impl IntoIterator<Item = &'e T>) {
        let elements = elements.into_iter();
        let mut bytes = Vec::with_capacity(elements.size_hint().0.saturating_mul(size_of::<T>()));
        for element in elements {
            bytes.extend_from_slice(bytemuck::bytes_of(element));
        }
        self.piece::<T>(Bytes::Owned(bytes));
    }

    fn piece<T: Pod>(&mut self, bytes: Bytes<'m>) {
        const {
            assert!(
                size_of::<T>() > 0,
                "elements of no size cannot be counted by their bytes"
            )
        };
        const { assert!(size_of::<T>() <= u32::MAX as usize) };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "asserted above; an alignment is at most the size"
        )]
        self.pieces.push(Piece {
            bytes,
            size: size_of::<T>() as u32,
            align: align_of::<T>() as u32,
        });
    }

    /// A function: nothing of it is sent but the identity of its type, by which the far side knows that there is one.
    pub fn function<F: Remote>(&mut self, _: &F) {
        self.functions.bytes(identity::<F>().as_bytes());
    }

    /// A value that serde can carry; for what is small.
    ///
    /// # Errors
    /// Where it cannot be encoded.
    pub fn value<V: Portable>(&mut self, value: &V) -> Result<(), WireError> {
        Ok(self.values.value(value)?)
    }
}
