//! Shared arguments that can lie in memory which another process maps: as pieces of plain memory, which
//! are mapped or copied once, and values, which serde carries.
//!
//! ```text
//! near: lay(&self, &mut Layout)     pieces: &[T] as they lie, borrowed     values: encoded
//! far:  attach(&mut Attach)         the same pieces, mapped, checked       values: decoded
//!       view_of(&Attached)          what the closure is handed
//! ```

use crate::shared::{LendView, NoShared, Shared, ViewOf, With};
use crate::wire::WireError;
use bytemuck::Pod;
use std::marker::PhantomData;

#[cfg(feature = "ndarray")]
mod array;
mod attach;
mod layout;
mod serialized;

pub use attach::Attach;
pub use layout::{Layout, Piece};
pub use serialized::Serialized;

/// A shared argument that can be laid out in memory, and seen there by another process.
///
/// Slices of [`Pod`] elements, references to `Pod` values, `&str`, numbers, tuples of these, compounds by
/// `#[derive(SharedArg)]`, and [`Serialized`] for what serde can carry. `Threads` and `Fork` take any reference.
///
/// It is a safe trait: memory becomes values through [`Attach`] alone, which checks.
///
/// ```
/// use partools_core::wire::WireError;
/// use partools_core::{Attach, Layout, LendView, Loopback, Shared, SharedArg, ViewOf, over};
///
/// /// A compound by hand: what its fields do, one after the other.
/// struct Track<'t> { name: &'t str, samples: &'t [f32] }
/// impl<'a> LendView<'a> for Track<'_> {
///     type View = (&'a str, &'a [f32]);
/// }
/// impl Shared for Track<'_> {
///     fn view(&self) -> (&str, &[f32]) { (self.name, self.samples) }
/// }
/// impl SharedArg for Track<'_> {
///     type Attached<'m> = (&'m str, &'m [f32]);
///     fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
///         self.name.lay(out)?;
///         self.samples.lay(out)
///     }
///     fn attach<'m>(from: &mut Attach<'m>) -> Result<Self::Attached<'m>, WireError> {
///         Ok((<&str>::attach(from)?, <&[f32]>::attach(from)?))
///     }
///     fn view_of<'v, 'm: 'v>(attached: &'v Self::Attached<'m>) -> ViewOf<'v, Self>
///     where
///         Self: 'v,
///     {
///         *attached
///     }
/// }
/// let track = Track { name: "hum", samples: &[0.5, 0.25] };
/// let job = over(0..2).shared(track).map_cx(|i, cx| format!("{} {}", cx.shared.0, cx.shared.1[i]));
/// assert_eq!(job.run(&Loopback)?, ["hum 0.5", "hum 0.25"]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot lie in memory that another process maps",
    label = "not plain memory",
    note = "a `Vec` of plain numbers goes as a slice: `.shared(vec.as_slice())`; a field of a compound is a `&'a [T]`",
    note = "a `String` goes as a text: `.shared(text.as_str())`; a field of a compound is a `&'a str`",
    note = "anything that serde can carry goes as `.shared(Serialized(&value))`; a field of a compound is a `&'a T` with \
            `#[shared_arg(serialized)]`. Each worker then has a decoded copy of its own",
    note = "a struct goes with `#[derive(SharedArg)]`, and plain elements of your own with `#[derive(bytemuck::Pod)]`",
    note = "Threads and Fork take any reference"
)]
pub trait SharedArg: Shared {
    /// What the far side keeps while the map runs: the views themselves, or what they are lent from.
    type Attached<'m>;

    /// Lays the value out: what is large as pieces, the rest as values.
    ///
    /// # Errors
    /// Where a value cannot be encoded.
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError>;

    /// Finds what [`lay`](Self::lay) laid, in the same order.
    ///
    /// # Errors
    /// Where it is not what `lay` laid: of another type, damaged, out of bounds, not aligned.
    fn attach<'m>(from: &mut Attach<'m>) -> Result<Self::Attached<'m>, WireError>;

    /// What the closure is handed.
    fn view_of<'v, 'm: 'v>(attached: &'v Self::Attached<'m>) -> ViewOf<'v, Self>
    where
        Self: 'v;
}

/// A shared argument on the far side.
///
/// ```
/// use partools_core::{Loopback, Serial, over};
/// // What it lends is what the near one lends: the closure cannot tell where it is.
/// let job = over(0..2).shared(("text", 0.5)).map_cx(|i, cx| (&cx.shared.0[i..i + 1] == "e", cx.shared.1));
/// assert_eq!(job.run(&Loopback)?, job.run(&Serial)?);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub struct Attached<'m, S: SharedArg> {
    attached: S::Attached<'m>,
    near: PhantomData<fn() -> S>,
}

