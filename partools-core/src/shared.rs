//! The shared argument: one large read-only structure that every worker sees and none copies. It lends
//! a *view* for a lifetime that no closure can outlive, as [items](crate::Items) lend theirs.

/// What a [`Shared`] argument lends for the lifetime `'a`. The second parameter is never named: it says
/// that `Self` outlives `'a`.
///
/// ```
/// use partools_core::{LendView, Serial, Shared, over};
///
/// /// Lends a view of two slices at once.
/// struct Model { weights: Vec<f64>, bias: Vec<f64> }
/// impl<'a> LendView<'a> for Model {
///     type View = (&'a [f64], &'a [f64]);
/// }
/// impl Shared for Model {
///     fn view(&self) -> (&[f64], &[f64]) { (&self.weights, &self.bias) }
/// }
/// let model = Model { weights: vec![2.0, 3.0], bias: vec![0.5] };
/// let out = over(0..2).shared(model).map_cx(|i, cx| cx.shared.0[i] + cx.shared.1[0]).run(&Serial)?;
/// assert_eq!(out, [2.5, 3.5]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shared argument",
    label = "pass a reference to it",
    note = "`.shared(&value)`, `.shared(vec.as_slice())`, a tuple of references, or a struct of them with `#[derive(SharedArg)]`"
)]
pub trait LendView<'a, Bound = &'a Self> {
    /// What the closure is handed.
    type View;
}

/// The view that `S` lends for `'a`.
///
/// ```
/// use partools_core::{Cx, Error, Serial, Shared, ViewOf, over};
///
/// /// Whatever is shared: a function that takes a closure over its view says so like this.
/// fn twice<S, O, F>(shared: S, f: F) -> Result<Vec<O>, Error>
/// where
///     S: Shared,
///     F: for<'v, 'c> Fn(usize, &'c mut Cx<'v, ViewOf<'v, S>, ()>) -> O,
/// {
///     over(0..2).shared(shared).map_cx(f).run(&Serial)
/// }
/// assert_eq!(twice("text", |i, cx| i + cx.shared.len())?, [4, 5]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub type ViewOf<'a, S> = <S as LendView<'a>>::View;

/// A shared argument. Any reference is one.
///
/// ```
/// use partools_core::{Serial, over};
/// let table = std::collections::HashMap::from([("a", 1), ("b", 2)]);
/// assert_eq!(over(&["b", "a"]).shared(&table).map(|key, table| table[key]).run(&Serial)?, [2, 1]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shared argument",
    label = "pass a reference to it",
    note = "`.shared(&value)`, `.shared(vec.as_slice())`, a tuple of references, or a struct of them with `#[derive(SharedArg)]`"
)]
pub trait Shared: for<'a> LendView<'a> {
    /// What the closure is handed.
    fn view(&self) -> ViewOf<'_, Self>;
}

/// No shared argument was given: its view is `()`.
///
/// ```
/// assert_eq!(partools_core::Shared::view(&partools_core::NoShared), ());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NoShared;

impl LendView<'_> for NoShared {
    type View = ();
}
impl Shared for NoShared {
    #[inline]
    fn view(&self) {}
}

impl<'a, S: ?Sized> LendView<'a> for &S {
    type View = &'a S;
}
impl<S: ?Sized> Shared for &S {
    #[inline]
    fn view(&self) -> &S {
        self
    }
}

/// A shared argument that was given. Made by [`Over::shared`](crate::Over::shared); it tells the call form
/// `f(item, shared)` from `f(item)`.
///
/// ```
/// use partools_core::{Shared, With};
/// assert_eq!(With([1, 2].as_slice()).view(), [1, 2]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct With<S>(pub S);

impl<'a, S: Shared> LendView<'a> for With<S> {
    type View = ViewOf<'a, S>;
}
impl<S: Shared> Shared for With<S> {
    #[inline]
    fn view(&self) -> ViewOf<'_, S> {
        self.0.view()
    }
}
