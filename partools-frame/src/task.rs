//! The task whose items are groups: near, where the map was called, and far, where a worker elsewhere runs it.

mod far;

use crate::frame::Frame;
use crate::group::Group;
use crate::group_error::GroupError;
use crate::keys::Grouping;
use crate::output::Output;
use crate::scratch::Scratch;
pub use far::{FarGroups, FarShared};
use partools_core::{
    Cx, NoShared, NoState, Shared, Span, Start, StartError, Task, ViewOf, With, Writer,
};
use std::marker::PhantomData;
use std::sync::Arc;

/// What is called for every group, on a worker whose state is `W`.
pub trait CallGroup<S: Shared, W = ()> {
    /// What travels from the worker.
    type Part;

    /// Calls it for one group; `None` skips the group.
    ///
    /// # Errors
    /// The group's failure.
    fn call(
        &self,
        group: &Group<'_>,
        shared: &S,
        state: &mut W,
        span: &Span,
    ) -> Result<Option<Self::Part>, GroupError>;
}

/// A closure over the group alone.
#[derive(Debug, Clone, Copy)]
pub struct Alone<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

/// A closure over the group and the shared argument.
#[derive(Debug, Clone, Copy)]
pub struct WithShared<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

/// A closure over the group and a [`Cx`]: the shared argument, the worker's state, random numbers.
#[derive(Debug, Clone, Copy)]
pub struct InContext<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

impl<F, R: Output, W> CallGroup<NoShared, W> for Alone<F, R>
where
    F: for<'a, 'g> Fn(&'a Group<'g>) -> R,
{
    type Part = R::Part;
    #[inline]
    fn call(
        &self,
        group: &Group<'_>,
        _: &NoShared,
        _: &mut W,
        _: &Span,
    ) -> Result<Option<R::Part>, GroupError> {
        (self.0)(group).into_part()
    }
}

impl<S: Shared, F, R: Output, W> CallGroup<With<S>, W> for WithShared<F, R>
where
    F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
{
    type Part = R::Part;
    #[inline]
    fn call(
        &self,
        group: &Group<'_>,
        shared: &With<S>,
        _: &mut W,
        _: &Span,
    ) -> Result<Option<R::Part>, GroupError> {
        (self.0)(group, shared.view()).into_part()
    }
}

impl<S: Shared, F, R: Output, W> CallGroup<S, W> for InContext<F, R>
where
    F: for<'a, 'g, 'b, 'c> Fn(&'a Group<'g>, &'c mut Cx<'b, ViewOf<'b, S>, W>) -> R,
{
    type Part = R::Part;
    #[inline]
    fn call(
        &self,
        group: &Group<'_>,
        shared: &S,
        state: &mut W,
        span: &Span,
    ) -> Result<Option<R::Part>, GroupError> {
        let mut cx = Cx::new(span, group.index(), shared.view(), state);
        (self.0)(group, &mut cx).into_part()
    }
}

/// A map over the groups of a frame; what an executor is asked to run.
#[derive(Debug)]
pub struct GroupTask<'t, S, K, G = NoState> {
    pub(crate) frame: &'t Frame,
    pub(crate) groups: Arc<Grouping<'static>>,
    pub(crate) shared: &'t S,
    pub(crate) start: &'t G,
    pub(crate) call: &'t K,
}

macro_rules! task {
    ($type:ident, |$task:ident| $shared:expr, $call:expr) => {
        impl<S: Shared, K: CallGroup<S, G::State>, G: Start> Task for $type<'_, S, K, G> {
            /// The worker's buffers, and the user's state.
            type State = (Scratch, G::State);
            type Output = Result<Option<K::Part>, GroupError>;

            fn count(&self) -> usize {
                self.groups.count()
            }
            fn start(&self, worker: usize) -> Result<Self::State, StartError> {
                let scratch = Scratch::new(self.frame.batch().num_columns());
                Ok((scratch, self.start.start(worker)?))
            }
            #[inline(always)]
            fn call_chunk(
                &self,
                (scratch, state): &mut Self::State,
                span: &Span,
                out: &mut Writer<'_, Self::Output>,
            ) {
                let $task = self;
                for index in span.range() {
                    scratch.turn();
                    let group = Group::new(&self.frame, &self.groups, scratch, index);
                    out.push($call.call(&group, $shared, state, span));
                }
            }
            fn label(&self, index: usize) -> Option<String> {
                Some(format!("group {}", self.groups.key(index)))
            }
        }
    };
}
task!(GroupTask, |task| task.shared, task.call);
task!(FarGroups, |task| &task.shared, &task.call);
