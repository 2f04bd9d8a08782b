//! What a fold does with outputs, as a type: two closures mostly, or one of your own that has a name.

use crate::remote::Remote;
use crate::shared_arg::{Attach, Layout};
use crate::wire::WireError;
use std::marker::PhantomData;

/// How a fold begins and goes on, on the workers. [`Job::fold`](crate::Job::fold) makes one of two closures; implement it where
/// the type of a fold needs a name.
///
/// ```
/// use partools_core::{Kernel, Serial, over};
/// struct Longest;
/// impl Kernel<String> for Longest {
///     type Value = usize;
///     fn init(&self) -> usize { 0 }
///     fn fold(&self, longest: usize, text: String) -> usize { longest.max(text.len()) }
/// }
/// let texts = over(0..1000).map(|i| "x".repeat(i % 77));
/// assert_eq!(texts.fold_by(&Serial, Longest, usize::max)?, 76);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait Kernel<O> {
    /// The accumulator of a block.
    type Value;

    /// Where each block begins.
    fn init(&self) -> Self::Value;

    /// The accumulator with one more output.
    fn fold(&self, value: Self::Value, output: O) -> Self::Value;
}

/// A kernel that can be rebuilt in another process.
///
/// ```
/// use partools_core::{Attach, Kernel, Layout, Loopback, PortableKernel, over, wire::WireError};
/// struct Below(f64);
/// impl Kernel<f64> for Below {
///     type Value = usize;
///     fn init(&self) -> usize { 0 }
///     fn fold(&self, count: usize, output: f64) -> usize { count + usize::from(output < self.0) }
/// }
/// impl PortableKernel<f64> for Below {
///     fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError> { out.value(&self.0) }
///     fn attach(from: &mut Attach<'_>) -> Result<Self, WireError> { from.value().map(Below) }
/// }
/// let roots = over(0..100).map(|i| (i as f64).sqrt());
/// assert_eq!(roots.fold_by(&Loopback, Below(5.0), |a, b| a + b)?, 25);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait PortableKernel<O>: Kernel<O> + Sized {
    /// Notes what it is.
    ///
    /// # Errors
    /// Where a value of it cannot be sent.
    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError>;

    /// The kernel, made anew on the far side.
    ///
    /// # Errors
    /// Where another one was laid.
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError>;
}

/// A kernel of two closures. Made by [`Job::fold`](crate::Job::fold).
#[derive(Debug, Clone, Copy)]
pub struct Closures<I, F, A> {
    init: I,
    fold: F,
    made: PhantomData<fn() -> A>,
}

impl<I, F, A> Closures<I, F, A> {
    pub(crate) fn new(init: I, fold: F) -> Self {
        Closures {
            init,
            fold,
            made: PhantomData,
        }
    }
}

impl<O, I, F, A> Kernel<O> for Closures<I, F, A>
where
    I: Fn() -> A,
    F: Fn(A, O) -> A,
{
    type Value = A;

    fn init(&self) -> A {
        (self.init)()
    }
    #[inline]
    fn fold(&self, value: A, output: O) -> A {
        (self.fold)(value, output)
    }
}

impl<O, I, F, A> PortableKernel<O> for Closures<I, F, A>
where
    I: Remote + Fn() -> A,
    F: Remote + Fn(A, O) -> A,
{
    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError> {
        out.function(&self.init);
        out.function(&self.fold);
        Ok(())
    }
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError> {
        Ok(Closures::new(from.function()?, from.function()?))
    }
}
