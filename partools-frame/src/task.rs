//! The task whose items are groups: near, where the map was called, and far, where a worker elsewhere runs it.

use crate::frame::Frame;
use crate::group::Group;
use crate::group_error::GroupError;
use crate::keys::Grouping;
use crate::output::Output;
use crate::scratch::Scratch;
use partools_core::wire::WireError;
use partools_core::{
    Attach, Layout, LendView, NoShared, PortableTask, Remote, Shared, SharedArg, Span, StartError,
    Task, ViewOf, With, Writer,
};
use std::marker::PhantomData;
use std::sync::Arc;

/// What is called for every group.
pub trait CallGroup<S: Shared> {
    /// What travels from the worker.
    type Part;

    /// Calls it for one group; `None` skips the group.
    ///
    /// # Errors
    /// The group's failure.
    fn call(&self, group: &Group<'_>, shared: &S) -> Result<Option<Self::Part>, GroupError>;
}

/// A closure over the group alone.
#[derive(Debug, Clone, Copy)]
pub struct Alone<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

/// A closure over the group and the shared argument.
#[derive(Debug, Clone, Copy)]
pub struct WithShared<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

impl<F, R: Output> CallGroup<NoShared> for Alone<F, R>
where
    F: for<'a, 'g> Fn(&'a Group<'g>) -> R,
{
    type Part = R::Part;
    fn call(&self, group: &Group<'_>, _: &NoShared) -> Result<Option<R::Part>, GroupError> {
        (self.0)(group).into_part()
    }
}

impl<S: Shared, F, R: Output> CallGroup<With<S>> for WithShared<F, R>
where
    F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
{
    type Part = R::Part;
    fn call(&self, group: &Group<'_>, shared: &With<S>) -> Result<Option<R::Part>, GroupError> {
        (self.0)(group, shared.view()).into_part()
    }
}

/// A map over the groups of a frame; what an executor is asked to run.
#[derive(Debug)]
pub struct GroupTask<'t, S, K> {
    pub(crate) frame: &'t Frame,
    pub(crate) groups: Arc<Grouping<'static>>,
    pub(crate) shared: &'t S,
    pub(crate) call: &'t K,
}

/// The same on the far side. A worker there has a decoded copy of the frame; the lists of rows it reads where they are
/// mapped.
#[derive(Debug)]
pub struct FarGroups<'m, S, K> {
    frame: Frame,
    groups: Grouping<'m>,
    shared: S,
    call: K,
}

/// A shared argument on the far side: it lends what the near one does.
pub struct FarShared<'m, S: SharedArg>(S::Attached<'m>);

impl<'v, S: SharedArg> LendView<'v> for FarShared<'_, S> {
    type View = ViewOf<'v, S>;
}
impl<S: SharedArg> Shared for FarShared<'_, S> {
    fn view(&self) -> ViewOf<'_, S> {
        S::view_of(&self.0)
    }
}

impl<S: SharedArg> std::fmt::Debug for FarShared<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FarShared").finish_non_exhaustive()
    }
}

macro_rules! task {
    ($type:ident, |$task:ident| $shared:expr, $call:expr) => {
        impl<S: Shared, K: CallGroup<S>> Task for $type<'_, S, K> {
            type State = Scratch;
            type Output = Result<Option<K::Part>, GroupError>;

            fn count(&self) -> usize {
                self.groups.count()
            }
            fn start(&self, _: usize) -> Result<Scratch, StartError> {
                Ok(Scratch::new(self.frame.batch().num_columns()))
            }
            fn call_chunk(
                &self,
                state: &mut Scratch,
                span: &Span,
                out: &mut Writer<'_, Self::Output>,
            ) {
                let $task = self;
                for index in span.range() {
                    state.turn();
                    let group = Group::new(&self.frame, &self.groups, state, index);
                    out.push($call.call(&group, $shared));
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

impl<S, K> GroupTask<'_, S, K> {
    /// Lays out what all such tasks have: the frame and its groups.
    pub(crate) fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.frame.lay(out)?;
        self.groups.keys.lay(out)?;
        out.value(&self.groups.rows.is_some())?;
        if let Some(rows) = &self.groups.rows {
            out.slice(rows);
        }
        out.slice(&self.groups.offsets);
        Ok(())
    }
}

impl<'m, S, K> FarGroups<'m, S, K> {
    /// Finds it again, checked, and what `rest` finds behind it.
    pub(crate) fn attach(
        from: &mut Attach<'m>,
        rest: impl FnOnce(&mut Attach<'m>) -> Result<(K, S), WireError>,
    ) -> Result<Self, WireError> {
        let frame = Frame::attach(from)?;
        let keys = Frame::attach(from)?;
        let rows: Option<&'m [u32]> = match from.value()? {
            true => Some(from.slice()?),
            false => None,
        };
        let offsets: &'m [u32] = from.slice()?;
        let count = frame.num_rows();
        let end = rows.map_or(count, <[u32]>::len);
        let fits = offsets.len() == keys.num_rows() + 1
            && offsets.windows(2).all(|pair| pair[0] <= pair[1])
            && offsets.last().is_some_and(|&last| last as usize <= end)
            && rows.is_none_or(|rows| rows.iter().all(|&row| (row as usize) < count));
        if !fits {
            return Err(WireError::new("groups that are not those of the frame"));
        }
        let groups = Grouping {
            rows: rows.map(Into::into),
            offsets: offsets.into(),
            keys,
        };
        let (call, shared) = rest(from)?;
        Ok(FarGroups {
            frame,
            groups,
            shared,
            call,
        })
    }
}

impl<F, R> PortableTask for GroupTask<'_, NoShared, Alone<F, R>>
where
    F: Remote + for<'a, 'g> Fn(&'a Group<'g>) -> R,
    R: Output,
{
    type Far<'m> = FarGroups<'m, NoShared, Alone<F, R>>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.lay(out)?;
        out.function(&self.call.0);
        Ok(())
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        FarGroups::attach(from, |from| {
            Ok((Alone(from.function()?, PhantomData), NoShared))
        })
    }
}

impl<S, F, R> PortableTask for GroupTask<'_, With<S>, WithShared<F, R>>
where
    S: SharedArg,
    F: Remote + for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    R: Output,
{
    type Far<'m> = FarGroups<'m, With<FarShared<'m, S>>, WithShared<F, R>>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.lay(out)?;
        out.function(&self.call.0);
        self.shared.0.lay(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        FarGroups::attach(from, |from| {
            let call = WithShared(from.function()?, PhantomData);
            Ok((call, With(FarShared(S::attach(from)?))))
        })
    }
}
