//! `Published`: a shared argument that is laid out once for several maps.
//!
//! ```text
//!   ipc.publish(&v) ── one copy, sealed; none where v lies in a sealed segment ──>  Published, borrows v
//!   .shared(&p), .shared(&p[..]), a field of a compound: &p  ── by its number ──>  each worker attaches it once, and keeps it
//!   drop(p) ──────────────────────────────────────────────────────────────────>  workers let go of it
//! ```

use crate::executor::Ipc;
use crate::freight::{look_for_room, no_memory};
use crate::pool::Pool;
use bytemuck::Pod;
use partools_core::wire::WireError;
use partools_core::{Attach, Error, Layout, SharedArg, ViewOf};
use partools_os::{Located, SharedVec, locate};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::slice;
use std::sync::{Arc, Weak};

/// A slice that is laid out once and shared by several maps. [`Ipc::publish`] makes one. It derefs to the slice, and borrows what
/// it was made from, so that this cannot change while workers see it.
///
/// `.shared(&p)` shares it, and so does each part of it, also as a field of a compound; on other executors, too.
/// The workers of the `Ipc` (and its clones) attach it when a map first needs it, and keep it until it is dropped.
pub struct Published<'v, T: Pod> {
    place: Place<'v, T>,
    _keep: Option<Keep>,
}

enum Place<'v, T: Pod> {
    Copied(SharedVec<T>),
    /// It is mapped already: here, in somebody else's segment; or on the far side.
    There(&'v [T]),
}

/// What is told when it is not needed any more.
struct Keep {
    pool: Weak<Pool>,
    id: u64,
    /// Keeps the file open, by whose descriptor the pool knows it.
    _located: Located,
}

impl Drop for Keep {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.withdraw(self.id);
        }
    }
}

impl Ipc {
    /// Lays out a slice once, for several maps: one copy into sealed memory, in one pass; none where it lies in a `SharedVec`
    /// or a `MappedSlice`.
    ///
    /// ```standalone_crate
    /// use partools_core::over;
    /// use partools_ipc::Ipc;
    ///
    /// fn main() -> Result<(), partools_core::Error> {
    ///     partools_ipc::init();
    ///     let ipc = Ipc::new().workers(2);
    ///     let prices = vec![3.5; 100_000];
    ///     let published = ipc.publish(&prices)?;
    ///     for step in [1, 10, 100] {
    ///         let steps = [step; 10];
    ///         let job = over(&steps).shared(&published).map(|step, prices| prices[step * 100] * 2.0);
    ///         assert_eq!(job.run(&ipc)?, [7.0; 10]); // nothing is copied any more
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// What is shared cannot change while it is published:
    ///
    /// ```compile_fail,E0502
    /// # let ipc = partools_ipc::Ipc::new();
    /// let mut prices = vec![3.5; 100];
    /// let published = ipc.publish(&prices)?;
    /// prices[0] = 4.0;
    /// assert_eq!(published[0], 3.5);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// A [refusal](Error::is_refused) with figures where less memory is left than it takes, of the machine or of a control
    /// group of this process; and where the system gives none.
    pub fn publish<'v, T, V>(&self, value: &'v V) -> Result<Published<'v, T>, Error>
    where
        T: Pod,
        V: AsRef<[T]> + ?Sized,
    {
        let elements = value.as_ref();
        let lies_there = locate(bytes_of(elements)).is_some();
        let place = match lies_there {
            true => Place::There(elements),
            false => {
                look_for_room(size_of_val(elements) as u64)?;
                Place::Copied(SharedVec::from_slice(elements).map_err(no_memory)?)
            }
        };
        let located = locate(bytes_of(place.elements()));
        let keep = located.map(|located| Keep {
            pool: Arc::downgrade(self.pool()),
            id: self.pool().publish(&located),
            _located: located,
        });
        Ok(Published { place, _keep: keep })
    }
}

/// No bytes, where elements have no size.
fn bytes_of<T: Pod>(elements: &[T]) -> &[u8] {
    match size_of::<T>() {
        0 => &[],
        _ => bytemuck::cast_slice(elements),
    }
}

impl<T: Pod> Place<'_, T> {
    fn elements(&self) -> &[T] {
        match self {
            Place::Copied(copy) => copy,
            Place::There(elements) => elements,
        }
    }
}

impl<T: Pod> Deref for Published<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.place.elements()
    }
}

impl<T: Pod> AsRef<[T]> for Published<'_, T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

/// The length alone: the elements are many.
impl<T: Pod> fmt::Debug for Published<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// A [`Published`] on the far side, where it is mapped for `'m`.
#[derive(Debug)]
pub struct FarPublished<'m, 'v, T: Pod> {
    published: Published<'v, T>,
    mapped: PhantomData<&'m [T]>,
}

impl<'v, T: Pod> SharedArg for &Published<'v, T> {
    type Attached<'m> = FarPublished<'m, 'v, T>;

    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.slice(self.place.elements());
        Ok(())
    }

    fn attach<'m>(from: &mut Attach<'m>) -> Result<Self::Attached<'m>, WireError> {
        let mapped: &'m [T] = from.slice()?;
        // SAFETY: the same slice under another lifetime, which nobody sees: it lies in a `FarPublished` that ends before `'m`,
        // which lends the `Published` for as long as it is borrowed itself, and that lends its elements in the same way; it is
        // no `Clone`, and nothing takes it apart.
        let elements: &'v [T] = unsafe { slice::from_raw_parts(mapped.as_ptr(), mapped.len()) };
        Ok(FarPublished {
            published: Published {
                place: Place::There(elements),
                _keep: None,
            },
            mapped: PhantomData,
        })
    }

    fn view_of<'a, 'm: 'a>(attached: &'a Self::Attached<'m>) -> ViewOf<'a, Self>
    where
        Self: 'a,
    {
        &attached.published
    }
}