impl<'m, S: SharedArg> Attached<'m, S> {
    pub(crate) fn new(attached: S::Attached<'m>) -> Self {
        Attached {
            attached,
            near: PhantomData,
        }
    }
}

impl<'v, S: SharedArg> LendView<'v> for Attached<'_, S> {
    type View = ViewOf<'v, S>;
}
impl<S: SharedArg> Shared for Attached<'_, S> {
    #[inline]
    fn view(&self) -> ViewOf<'_, S> {
        S::view_of(&self.attached)
    }
}

impl<S: SharedArg> std::fmt::Debug for Attached<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}

impl SharedArg for NoShared {
    type Attached<'m> = ();
    fn lay<'m>(&'m self, _: &mut Layout<'m>) -> Result<(), WireError> {
        Ok(())
    }
    fn attach<'m>(_: &mut Attach<'m>) -> Result<(), WireError> {
        Ok(())
    }
    fn view_of<'v, 'm: 'v>((): &'v ()) {}
}

impl<S: SharedArg> SharedArg for With<S> {
    type Attached<'m> = S::Attached<'m>;
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.0.lay(out)
    }
    fn attach<'m>(from: &mut Attach<'m>) -> Result<Self::Attached<'m>, WireError> {
        S::attach(from)
    }
    fn view_of<'v, 'm: 'v>(attached: &'v Self::Attached<'m>) -> ViewOf<'v, S>
    where
        Self: 'v,
    {
        S::view_of(attached)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Pod> SharedArg for &[T] {
    type Attached<'m> = &'m [T];
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.slice(self);
        Ok(())
    }
    fn attach<'m>(from: &mut Attach<'m>) -> Result<&'m [T], WireError> {
        from.slice()
    }
    fn view_of<'v, 'm: 'v>(attached: &'v &'m [T]) -> &'v [T]
    where
        Self: 'v,
    {
        attached
    }
}

/// A reference to plain data: a struct, an array, a number.
#[diagnostic::do_not_recommend]
impl<T: Pod> SharedArg for &T {
    type Attached<'m> = &'m T;
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.slice(std::slice::from_ref(*self));
        Ok(())
    }
    fn attach<'m>(from: &mut Attach<'m>) -> Result<&'m T, WireError> {
        match from.slice()? {
            [one] => Ok(one),
            many => Err(WireError::new(format!(
                "{} values where there is one",
                many.len()
            ))),
        }
    }
    fn view_of<'v, 'm: 'v>(attached: &'v &'m T) -> &'v T
    where
        Self: 'v,
    {
        attached
    }
}

impl SharedArg for &str {
    type Attached<'m> = &'m str;
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.slice(self.as_bytes());
        Ok(())
    }
    fn attach<'m>(from: &mut Attach<'m>) -> Result<&'m str, WireError> {
        std::str::from_utf8(from.slice()?)
            .map_err(|error| WireError::new(format!("a text that is none: {error}")))
    }
    fn view_of<'v, 'm: 'v>(attached: &'v &'m str) -> &'v str
    where
        Self: 'v,
    {
        attached
    }
}

/// Numbers by value, as fields of compounds.
macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl LendView<'_> for $type {
            type View = $type;
        }
        impl Shared for $type {
            fn view(&self) -> $type {
                *self
            }
        }
        impl SharedArg for $type {
            type Attached<'m> = $type;
            fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
                out.value(self)
            }
            fn attach<'m>(from: &mut Attach<'m>) -> Result<$type, WireError> {
                from.value()
            }
            fn view_of<'v, 'm: 'v>(attached: &'v $type) -> $type {
                *attached
            }
        }
    )*};
}
numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char);

/// Tuples of shared arguments.
macro_rules! tuples {
    ($(($($name:ident $at:tt),+))*) => {$(
        impl<'a, $($name: Shared),+> LendView<'a> for ($($name,)+) {
            type View = ($(ViewOf<'a, $name>,)+);
        }
        impl<$($name: Shared),+> Shared for ($($name,)+) {
            fn view(&self) -> ($(ViewOf<'_, $name>,)+) {
                ($(self.$at.view(),)+)
            }
        }
        impl<$($name: SharedArg),+> SharedArg for ($($name,)+) {
            type Attached<'m> = ($($name::Attached<'m>,)+);
            fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
                $(self.$at.lay(out)?;)+
                Ok(())
            }
            fn attach<'m>(from: &mut Attach<'m>) -> Result<Self::Attached<'m>, WireError> {
                Ok(($($name::attach(from)?,)+))
            }
            fn view_of<'v, 'm: 'v>(attached: &'v Self::Attached<'m>) -> ViewOf<'v, Self>
            where
                Self: 'v,
            {
                ($($name::view_of(&attached.$at),)+)
            }
        }
    )*};
}
tuples! { (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) }
