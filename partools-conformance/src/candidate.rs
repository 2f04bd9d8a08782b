//! What an executor must take to be tested: the suite's own tasks, listed (see the crate's page for why).

use crate::tasks::{
    Aligned, Bulk, Counted, Drawn, Explosive, Fallible, Nested, NoSpace, Probe, Script, Stateful,
    Worded,
};
use partools_core::{ErrorsAsText, Executor};

/// An executor for every task of the suite. Implemented for all that are; there is nothing to implement.
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
{
}
