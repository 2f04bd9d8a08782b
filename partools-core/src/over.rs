//! The builder: `over(items)`, options in any order, a call form, then an ending.
//!
//! One [`Over`], one [`Map`], three call forms. The bound on a closure stands on the method that takes it, so that
//! closures infer without annotations.

use crate::control::CancelToken;
use crate::items::{ItemOf, Items, sealed::Walk};
use crate::job::Job;
use crate::map::{Cx, Full, Map, One, Two};
use crate::observe::Observer;
use crate::plan::{OnError, Plan};
use crate::retries::Retries;
use crate::schedule::Chunks;
use crate::shared::{NoShared, Shared, ViewOf, With};
use crate::state::{By, NoState, Start, StartError, TryBy};
use crate::task::Task;
use std::marker::PhantomData;
use std::time::Duration;

/// A map in the making: items, and what else its closure needs.
///
/// ```
/// use partools_core::{Chunks, Serial, over};
///
/// let table = vec![2.0, 3.0];
/// let words = ["a", "bb", "ccc"];
/// let scaled: Vec<f64> = over(&words)
///     .shared(&table)
///     .chunk(Chunks::of(2))
///     .map(|word, table| word.len() as f64 * table[0])
///     .run(&Serial)?;
/// assert_eq!(scaled, [2.0, 4.0, 6.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Over<X, S = NoShared, G = NoState> {
    items: X,
    shared: S,
    start: G,
    plan: Plan,
}

/// Begins a map over `items`: a slice, a vector, an array, a range, [`chunks`](crate::chunks),
/// [`zip`](crate::zip), or anything that implements [`Items`].
///
/// ```
/// use partools_core::{Serial, chunks, over};
/// assert_eq!(over(&["a", "bb"]).map(|word| word.len()).run(&Serial)?, [1, 2]);
/// assert_eq!(over(3..6).map(|i| i * i).run(&Serial)?, [9, 16, 25]);
/// assert_eq!(over(chunks(&[1, 2, 3], 2)).map(|piece| piece.len()).run(&Serial)?, [2, 1]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub fn over<X: Items>(items: X) -> Over<X> {
    Over {
        items,
        shared: NoShared,
        start: NoState,
        plan: Plan::new(),
    }
}

impl<X: Items, S: Shared, G: Start> Over<X, S, G> {
    /// How many items a worker claims at a time; measured while it runs if not set.
    pub fn chunk(self, chunks: Chunks) -> Self {
        self.with(|plan| plan.chunk(chunks))
    }

    /// What the failure of an item means for those above it; see [`OnError`] for what each ending does with it.
    ///
    /// ```
    /// use partools_core::{OnError, Serial, over};
    /// let (mut sum, job) = (0, over(0..5).on_error(OnError::Collect).map(|i| 12 / i));
    /// let error = job.for_each(&Serial, |_, quotient| sum += quotient).unwrap_err();
    /// assert_eq!((sum, error.item().map(|item| item.index())), (12 + 6 + 4 + 3, Some(0)));
    /// ```
    pub fn on_error(self, then: OnError) -> Self {
        self.with(|plan| plan.on_error(then))
    }

