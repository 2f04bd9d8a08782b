//! The builder of a stream: `over_iter(iterator)`, then what [`Over`] has.

use crate::control::CancelToken;
use crate::items::ItemOf;
use crate::map::{Cx, Full, Map, One, Two};
use crate::observe::Observer;
use crate::over::{Over, over};
use crate::plan::{OnError, Plan};
use crate::portable::Portable;
use crate::retries::Retries;
use crate::schedule::Chunks;
use crate::shared::{NoShared, Shared, ViewOf, With};
use crate::state::{By, NoState, Start, StartError, TryBy};
use crate::stream::{Sending, Stream, Window};
use std::time::Duration;

/// A map over an iterator in the making. Options are those of [`Over`]; so is what they mean, but for
/// [`window`](OverIter::window).
///
/// ```
/// use partools_core::{OverIter, Serial, over_iter};
/// fn careful<I: Iterator>(items: I) -> OverIter<I> {
///     over_iter(items).retries(2).window(1000)
/// }
/// assert_eq!(careful("a b c".split(' ')).map(|word| word.len()).run(&Serial)?, [1, 1, 1]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as for_each"]
pub struct OverIter<I: Iterator, S = NoShared, G = NoState> {
    source: I,
    over: Over<Window<I::Item>, S, G>,
}

/// Begins a map over the items of an iterator, which may be lazy or endless: lines of a file, messages, random trials. Closures
/// are given a reference to the item.
///
/// ```
/// use partools_core::{Serial, over_iter};
/// use std::io::BufRead;
///
/// let log = std::io::Cursor::new("GET /\nGET /favicon.ico\nPUT /x\n"); // a file of any length
/// let mut gets = 0;
/// over_iter(log.lines())
///     .map(|line| line.as_ref().is_ok_and(|line| line.starts_with("GET")))
///     .for_each(&Serial, |_, is_get| gets += usize::from(is_get))?;
/// assert_eq!(gets, 2);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// The iterator is advanced on the calling thread alone, a window of items at a time, and each window is run as a map of its
/// own. Windows begin with 64 items and grow while they are done in less than 0.1 s, or while making their workers takes more
/// than 2 % of them; up to 65,536 items, or more where items and outputs stay within 16 MB, and no more than a million. A slow
/// iterator is waited for no longer than 10 ms once it gave an item, or than making the workers takes. So memory does not grow
/// with the length of the stream, and the cost of making workers is spread over many items.
///
/// # What a window costs
/// `Threads` wakes or makes its threads for each, some 0.1 ms; **`Fork` forks its children anew for each window**, unless it is
/// asked for [persistent workers](OverIter::persistent_workers): about a millisecond, and some 40 ms more for each worker and
/// gigabyte of ordinary memory of the parent (the page tables are copied; those of a `SharedVec` are not). Ten million integers on `Fork` with two workers took 0.29 s, and 0.19 s
/// where all of them were one window. It is more than 2 % only where a million items take less than fifty times as long as the forks,
/// so where cheap items are streamed beside gigabytes of ordinary memory: a [`Report`](crate::Report) shows how much. `Ipc` keeps its
/// worker processes from window to window, and starts none for it; its items must be portable. At the end of each window,
/// workers wait for the last one. A worker's [state](OverIter::state) is made anew for each window.
pub fn over_iter<N: IntoIterator>(items: N) -> OverIter<N::IntoIter> {
    OverIter {
        source: items.into_iter(),
        over: over(Window::default()),
    }
}

impl<I: Iterator, S: Shared, G: Start> OverIter<I, S, G> {
    /// See [`Over::chunk`].
    pub fn chunk(self, chunks: Chunks) -> Self {
        self.with(|over| over.chunk(chunks))
    }

    /// See [`Over::on_error`].
    pub fn on_error(self, then: OnError) -> Self {
        self.with(|over| over.on_error(then))
    }

    /// See [`Over::retries`].
    pub fn retries(self, retries: impl Into<Retries>) -> Self {
        self.with(|over| over.retries(retries))
    }

