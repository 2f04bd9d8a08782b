//! The task whose items are the rows of an array: near, and far.

use super::values::{LendValue, Mapped, PortableValues, Values};
use crate::group_error::GroupError;
use crate::task::FarShared;
use partools_core::wire::WireError;
use partools_core::{
    Attach, Layout, NoShared, PortableTask, Remote, Shared, SharedArg, Span, StartError, Task,
    ViewOf, With, Writer,
};
use std::marker::PhantomData;

/// What is called for each value.
pub trait CallValue<A: Values, S: Shared> {
    /// What it returns.
    type Returned: Mapped;
    /// Calls it.
    fn call(&self, value: <A as LendValue<'_>>::Value, shared: &S) -> Self::Returned;
}

/// A closure over a value alone.
#[derive(Debug, Clone, Copy)]
pub struct OfValue<F, R>(pub(super) F, pub(super) PhantomData<fn() -> R>);

/// A closure over a value and the shared argument.
#[derive(Debug, Clone, Copy)]
pub struct OfValueShared<F, R>(pub(super) F, pub(super) PhantomData<fn() -> R>);

impl<A: Values, F, R: Mapped> CallValue<A, NoShared> for OfValue<F, R>
where
    F: for<'a> Fn(<A as LendValue<'a>>::Value) -> R,
{
    type Returned = R;
    fn call(&self, value: <A as LendValue<'_>>::Value, _: &NoShared) -> R {
        (self.0)(value)
    }
}

impl<A: Values, S: Shared, F, R: Mapped> CallValue<A, With<S>> for OfValueShared<F, R>
where
    F: for<'a, 'v> Fn(<A as LendValue<'a>>::Value, ViewOf<'v, S>) -> R,
{
    type Returned = R;
    fn call(&self, value: <A as LendValue<'_>>::Value, shared: &With<S>) -> R {
        (self.0)(value, shared.view())
    }
}

/// A map over the values of an array; what an executor is asked to run.
#[derive(Debug)]
pub struct SeriesTask<'t, A, S, K> {
    pub(super) array: &'t A,
    pub(super) shared: &'t S,
    pub(super) call: &'t K,
}

/// The same on the far side.
#[derive(Debug)]
pub struct FarSeries<A, S, K> {
    array: A,
    shared: S,
    call: K,
}

macro_rules! task {
    ([$($generics:tt)*] $type:ty, |$task:ident| $shared:expr, $call:expr) => {
        impl<$($generics)* A: Values, S: Shared, K: CallValue<A, S>> Task for $type {
            type State = ();
            type Output = Result<Option<<K::Returned as Mapped>::Part>, GroupError>;

            fn count(&self) -> usize {
                self.array.rows()
            }
            fn start(&self, _: usize) -> Result<(), StartError> {
                Ok(())
            }
            #[inline(always)]
            fn call_chunk(&self, (): &mut (), span: &Span, out: &mut Writer<'_, Self::Output>) {
                let $task = self;
                for row in span.range() {
                    out.push(match self.array.at(row) {
                        Some(value) => $call.call(value, $shared).into_part(),
                        None => Ok(None),
                    });
                }
            }
            fn label(&self, index: usize) -> Option<String> {
                Some(format!("row {index}"))
            }
        }
    };
}
task!(['t,] SeriesTask<'t, A, S, K>, |task| task.shared, task.call);
task!([] FarSeries<A, S, K>, |task| &task.shared, task.call);

impl<A, F, R> PortableTask for SeriesTask<'_, A, NoShared, OfValue<F, R>>
where
    A: PortableValues,
    OfValue<F, R>: CallValue<A, NoShared, Returned = R>,
    F: Remote + for<'a> Fn(<A::Far as LendValue<'a>>::Value) -> R,
    R: Mapped,
{
    type Far<'m> = FarSeries<A::Far, NoShared, OfValue<F, R>>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.function(&self.call.0);
        self.array.lay(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        let call = OfValue(from.function()?, PhantomData);
        let array = A::attach(from)?;
        Ok(FarSeries {
            array,
            shared: NoShared,
            call,
        })
    }
}

impl<A, S, F, R> PortableTask for SeriesTask<'_, A, With<S>, OfValueShared<F, R>>
where
    A: PortableValues,
    S: SharedArg,
    OfValueShared<F, R>: CallValue<A, With<S>, Returned = R>,
    F: Remote + for<'a, 'v> Fn(<A::Far as LendValue<'a>>::Value, ViewOf<'v, S>) -> R,
    R: Mapped,
{
    type Far<'m> = FarSeries<A::Far, With<FarShared<'m, S>>, OfValueShared<F, R>>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.function(&self.call.0);
        self.array.lay(out)?;
        self.shared.0.lay(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        let call = OfValueShared(from.function()?, PhantomData);
        let array = A::attach(from)?;
        let shared = With(FarShared::attach(from)?);
        Ok(FarSeries {
            array,
            shared,
            call,
        })
    }
}
