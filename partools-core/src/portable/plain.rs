//! The raw path: types that are their own bytes, found by type id and moved by `memcpy`.
//!
//! There is no specialization in stable Rust, so each function asks of its `T` "is it `f64`? `Vec<f64>`?
//! ..." and goes on through `dyn Any`, without unsafe. `T` is known when the code is generated, and in a
//! release build every question is answered there: what remains is one copy, or nothing. [`Room`] is
//! asked first, and knows from size and drop glue alone that an ordinary struct is none of them, so that
//! even a debug build asks it nothing more and generates nothing for it.

use std::any::{Any, TypeId};

use bytemuck::Pod;

use super::error::{Cause, Fault};

/// Where in the list a type can be, from what is known of it without asking.
#[derive(PartialEq)]
enum Room {
    Scalar,
    Array,
    Vec,
    Nowhere,
}

const fn room<T>() -> Room {
    let size = size_of::<T>();
    if std::mem::needs_drop::<T>() {
        if size == size_of::<Vec<u8>>() {
            Room::Vec
        } else {
            Room::Nowhere
        }
    } else if size == align_of::<T>() && size > 0 && size <= 16 {
        // One-element arrays of a scalar look like the scalar. (A target that aligns `u64` to less than
        // its size sends it through serde, on both sides alike.)
        Room::Scalar
    } else if size > 0 && size <= 4 * size_of::<u64>() {
        Room::Array
    } else {
        Room::Nowhere
    }
}

/// Finds the plain type that `$T` is, if any, and returns `$one::<P>$args` if it is `P`, or
/// `$many::<P>$args` if it is `Vec<P>`. Both sides of each comparison are known where `$T` is; and what
/// is called is generic in `P` alone, so that it exists once, whatever the number of `$T`.
macro_rules! find_plain {
    ($T:ident: $one:ident or $many:ident $args:tt) => {
        match const { room::<$T>() } {
            Room::Scalar => find_plain!(@scalars one $T $one $args),
            Room::Array => find_plain!(@arrays one $T $one $args),
            Room::Vec => {
                find_plain!(@scalars many $T $many $args);
                find_plain!(@arrays many $T $many $args);
            }
            Room::Nowhere => {}
        }
    };
    (@scalars $as:ident $T:ident $found:ident $args:tt) => {{
        find_plain!(@each $as $T $found $args
            u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64
            [u8; 1] [u32; 1] [u64; 1] [usize; 1] [i32; 1] [i64; 1] [f32; 1] [f64; 1]);
    }};
    (@arrays $as:ident $T:ident $found:ident $args:tt) => {{
        find_plain!(@sizes $as $T $found $args u8 u32 u64 usize i32 i64 f32 f64);
    }};
    (@sizes $as:ident $T:ident $found:ident $args:tt $($P:ty)*) => {
        $(find_plain!(@each $as $T $found $args [$P; 2] [$P; 3] [$P; 4]);)*
    };
    (@each one $T:ident $found:ident $args:tt $($P:ty)*) => {
        $(if TypeId::of::<$T>() == TypeId::of::<$P>() {
            return $found::<$P> $args;
        })*
    };
    (@each many $T:ident $found:ident $args:tt $($P:ty)*) => {
        $(if TypeId::of::<$T>() == TypeId::of::<Vec<$P>>() {
            return $found::<$P> $args;
        })*
    };
}

/// The memory of `value`, if its type is plain.
#[inline]
pub(super) fn lend<T: 'static>(value: &T) -> Option<&[u8]> {
    find_plain!(T: lend_one or lend_many(value));
    None
}

#[inline]
fn lend_one<P: Pod>(value: &dyn Any) -> Option<&[u8]> {
    value.downcast_ref::<P>().map(bytemuck::bytes_of)
}

#[inline]
fn lend_many<P: Pod>(value: &dyn Any) -> Option<&[u8]> {
    value
        .downcast_ref::<Vec<P>>()
        .map(|values| bytemuck::cast_slice(values))
}

/// The plain `T` that `bytes` are, or `None` if `T` is not plain.
#[inline]
pub(super) fn adopt<T: 'static>(bytes: &[u8]) -> Option<Result<T, Fault>> {
    let mut slot: Option<T> = None;
    match fill::<T>(&mut slot, bytes)? {
        Ok(()) => slot.map(Ok),
        Err(fault) => Some(Err(fault)),
    }
}

/// Reads `bytes` into `slot`, if `T` is plain.
#[inline]
fn fill<T: 'static>(slot: &mut Option<T>, bytes: &[u8]) -> Option<Result<(), Fault>> {
    find_plain!(T: fill_one or fill_many(slot, bytes));
    None
}

#[inline]
fn fill_one<P: Pod>(slot: &mut dyn Any, bytes: &[u8]) -> Option<Result<(), Fault>> {
    let slot = slot.downcast_mut::<Option<P>>()?;
    Some(read_one(bytes).map(|value| *slot = Some(value)))
}

#[inline]
fn fill_many<P: Pod>(slot: &mut dyn Any, bytes: &[u8]) -> Option<Result<(), Fault>> {
    let slot = slot.downcast_mut::<Option<Vec<P>>>()?;
    Some(read_many(bytes).map(|values| *slot = Some(values)))
}

/// Whether [`lend`] and [`adopt`] know `T`.
#[inline]
pub(super) fn is_plain<T: 'static>() -> bool {
    find_plain!(T: is_pod or is_pod());
    false
}

/// What is asked this has been found in the list.
#[expect(
    clippy::extra_unused_type_parameters,
    reason = "called as its siblings are"
)]
#[inline]
const fn is_pod<P: Pod>() -> bool {
    true
}

/// One `T` out of its bytes, at any alignment.
#[inline]
pub(super) fn read_one<T: Pod>(bytes: &[u8]) -> Result<T, Fault> {
    bytemuck::try_pod_read_unaligned(bytes).map_err(|_| {
        Cause::Length {
            bytes: bytes.len(),
            size: size_of::<T>(),
            many: false,
        }
        .into()
    })
}

/// Many `T` out of their bytes, at any alignment.
#[inline]
pub(super) fn read_many<T: Pod>(bytes: &[u8]) -> Result<Vec<T>, Fault> {
    const {
        assert!(
            size_of::<T>() > 0,
            "bytes cannot tell how many elements of no size there are"
        )
    };
    if let Ok(aligned) = bytemuck::try_cast_slice(bytes) {
        return Ok(aligned.to_vec());
    }
    if !bytes.len().is_multiple_of(size_of::<T>()) {
        return Err(Cause::Length {
            bytes: bytes.len(),
            size: size_of::<T>(),
            many: true,
        }
        .into());
    }
    Ok(bytes
        .chunks_exact(size_of::<T>())
        .map(bytemuck::pod_read_unaligned)
        .collect())
}
