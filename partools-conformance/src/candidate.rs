//! What an executor must take to be tested: the suite's own tasks, listed (see the crate's page for why).

use crate::tasks::{
    Aligned, Bulk, Counted, Drawn, Explosive, Fallible, Nested, NoSpace, Probe, Script, Stateful,
    Sum, Waves, Worded,
};
use partools_core::{ErrorsAsText, Executor, Folded};

/// An executor for every task of the suite. Implemented for all that are; there is nothing to implement.
///
/// ```
/// use partools_conformance::{Candidate, Case, Subject, cases};
/// use partools_core::Serial;
/// fn all_but_the_slow<E: Candidate>(subject: Subject<E>) -> Vec<Case> {
///     cases(subject).into_iter().filter(|case| !case.name().ends_with("_of_100000")).collect()
/// }
/// assert!(all_but_the_slow(Subject::new("serial", |_workers| Serial)).len() > 100);
/// ```
///
/// The tasks, as errors of the compiler name them:
///
/// | task | its items | its outputs |
/// |---|---|---|
/// | `Probe<O>` | pure functions of their index, one of which may panic | of one kind for each way in which an output can be hard to move: `()`, `u8`, `f64`, `String`, `Vec<f64>` of uneven lengths, `Nested` structs, `NoSpace`, `Aligned` to 64 bytes, `Counted` drops, `Explosive` drops, 5 MB as `Vec<u64>` and as `Bulk` text |
/// | `Script` | panic, crash, sleep or hang as they are told | texts |
/// | `Fallible` | return an error where they are told | `Result`, with an error that serde can carry |
/// | `ErrorsAsText<&Worded>` | the same | `Result`, with the text of an error that serde cannot carry |
/// | `Stateful` | count themselves in their worker's state, which may be hard to make or to drop | numbers |
/// | `Drawn` | draw random numbers | numbers |
/// | `Folded<&Waves, Sum>` | blocks of numbers, one of which may panic | their sums |
/// | `Nest<F>`, for [`Subject::new`](crate::Subject::new) | run a map on an executor that `F` makes | texts |
///
/// An executor that asks a trait of its own of a task implements that trait for them; they lie in
/// `partools_conformance::tasks`, whose names may change from release to release:
///
/// ```
/// use partools_conformance::tasks::{Probe, Product};
/// trait Shippable {
///     fn address(&self) -> String;
/// }
/// impl<O: Product> Shippable for Probe<O> {
///     fn address(&self) -> String { format!("a probe of {}", O::NAME) }
/// }
/// assert_eq!(Probe::<f64>::new(7).address(), "a probe of floats");
/// ```
pub trait Candidate:
    Sized
    + 'static
    + Executor<Probe<()>>
    + Executor<Probe<u8>>
    + Executor<Probe<f64>>
    + Executor<Probe<String>>
    + Executor<Probe<Vec<f64>>>
    + Executor<Probe<Nested>>
    + Executor<Probe<NoSpace>>
    + Executor<Probe<Aligned>>
    + Executor<Probe<Counted>>
    + Executor<Probe<Explosive>>
    + Executor<Probe<Vec<u64>>>
    + Executor<Probe<Bulk>>
    + Executor<Script>
    + Executor<Fallible>
    + for<'t> Executor<ErrorsAsText<&'t Worded>>
    + Executor<Stateful>
    + Executor<Drawn>
    + for<'t> Executor<Folded<&'t Waves, Sum>>
{
}

impl<E> Candidate for E where
    E: Sized
        + 'static
        + Executor<Probe<()>>
        + Executor<Probe<u8>>
        + Executor<Probe<f64>>
        + Executor<Probe<String>>
        + Executor<Probe<Vec<f64>>>
        + Executor<Probe<Nested>>
        + Executor<Probe<NoSpace>>
        + Executor<Probe<Aligned>>
        + Executor<Probe<Counted>>
        + Executor<Probe<Explosive>>
        + Executor<Probe<Vec<u64>>>
        + Executor<Probe<Bulk>>
        + Executor<Script>
        + Executor<Fallible>
        + for<'t> Executor<ErrorsAsText<&'t Worded>>
        + Executor<Stateful>
        + Executor<Drawn>
        + for<'t> Executor<Folded<&'t Waves, Sum>>
{
}
