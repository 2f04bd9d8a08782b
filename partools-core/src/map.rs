//! The task that `over(items)` makes, in its three call forms; and what a closure is handed. No view or item can outlive the
//! call that it was lent for.

use crate::item_error::Cause;
use crate::items::{ItemOf, Items, sealed::Walk};
use crate::shared::{NoShared, Shared, ViewOf, With};
use crate::state::{Start, StartError};
use crate::stream::{Berth, Each, Fetch, Persistent, Sending};
use crate::task::{Span, Task};
use crate::writer::Writer;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::marker::PhantomData;
use std::ops::Range;

/// The task that [`Over`](crate::Over) makes: items, shared argument, state and closure.
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

impl<X: Items, S, G, K> Map<X, S, G, K> {
    /// Asked of a [`Persistent`] alone, which is one because its items say how.
    fn sending(&self) -> &Sending<X> {
        self.items.sending().expect("items that can be sent")
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

/// What a closure of [`map_cx`](crate::Over::map_cx) is handed beside its item.
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

impl<'c, V, W> Cx<'c, V, W> {
    /// What the closure of a task of your own is handed beside the item at `index`, one of `span`'s.
    ///
    /// ```
    /// use partools_core::{Cx, Job, Serial, Span, StartError, Task, Writer};
    ///
    /// struct Words<F>(F);
    /// impl<F: Fn(&mut Cx<'_, (), String>)> Task for Words<F> {
    ///     type State = String;
    ///     type Output = String;
    ///     fn count(&self) -> usize { 2 }
    ///     fn start(&self, worker: usize) -> Result<String, StartError> { Ok(format!("worker {worker}:")) }
    ///     fn call_chunk(&self, state: &mut String, span: &Span, out: &mut Writer<'_, String>) {
    ///         for index in span.range() {
    ///             (self.0)(&mut Cx::new(span, index, (), state));
    ///             out.push(state.clone());
    ///         }
    ///     }
    /// }
    /// let words = Words(|cx: &mut Cx<'_, (), String>| cx.state.push_str(&cx.index.to_string()));
    /// assert_eq!(Job::new(words).run(&Serial)?, ["worker 0:0", "worker 0:01"]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[inline]
    pub fn new(span: &Span, index: usize, shared: V, state: &'c mut W) -> Self {
        let is_first = index == span.range.start;
        Cx {
            shared,
            state,
            index,
            worker: span.worker,
            attempt: if is_first { span.attempt } else { 0 },
            seed: span.seed,
        }
    }
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
    ([$($generics:tt)*] $shared:ty, $kind:ty, where [$($bound:tt)*], |$map:ident, $items:ident, $state:ident, $span:ident, $out:ident| $body:block) => {
        impl<$($generics)* X: Items, G: Start, F, O> Map<X, $shared, G, $kind>
        where
            $($bound)*
        {
            // The writer is taken apart only where this is inlined into the loop that made it: then its variant is
            // known and its count is a register; else an item costs four times as much.
            #[inline(always)]
            fn call_on(&self, $items: &X, $state: &mut G::State, $span: &Span, $out: &mut Writer<'_, O>) {
                let $map = self;
                $body
            }
        }

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
            #[inline(always)]
            fn call_chunk(&self, state: &mut G::State, span: &Span, out: &mut Writer<'_, O>) {
                self.call_on(&self.items, state, span, out);
            }
            fn persistent(&self) -> Option<&dyn Persistent<State = G::State, Output = O>> {
                self.items.sending().is_some().then_some(self as _)
            }
        }

        impl<$($generics)* X: Items, G: Start, F, O> Persistent for Map<X, $shared, G, $kind>
        where
            $($bound)*
        {
            type State = G::State;
            type Output = O;
            fn berth(&self) -> &Berth {
                &self.sending().berth
            }
            fn first(&self) -> usize {
                (self.sending().first)(&self.items)
            }
            fn pack(&self, each: &mut Each<'_>) {
                (self.sending().pack)(&self.items, each);
            }
            fn call(
                &self,
                state: &mut G::State,
                span: &Span,
                first: usize,
                fetch: &mut Fetch<'_>,
                out: &mut Writer<'_, O>,
            ) -> Option<Cause> {
                self.sending().call(span, first, fetch, out, |items, span, out| {
                    self.call_on(items, state, span, out);
                })
            }
        }
    };
}

task!([] NoShared, One<F, O>, where [F: for<'a> Fn(ItemOf<'a, X>) -> O], |map, items, _state, span, out| {
    let f = &map.kind.0;
    items.each(span.range(), |item| out.push(f(item)), Walk);
});

task!([S: Shared,] With<S>, Two<F, O>, where [F: for<'a, 'b> Fn(ItemOf<'a, X>, ViewOf<'b, S>) -> O], |map, items, _state, span, out| {
    let f = &map.kind.0;
    items.each(span.range(), |item| out.push(f(item, map.shared.view())), Walk);
});

task!([S: Shared,] S, Full<F, O>, where [F: for<'a, 'b, 'c> Fn(ItemOf<'a, X>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> O], |map, items, state, span, out| {
    let Range { start: mut index, .. } = span.range();
    items.each(span.range(), |item| {
        let mut cx = Cx::new(span, index, map.shared.view(), &mut *state);
        out.push((map.kind.0)(item, &mut cx));
        index += 1;
    }, Walk);
});