    /// How many times a failed item is tried again before its failure counts. The item is called again
    /// from its beginning, with a fresh state. [`Retries`] can also wait in between, and pick failures.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let attempts = over(0..3)
    ///     .retries(1)
    ///     .map_cx(|i, cx| {
    ///         assert!(i != 1 || cx.attempt > 0, "the network is down");
    ///         cx.attempt
    ///     })
    ///     .run(&Serial)?;
    /// assert_eq!(attempts, [0, 1, 0]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn retries(self, retries: impl Into<Retries>) -> Self {
        self.with(|plan| plan.retries(retries))
    }

    /// How many workers may die one after the other, without one item done in between, before the map gives up; see
    /// [`Plan::respawns`]. For executors whose workers can die.
    pub fn respawns(self, most: usize) -> Self {
        self.with(|plan| plan.respawns(most))
    }

    /// The seed of [`Cx::rng`].
    pub fn seed(self, seed: u64) -> Self {
        self.with(|plan| plan.seed(seed))
    }

    /// The longest that one item may run; see [`Plan::item_timeout`].
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use std::time::Duration;
    /// // It takes an executor that can kill an item; the others refuse before the first one.
    /// let error = over(0..3).item_timeout(Duration::from_secs(1)).map(|i| i).run(&Serial).unwrap_err();
    /// assert!(error.is_refused() && error.to_string().contains("kills_items"));
    /// ```
    pub fn item_timeout(self, limit: Duration) -> Self {
        self.with(|plan| plan.item_timeout(limit))
    }

    /// How long the map may take; see [`Plan::deadline`]. It counts from the call of the ending.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use std::{thread::sleep, time::Duration};
    /// let job = over(0..1000).deadline(Duration::from_millis(50)).map(|i| { sleep(Duration::from_millis(10)); i });
    /// assert!(job.run(&Serial).unwrap_err().is_deadline());
    /// let results = job.try_run(&Serial)?; // what is finished is kept
    /// assert!(results[0].is_ok() && results[999].is_err());
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn deadline(self, limit: Duration) -> Self {
        self.with(|plan| plan.deadline(limit))
    }

    /// Stops the map when `token` is cancelled; see [`CancelToken`] and [`Plan::cancel`].
    ///
    /// ```
    /// use partools_core::{CancelToken, Serial, over};
    /// let token = CancelToken::new();
    /// let mut seen = Vec::new();
    /// let result = over(0..1000).cancel(&token).map(|i| i).for_each(&Serial, |index, _| {
    ///     seen.push(index);
    ///     if index == 3 { token.cancel(); } // as a signal handler would, or another thread
    /// });
    /// assert!(result.unwrap_err().is_cancelled());
    /// assert_eq!(seen, [0, 1, 2, 3]); // nothing is delivered any more
    /// ```
    pub fn cancel(self, token: &CancelToken) -> Self {
        self.with(|plan| plan.cancel(token))
    }

    /// How many items `for_each` may run ahead of the last one delivered; see [`Plan::window`].
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use std::cell::Cell;
    /// let called = Cell::new(0);
    /// let job = over(0..1000).window(8).map(|_| called.set(called.get() + 1));
    /// job.for_each(&Serial, |index, ()| assert!(called.get() <= index + 8))?;
    /// assert_eq!(called.get(), 1000);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn window(self, items: usize) -> Self {
        self.with(|plan| plan.window(items))
    }

    /// Has `observer` look on, whatever the ending and the executor; several may. See [`Observer`].
    ///
    /// ```
    /// use partools_core::{Report, Serial, over};
    /// let report = Report::new();
    /// over(0..1000).observe(&report).map(|i| i).run(&Serial)?;
    /// assert_eq!(report.summary().finished, 1000);
    /// println!("{report}");
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn observe<O: Observer + Clone + 'static>(self, observer: &O) -> Self {
        self.with(|plan| plan.observe(observer))
    }

    pub(crate) fn items_mut(&mut self) -> &mut X {
        &mut self.items
    }

    /// All options at once.
    pub(crate) fn planned(self, plan: Plan) -> Self {
        self.with(|_| plan)
    }

    /// `for_each` delivers outputs as they are ready, in any order; see [`Plan::unordered`].
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let mut places = vec![0; 100];
    /// over(0..100).unordered().map(|i| i * i).for_each(&Serial, |index, square| places[index] = square)?;
    /// assert_eq!(places[9], 81);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn unordered(self) -> Self {
        self.with(Plan::unordered)
    }

    /// Calls the items that cost most first; outputs come in item order all the same. See [`Plan::longest_first`]. The cost
    /// of every item is asked for here, at once.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use std::cell::RefCell;
    /// let called = RefCell::new(Vec::new());
    /// let lengths = over(&["a", "ccc", "bb"]).longest_first(|word| word.len()).map(|word| {
    ///     called.borrow_mut().push(*word);
    ///     word.len()
    /// });
    /// assert_eq!(lengths.run(&Serial)?, [1, 3, 2]);
    /// assert_eq!(called.into_inner(), ["ccc", "bb", "a"]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Panics
    /// Where `cost` does.
    pub fn longest_first<F, C>(self, cost: F) -> Self
    where
        F: for<'a> Fn(ItemOf<'a, X>) -> C,
        C: Ord,
    {
        let mut costs = Vec::new();
        let all = 0..self.items.count();
        self.items.each(all, |item| costs.push(cost(item)), Walk);
        self.with(|plan| plan.longest_first(costs))
    }

    fn with(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.plan = change(self.plan);
        self
    }

    /// Gives every worker a state of its own, made by `start(worker)` when it takes its first chunk,
    /// dropped at its end, and made anew after a panic. Closures reach it through
    /// [`map_cx`](Self::map_cx).
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let lengths = over(&["a", "bb"])
    ///     .state(|_worker| String::new())
    ///     .map_cx(|word, cx| {
    ///         cx.state.push_str(word);
    ///         cx.state.len()
    ///     })
    ///     .run(&Serial)?;
    /// assert_eq!(lengths, [1, 3]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn state<H: Fn(usize) -> W, W>(self, start: H) -> Over<X, S, By<H>> {
        Over {
            items: self.items,
            shared: self.shared,
            start: By(start),
            plan: self.plan,
        }
    }

    /// As [`state`](Self::state), with a `start` that may fail; its error becomes the map's.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let open = |_worker| std::fs::File::open("/no/such/file");
    /// let error = over(0..3).try_state(open).map_cx(|i, _| i).run(&Serial).unwrap_err();
    /// assert!(error.is_start() && error.to_string().contains("No such file"));
    /// ```
    pub fn try_state<H, W, E>(self, start: H) -> Over<X, S, TryBy<H>>
    where
        H: Fn(usize) -> Result<W, E>,
        E: Into<StartError>,
    {
        Over {
            items: self.items,
            shared: self.shared,
            start: TryBy(start),
            plan: self.plan,
        }
    }

    /// The call form with everything: `f(item, cx)`, where [`Cx`] has the shared argument, the worker's
    /// state, the item's index, the worker's number, the attempt, and a seeded generator.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let words = ["a", "b", "c"];
    /// let job = over(&["x", "y"]).shared(&words).map_cx(|item, cx| format!("{item}{}", cx.shared[cx.index]));
    /// assert_eq!(job.run(&Serial)?, ["xa", "yb"]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn map_cx<F, O>(self, f: F) -> Job<Map<X, S, G, Full<F, O>>>
    where
        F: for<'a, 'b, 'c> Fn(ItemOf<'a, X>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> O,
    {
        self.form(Full(f, PhantomData))
    }

    fn form<K>(self, kind: K) -> Job<Map<X, S, G, K>>
    where
        Map<X, S, G, K>: Task,
    {
        let Over {
            items,
            shared,
            start,
            plan,
        } = self;
        Job::new(Map {
            items,
            shared,
            start,
            kind,
        })
        .plan(plan)
    }
}

