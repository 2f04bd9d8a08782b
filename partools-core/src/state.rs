//! Per-worker state: what a worker makes once and each of its items may change (a buffer, a connection,
//! a parsed model). Made when the worker takes its first chunk, remade after a panic, dropped at its end.

/// Why a worker's state could not be made: any error.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a worker's state. [`Over::state`](crate::Over::state) and [`Over::try_state`](crate::Over::try_state) make one
/// from a closure.
///
/// ```
/// use partools_core::{Serial, over};
/// let job = over(0..3).try_state(|worker| format!("{worker}").parse::<i32>()).map_cx(|i, cx| {
///     *cx.state += 1;
///     (i, *cx.state)
/// });
/// assert_eq!(job.run(&Serial)?, [(0, 1), (1, 2), (2, 3)]);
///
/// let broken = over(0..3).try_state(|_| "no number".parse::<i32>()).map_cx(|_, cx| *cx.state);
/// assert!(broken.run(&Serial).unwrap_err().is_start());
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait Start {
    /// The state of one worker. It never leaves the worker.
    type State;

    /// Makes the state of worker number `worker`.
    ///
    /// # Errors
    /// Whatever stands in the way; it becomes the error of the whole map.
    fn start(&self, worker: usize) -> Result<Self::State, StartError>;
}

/// No state was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoState;

impl Start for NoState {
    type State = ();
    #[inline]
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
}

/// State from a closure over the worker's number. Made by [`Over::state`](crate::Over::state).
#[derive(Debug, Clone, Copy)]
pub struct By<G>(pub(crate) G);

impl<G: Fn(usize) -> W, W> Start for By<G> {
    type State = W;
    #[inline]
    fn start(&self, worker: usize) -> Result<W, StartError> {
        Ok((self.0)(worker))
    }
}

/// State from a closure that may fail. Made by [`Over::try_state`](crate::Over::try_state).
#[derive(Debug, Clone, Copy)]
pub struct TryBy<G>(pub(crate) G);

impl<G: Fn(usize) -> Result<W, E>, W, E: Into<StartError>> Start for TryBy<G> {
    type State = W;
    #[inline]
    fn start(&self, worker: usize) -> Result<W, StartError> {
        (self.0)(worker).map_err(Into::into)
    }
}
