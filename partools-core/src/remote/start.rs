//! State constructors that travel, as functions do: as their type alone.

use super::conjure::{Remote, conjure};
use crate::state::{By, NoState, Start, TryBy};

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
    /// The constructor, made anew on the far side.
    #[doc(hidden)]
    fn conjured(_: Conjuring) -> Self;
}

/// Proof that the caller is the core, which conjures only what a task of this program holds.
#[derive(Debug)]
pub struct Conjuring(pub(super) ());

impl PortableStart for NoState {
    fn conjured(_: Conjuring) -> Self {
        NoState
    }
}

impl<H: Remote + Fn(usize) -> W, W> PortableStart for By<H> {
    fn conjured(_: Conjuring) -> Self {
        By(conjure())
    }
}

impl<H: Remote + Fn(usize) -> Result<W, E>, W, E: Into<crate::StartError>> PortableStart
    for TryBy<H>
{
    fn conjured(_: Conjuring) -> Self {
        TryBy(conjure())
    }
}