    /// See [`Over::observe`]. Each window is a map of its own for an [`Observer`], which is told of
    /// [which stream](crate::Moment::whole); a [`Report`](crate::Report) adds them up.
    ///
    /// ```
    /// use partools_core::{Report, Serial, over_iter};
    /// let report = Report::new();
    /// over_iter(0..1000).window(100).observe(&report).map(|n| n * 2).run(&Serial)?;
    /// let summary = report.summary();
    /// assert_eq!((summary.finished, summary.windows), (1000, 10));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn observe<O: Observer + Clone + 'static>(self, observer: &O) -> Self {
        self.with(|over| over.observe(observer))
    }

    /// See [`Over::seed`]. An item's numbers depend on its index in the stream.
    pub fn seed(self, seed: u64) -> Self {
        self.with(|over| over.seed(seed))
    }

    /// See [`Over::item_timeout`].
    pub fn item_timeout(self, limit: Duration) -> Self {
        self.with(|over| over.item_timeout(limit))
    }

    /// See [`Over::deadline`]: of the whole stream. It is looked at while a window is run, and not while the iterator is
    /// waited for.
    ///
    /// ```
    /// use partools_core::{Serial, over_iter};
    /// use std::time::Duration;
    /// let endless = over_iter(0_u64..).deadline(Duration::from_millis(20)).map(|i| i * 2);
    /// assert!(endless.for_each(&Serial, |_, _| {}).unwrap_err().is_deadline());
    /// ```
    pub fn deadline(self, limit: Duration) -> Self {
        self.with(|over| over.deadline(limit))
    }

    /// See [`Over::cancel`].
    pub fn cancel(self, token: &CancelToken) -> Self {
        self.with(|over| over.cancel(token))
    }

    /// How many items are pulled, run and held at a time, instead of windows that grow by themselves.
    ///
    /// ```
    /// use partools_core::{Serial, over_iter};
    /// use std::cell::Cell;
    /// let pulled = Cell::new(0);
    /// let counted = (0..100).inspect(|_| pulled.set(pulled.get() + 1));
    /// over_iter(counted).window(8).map(|i| *i).for_each(&Serial, |index, _| assert!(pulled.get() <= index + 8))?;
    /// assert_eq!(pulled.get(), 100);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn window(self, items: usize) -> Self {
        self.with(|over| over.window(items))
    }

    /// Has workers live as long as the stream: they are made for the first window, and sent the items of those that follow. For
    /// items that are [`Portable`].
    ///
    /// It is `Fork` that this is for, which else [forks anew for each window](over_iter#what-a-window-costs): its children are
    /// forked once, and another one only where one ended (it crashed, was stopped, or had done as much as its limits say). Closure and shared
    /// argument are the children's own by copy-on-write, as ever; items are encoded into memory that they can read. So a child sees
    /// the closure's captured variables, and all other memory of the parent, as they were at the first window. All else is as
    /// without it: each window makes its [state](OverIter::state) anew.
    ///
    /// On other executors it changes nothing.
    ///
    /// ```
    /// use partools_core::{Serial, over_iter};
    /// let lines = "one\ntwo\nthree".lines().map(str::to_owned); // `&str` borrows; a `String` can be sent
    /// let lengths = over_iter(lines).persistent_workers().map(|line| line.len()).run(&Serial)?;
    /// assert_eq!(lengths, [3, 3, 5]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// What it costs is that each item is encoded by the calling thread, and held once more as long as its window is. It pays
    /// beside much memory, or where windows are short, and not for cheap items in a small process: ten million integers took
    /// 0.40 s with it and 0.29 s without; beside a gigabyte of ordinary memory 0.49 s and 1.43 s, and in windows of 65,536 there
    /// 0.54 s and 14.35 s.
    ///
    /// Items that cannot be sent are refused by the compiler:
    ///
    /// ```compile_fail
    /// use partools_core::{Serial, over_iter};
    /// let lines = "one\ntwo\nthree".lines();
    /// over_iter(lines).persistent_workers().map(|line| line.len()).run(&Serial)?; // `&str` cannot cross
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn persistent_workers(mut self) -> Self
    where
        I::Item: Portable,
    {
        self.over.items_mut().sending = Some(Sending::new());
        self
    }

    /// All options at once, those too that have no method here.
    pub fn plan(self, plan: Plan) -> Self {
        self.with(|over| over.planned(plan))
    }

    fn with(
        self,
        change: impl FnOnce(Over<Window<I::Item>, S, G>) -> Over<Window<I::Item>, S, G>,
    ) -> Self {
        OverIter {
            source: self.source,
            over: change(self.over),
        }
    }

    /// See [`Over::state`]. It is made anew for each window.
    pub fn state<H: Fn(usize) -> W, W>(self, start: H) -> OverIter<I, S, By<H>> {
        OverIter {
            source: self.source,
            over: self.over.state(start),
        }
    }

    /// See [`Over::try_state`]. It is made anew for each window.
    pub fn try_state<H, W, E>(self, start: H) -> OverIter<I, S, TryBy<H>>
    where
        H: Fn(usize) -> Result<W, E>,
        E: Into<StartError>,
    {
        OverIter {
            source: self.source,
            over: self.over.try_state(start),
        }
    }

    /// The call form with everything; see [`Over::map_cx`]. The index is that in the stream.
    #[expect(
        clippy::type_complexity,
        reason = "the task's type says what it is made of, and nobody writes it down"
    )]
    pub fn map_cx<F, O>(self, f: F) -> Stream<I, Map<Window<I::Item>, S, G, Full<F, O>>>
    where
        F: for<'a, 'b, 'c> Fn(
            ItemOf<'a, Window<I::Item>>,
            &'c mut Cx<'b, ViewOf<'b, S>, G::State>,
        ) -> O,
    {
        Stream::new(self.source, self.over.map_cx(f))
    }
}

impl<I: Iterator, G: Start> OverIter<I, NoShared, G> {
    /// See [`Over::shared`].
    pub fn shared<S: Shared>(self, shared: S) -> OverIter<I, With<S>, G> {
        OverIter {
            source: self.source,
            over: self.over.shared(shared),
        }
    }

    /// The plain call form: `f(&item)`.
    #[expect(
        clippy::type_complexity,
        reason = "the task's type says what it is made of, and nobody writes it down"
    )]
    pub fn map<F, O>(self, f: F) -> Stream<I, Map<Window<I::Item>, NoShared, G, One<F, O>>>
    where
        F: for<'a> Fn(ItemOf<'a, Window<I::Item>>) -> O,
    {
        Stream::new(self.source, self.over.map(f))
    }
}

impl<I: Iterator, S: Shared, G: Start> OverIter<I, With<S>, G> {
    /// The call form with the shared argument: `f(&item, shared)`.
    #[expect(
        clippy::type_complexity,
        reason = "the task's type says what it is made of, and nobody writes it down"
    )]
    pub fn map<F, O>(self, f: F) -> Stream<I, Map<Window<I::Item>, With<S>, G, Two<F, O>>>
    where
        F: for<'a, 'b> Fn(ItemOf<'a, Window<I::Item>>, ViewOf<'b, S>) -> O,
    {
        Stream::new(self.source, self.over.map(f))
    }
}
