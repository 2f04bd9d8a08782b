//! The far side: the same parts, found in mapped memory. Nothing that is read here is trusted.

use crate::portable::Portable;
use crate::remote::{Remote, conjure, identity};
use crate::wire::{FrameReader, Head, Place, WireError};
use bytemuck::Pod;

/// What a [`Layout`](super::Layout) laid out, found again: asked for in the same order.
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
/// # fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
/// #     out.slice(self.rows); // not copied here
/// #     out.value(&self.factor)
/// # }
/// fn unpack<'m>(from: &mut Attach<'m>) -> Result<Scaled<'m>, WireError> {
///     Ok(Scaled { rows: from.slice()?, factor: from.value()? })
/// }
/// # }
/// let task = Scaled { rows: &[1.0, 2.0], factor: 0.5 };
/// assert_eq!(Job::new(task).run(&Loopback)?, [0.5, 1.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Attach<'m> {
    segments: &'m [&'m [u8]],
    places: std::vec::IntoIter<Place>,
    functions: FrameReader<'m>,
    values: FrameReader<'m>,
}

impl<'m> Attach<'m> {
    /// The core's own: what is attached leads to functions being conjured.
    pub(crate) fn new(segments: &'m [&'m [u8]], head: Head<'m>) -> Self {
        Attach {
            segments,
            places: head.places.into_iter(),
            functions: FrameReader::new(head.functions),
            values: FrameReader::new(head.values),
        }
    }

    /// The next piece.
    ///
    /// # Errors
    /// Where there is none, or it has elements of another size or alignment, or lies outside its segment.
    pub fn slice<T: Pod>(&mut self) -> Result<&'m [T], WireError> {
        const {
            assert!(
                size_of::<T>() > 0,
                "elements of no size cannot be counted by their bytes"
            )
        };
        let place = self
            .places
            .next()
            .ok_or_else(|| WireError::new("fewer pieces of memory than its type has"))?;
        if place.size as usize != size_of::<T>() || place.align as usize != align_of::<T>() {
            return Err(WireError::new(format!(
                "a piece of elements of {} bytes, aligned to {}, where its type has {} and {}",
                place.size,
                place.align,
                size_of::<T>(),
                align_of::<T>()
            )));
        }
        let bytes = place.within(self.segments)?;
        if bytes.is_empty() {
            // Nothing has to be aligned; its segment may itself be empty, and lie anywhere.
            return Ok(&[]);
        }
        if bytes.as_ptr().align_offset(align_of::<T>()) != 0 {
            return Err(WireError::new(format!(
                "a piece at offset {} of segment {}, whose elements are aligned to {} bytes, and the segment begins \
                 where they are not; a segment must begin at a multiple of that",
                place.offset,
                place.segment,
                align_of::<T>()
            )));
        }
        bytemuck::try_cast_slice(bytes).map_err(|why| {
            WireError::new(format!(
                "a piece of {} bytes at offset {} of a segment cannot be elements of {} bytes: {why:?}",
                place.bytes,
                place.offset,
                size_of::<T>()
            ))
        })
    }

    /// The function that comes next, which [`Layout::function`](super::Layout::function) was given.
    ///
    /// # Errors
    /// Where it was another one.
    pub fn function<F: Remote>(&mut self) -> Result<F, WireError> {
        let (named, name) = (self.functions.bytes(), std::any::type_name::<F>());
        self.functions.check()?;
        if named != identity::<F>().as_bytes() {
            return Err(WireError::new(format!(
                "another function where there should be {name}"
            )));
        }
        Ok(conjure())
    }

    /// The next value.
    ///
    /// # Errors
    /// Where there is none, or it is of another type.
    pub fn value<V: Portable>(&mut self) -> Result<V, WireError> {
        let value = self.values.value();
        self.values.check()?;
        Ok(value?)
    }

    /// Is all used up?
    pub(crate) fn finish(&self) -> Result<(), WireError> {
        self.values.check()?;
        if self.places.len() > 0 || !self.values.is_empty() || !self.functions.is_empty() {
            return Err(WireError::new(
                "more pieces, values or functions than its type has",
            ));
        }
        Ok(())
    }
}
