//! The builder: `over(items)`, options in any order, a call form, then an ending.
//!
//! One [`Over`], one [`Map`], three call forms. The bound on a closure stands on the method that takes it,
//! so that closures infer without annotations; and no view or item can outlive the call it was lent for.

use crate::control::CancelToken;
use crate::items::{ItemOf, Items, sealed::Walk};
use crate::job::Job;
use crate::observe::Observer;
use crate::plan::{OnError, Plan};
use crate::retries::Retries;
use crate::schedule::Chunks;
use crate::shared::{NoShared, Shared, ViewOf, With};
use crate::state::{By, NoState, Start, StartError, TryBy};
use crate::task::{Span, Task};
use crate::writer::Writer;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::marker::PhantomData;
use std::ops::Range;
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

/// The task that [`Over`] makes: items, shared argument, state and closure.
///
/// ```
/// use partools_core::{Job, Serial, Task, over};
///
/// /// Where closures make the type unspeakable, its bounds say all.
/// fn squares(count: usize) -> Job<impl Task<Output = usize>> {
///     over(0..count).map(|i| i * i)
/// }
/// let job = squares(4);
/// assert_eq!(job.task().count(), 4); // the `Map`
/// assert_eq!(job.run(&Serial)?, [0, 1, 4, 9]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Map<X, S, G, K> {
    pub(crate) items: X,
    pub(crate) shared: S,
    pub(crate) start: G,
    pub(crate) kind: K,
}

impl<X, S, G, K> Map<X, S, G, K> {
    /// What it runs over.
    pub fn items(&self) -> &X {
        &self.items
    }
}

/// The call form `f(item)`.
///
/// ```
/// use partools_core::{Job, Map, NoShared, NoState, One, Serial, over};
///
/// /// A job in a field: with a function for a closure, its type has a name.
/// struct Lengths {
///     job: Job<Map<Vec<String>, NoShared, NoState, One<fn(&String) -> usize, usize>>>,
/// }
/// let words = vec!["a".to_owned(), "bb".to_owned()];
/// let lengths = Lengths { job: over(words).map(String::len) };
/// assert_eq!(lengths.job.run(&Serial)?, [1, 2]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct One<F, O>(pub(crate) F, pub(crate) PhantomData<fn() -> O>);
/// The call form `f(item, shared)`.
///
/// ```
/// use partools_core::{Job, Map, NoState, Serial, Two, With, over};
/// use std::ops::Range;
///
/// type Look<'s> = Map<Range<usize>, With<&'s [f64]>, NoState, Two<fn(usize, &[f64]) -> f64, f64>>;
/// fn halves(of: &[f64]) -> Job<Look<'_>> {
///     over(0..of.len()).shared(of).map(|i, of| of[i] / 2.0)
/// }
/// assert_eq!(halves(&[1.0, 3.0]).run(&Serial)?, [0.5, 1.5]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Two<F, O>(pub(crate) F, pub(crate) PhantomData<fn() -> O>);
/// The call form `f(item, cx)`.
///
/// ```
/// use partools_core::{Cx, Full, Job, Map, NoShared, NoState, Serial, over};
/// use std::ops::Range;
///
/// type Draw = fn(usize, &mut Cx<'_, (), ()>) -> usize;
/// fn indices(count: usize) -> Job<Map<Range<usize>, NoShared, NoState, Full<Draw, usize>>> {
///     over(7..7 + count).map_cx(|item, cx| item * 10 + cx.index)
/// }
/// assert_eq!(indices(3).run(&Serial)?, [70, 81, 92]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Full<F, O>(pub(crate) F, pub(crate) PhantomData<fn() -> O>);

/// What a closure of [`map_cx`](Over::map_cx) is handed beside its item.
///
/// ```
/// use partools_core::{Cx, Serial, over};
///
/// /// A function of its own names it: the view of the shared argument, and the state.
/// fn place(word: &&str, cx: &mut Cx<'_, &str, Vec<usize>>) -> (usize, Option<usize>) {
///     cx.state.extend(cx.shared.find(word));
///     (cx.index, cx.state.last().copied())
/// }
/// let places = over(&["sea", "shell"]).shared("sea shells").state(|_| Vec::new()).map_cx(place).run(&Serial)?;
/// assert_eq!(places, [(0, Some(0)), (1, Some(4))]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Cx<'c, V, W> {
    /// The shared argument; `()` where there is none.
    pub shared: V,
    /// The worker's state; `()` where there is none.
    pub state: &'c mut W,
    /// The item's index, from 0.
    pub index: usize,
    /// The number of the worker, from 0.
    pub worker: usize,
    /// 0 the first time, one more with each retry.
    pub attempt: u32,
    seed: u64,
}

impl<V, W> Cx<'_, V, W> {
    /// A generator of random numbers that depends on the plan's seed and the item's index alone, so that
    /// a seeded map gives the same numbers on every executor, whatever the workers and the chunks, and at
    /// every attempt. ChaCha with 8 rounds; the seed is the key, the index the stream, so that the
    /// numbers of different items are independent. Every call begins the item's stream anew.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use rand::RngExt;
    /// let draw = || over(0..3).seed(7).map_cx(|_, cx| cx.rng().random::<u32>()).run(&Serial);
    /// assert_eq!(draw()?, draw()?);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn rng(&self) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.index as u64);
        rng
    }
}

/// What the three call forms have in common: everything of a task but the calling.
macro_rules! task {
    ([$($generics:tt)*] $shared:ty, $kind:ty, where [$($bound:tt)*], |$map:ident, $state:ident, $span:ident, $out:ident| $body:block) => {
        impl<$($generics)* X: Items, G: Start, F, O> Task for Map<X, $shared, G, $kind>
        where
            $($bound)*
        {
            type State = G::State;
            type Output = O;
            fn count(&self) -> usize {
                Items::count(&self.items)
            }
            fn start(&self, worker: usize) -> Result<G::State, StartError> {
                self.start.start(worker)
            }
            // The writer is taken apart only where this is inlined into the loop that made it: then its variant is
            // known and its count is a register; else an item costs four times as much.
            #[inline(always)]
            fn call_chunk(&self, $state: &mut G::State, $span: &Span, $out: &mut Writer<'_, O>) {
                let $map = self;
                $body
            }
        }
    };
}

task!([] NoShared, One<F, O>, where [F: for<'a> Fn(ItemOf<'a, X>) -> O], |map, _state, span, out| {
    let f = &map.kind.0;
    map.items.each(span.range(), |item| out.push(f(item)), Walk);
});

task!([S: Shared,] With<S>, Two<F, O>, where [F: for<'a, 'b> Fn(ItemOf<'a, X>, ViewOf<'b, S>) -> O], |map, _state, span, out| {
    let f = &map.kind.0;
    map.items.each(span.range(), |item| out.push(f(item, map.shared.view())), Walk);
});

task!([S: Shared,] S, Full<F, O>, where [F: for<'a, 'b, 'c> Fn(ItemOf<'a, X>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> O], |map, state, span, out| {
    let Range { start: mut index, .. } = span.range();
    let mut attempt = span.attempt();
    map.items.each(span.range(), |item| {
        let mut cx = Cx {
            shared: map.shared.view(),
            state: &mut *state,
            index,
            worker: span.worker(),
            attempt,
            seed: span.seed(),
        };
        out.push((map.kind.0)(item, &mut cx));
        index += 1;
        attempt = 0;
    }, Walk);
});
