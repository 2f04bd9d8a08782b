//! Per-worker state: what a worker makes once and each of its items may change (a buffer, a connection,
//! a parsed model). Made when the worker takes its first chunk, remade after a panic, dropped at its end.

/// Why a worker's state could not be made: any error.
///
/// ```
/// use partools_core::{Serial, StartError, over};
///
/// fn open(worker: usize) -> Result<std::fs::File, StartError> {
///     if worker >= 16 {
///         return Err("there are 16 devices".into()); // words
///     }
///     Ok(std::fs::File::open(format!("/no/such/device{worker}"))?) // or any error
/// }
/// let error = over(0..9).try_state(open).map_cx(|i, _| i).run(&Serial).unwrap_err();
/// assert!(error.to_string().starts_with("the state of worker 0 could not be made: No such file"));
/// ```
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
///
/// ```
/// use partools_core::{NoState, Start};
/// assert_eq!(NoState.start(3)?, ()); // what `cx.state` points to where no state was asked for
/// # Ok::<(), partools_core::StartError>(())
/// ```
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
///
/// ```
/// use partools_core::{By, NoShared, Over, Serial, over};
///
/// /// A map in the making, in a variable: the function has a name, so the type has one.
/// fn buffered(count: usize) -> Over<std::ops::Range<usize>, NoShared, By<fn(usize) -> Vec<u8>>> {
///     over(0..count).state(|_worker| Vec::with_capacity(1 << 16))
/// }
/// assert!(buffered(3).map_cx(|_, cx| cx.state.capacity() >= 1 << 16).run(&Serial)?.iter().all(|&is| is));
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct By<G>(pub(crate) G);

impl<G> By<G> {
    /// For a builder of your own.
    pub fn new(start: G) -> Self {
        By(start)
    }
}

impl<G: Fn(usize) -> W, W> Start for By<G> {
    type State = W;
    #[inline]
    fn start(&self, worker: usize) -> Result<W, StartError> {
        Ok((self.0)(worker))
    }
}

/// State from a closure that may fail. Made by [`Over::try_state`](crate::Over::try_state).
///
/// ```
/// use partools_core::{NoShared, Over, Serial, TryBy, over};
/// use std::{fs::File, io, ops::Range};
///
/// fn reading(count: usize) -> Over<Range<usize>, NoShared, TryBy<fn(usize) -> io::Result<File>>> {
///     over(0..count).try_state(|_worker| File::open("/")) // a descriptor, and a file offset, per worker
/// }
/// assert_eq!(reading(2).map_cx(|_, cx| cx.state.metadata().is_ok()).run(&Serial)?, [true, true]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TryBy<G>(pub(crate) G);

impl<G> TryBy<G> {
    /// For a builder of your own.
    pub fn new(start: G) -> Self {
        TryBy(start)
    }
}

impl<G: Fn(usize) -> Result<W, E>, W, E: Into<StartError>> Start for TryBy<G> {
    type State = W;
    #[inline]
    fn start(&self, worker: usize) -> Result<W, StartError> {
        (self.0)(worker).map_err(Into::into)
    }
}
