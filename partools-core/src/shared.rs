//! The shared argument: one large read-only structure that every worker sees and none copies. It lends
//! a *view* for a lifetime that no closure can outlive, as [items](crate::Items) lend theirs.

/// What a [`Shared`] argument lends for the lifetime `'a`. The second parameter is never named: it says
/// that `Self` outlives `'a`.
pub trait LendView<'a, Bound = &'a Self> {
    /// What the closure is handed.
    type View;
}

/// The view that `S` lends for `'a`.
pub type ViewOf<'a, S> = <S as LendView<'a>>::View;

/// A shared argument. Any reference is one: `.shared(&index)`, `.shared(array.as_slice())`.
pub trait Shared: for<'a> LendView<'a> {
    /// What the closure is handed.
    fn view(&self) -> ViewOf<'_, Self>;
}

/// No shared argument was given.
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
