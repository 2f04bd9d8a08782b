//! State constructors that travel, as functions do: as their type alone.

use super::conjure::Remote;
use crate::shared_arg::{Attach, Layout};
use crate::state::{By, NoState, Start, StartError, TryBy};
use crate::wire::WireError;

/// A state constructor that can be called in another process: none at all, or a function that
/// [captures nothing](Remote).
///
/// ```compile_fail
/// use partools_core::{Loopback, over};
/// let capacity = 1000;
/// let job = over(0..4).state(move |_| Vec::<u8>::with_capacity(capacity)).map_cx(|i, cx| i + cx.state.len());
/// job.run(&Loopback)?; // evaluation panicked: a function that goes to another process captures nothing
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// ```
/// use partools_core::{Loopback, over};
/// const CAPACITY: usize = 1000;
/// let job = over(0..4).state(|_| Vec::<u8>::with_capacity(CAPACITY)).map_cx(|i, cx| i + cx.state.len());
/// assert_eq!(job.run(&Loopback)?, [0, 1, 2, 3]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait PortableStart: Start + Sized {
    /// Notes what the constructor is.
    fn lay(&self, out: &mut Layout<'_>);

    /// The constructor, made anew on the far side.
    ///
    /// # Errors
    /// Where another one was laid.
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError>;
}

impl PortableStart for NoState {
    fn lay(&self, _: &mut Layout<'_>) {}
    fn attach(_: &mut Attach<'_>) -> Result<Self, WireError> {
        Ok(NoState)
    }
}

impl<H: Remote + Fn(usize) -> W, W> PortableStart for By<H> {
    fn lay(&self, out: &mut Layout<'_>) {
        out.function(&self.0);
    }
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError> {
        from.function().map(By)
    }
}

impl<H: Remote + Fn(usize) -> Result<W, E>, W, E: Into<StartError>> PortableStart for TryBy<H> {
    fn lay(&self, out: &mut Layout<'_>) {
        out.function(&self.0);
    }
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError> {
        from.function().map(TryBy)
    }
}
