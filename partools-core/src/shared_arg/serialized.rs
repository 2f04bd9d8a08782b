//! Anything that serde can carry, as a shared argument.

use super::{Attach, Layout, SharedArg};
use crate::portable::Portable;
use crate::shared::{LendView, Shared};
use crate::wire::WireError;

/// A shared argument that travels through serde. On the far side every worker has **one decoded copy of
/// its own**: right for dictionaries and models of moderate size, wrong for what is large; that should be
/// slices. In this process nothing is copied.
///
/// ```
/// use partools_core::{Loopback, Serialized, over};
/// use std::collections::HashMap;
///
/// let prices = HashMap::from([("apple".to_owned(), 3), ("pear".to_owned(), 4)]);
/// let basket = ["pear".to_owned(), "apple".to_owned()];
/// let cost = over(&basket)
///     .shared(Serialized(&prices))
///     .map(|fruit, prices| prices[fruit])
///     .run(&Loopback)?;
/// assert_eq!(cost, [4, 3]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Serialized<'s, V>(pub &'s V);

impl<V> Clone for Serialized<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V> Copy for Serialized<'_, V> {}

impl<'a, V> LendView<'a> for Serialized<'_, V> {
    type View = &'a V;
}
impl<V> Shared for Serialized<'_, V> {
    fn view(&self) -> &V {
        self.0
    }
}

impl<V: Portable> SharedArg for Serialized<'_, V> {
    type Attached<'m> = V;
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.value(self.0)
    }
    fn attach<'m>(from: &mut Attach<'m>) -> Result<V, WireError> {
        from.value()
    }
    fn view_of<'v, 'm: 'v>(attached: &'v V) -> &'v V
    where
        Self: 'v,
    {
        attached
    }
}