impl<X: Items, G: Start> Over<X, NoShared, G> {
    /// The large read-only argument that every worker sees and none copies: any reference, or a compound
    /// of references that is [`Shared`].
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let index = std::collections::BTreeMap::from([("one", 1), ("two", 2)]);
    /// let found = over(&["two", "six"]).shared(&index).map(|word, index| index.get(word).copied()).run(&Serial)?;
    /// assert_eq!(found, [Some(2), None]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn shared<S: Shared>(self, shared: S) -> Over<X, With<S>, G> {
        Over {
            items: self.items,
            shared: With(shared),
            start: self.start,
            plan: self.plan,
        }
    }

    /// The plain call form: `f(item)`.
    pub fn map<F, O>(self, f: F) -> Job<Map<X, NoShared, G, One<F, O>>>
    where
        F: for<'a> Fn(ItemOf<'a, X>) -> O,
    {
        self.form(One(f, PhantomData))
    }
}

impl<X: Items, S: Shared, G: Start> Over<X, With<S>, G> {
    /// The call form with the shared argument: `f(item, shared)`.
    #[expect(
        clippy::type_complexity,
        reason = "the task's type says what it is made of, and nobody writes it down"
    )]
    pub fn map<F, O>(self, f: F) -> Job<Map<X, With<S>, G, Two<F, O>>>
    where
        F: for<'a, 'b> Fn(ItemOf<'a, X>, ViewOf<'b, S>) -> O,
    {
        self.form(Two(f, PhantomData))
    }
}
