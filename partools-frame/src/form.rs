//! What `apply` and `transform` have in common: groups, a closure, and names for the columns that it returns.

use crate::error::{FrameError, GroupFailure};
use crate::group_by::GroupBy;
use crate::keys::Grouping;
use crate::names::named;
use crate::output::{Columns, Output};
use crate::run;
use crate::task::{CallGroup, GroupTask};
use arrow_array::ArrayRef;
use partools_core::{Executor, Shared, Start};
use std::marker::PhantomData;
use std::sync::Arc;

/// A closure over groups whose parts become columns.
#[derive(Debug, Clone)]
pub(crate) struct Form<S, K, R, G> {
    pub(crate) by: GroupBy<S, G>,
    pub(crate) call: K,
    names: Option<Vec<String>>,
    returned: PhantomData<fn() -> R>,
}

impl<S: Shared, G: Start, K: CallGroup<S, G::State, Part = R::Part>, R: Output> Form<S, K, R, G> {
    pub(crate) fn new(by: GroupBy<S, G>, call: K) -> Self {
        Form {
            by,
            call,
            names: None,
            returned: PhantomData,
        }
    }

    pub(crate) fn set_names<N: Into<String>>(&mut self, names: impl IntoIterator<Item = N>) {
        self.names = Some(names.into_iter().map(Into::into).collect());
    }

    /// The groups, and what the closure returned for each.
    #[expect(clippy::type_complexity, reason = "two things that belong together")]
    pub(crate) fn parts<'t, E>(
        &'t self,
        executor: &E,
    ) -> Result<(Arc<Grouping<'static>>, Vec<Option<R::Part>>), FrameError>
    where
        E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
    {
        let groups = self.by.grouping(executor.capabilities().workers())?;
        let parts = run::parts(&self.by, &groups, &self.call, executor)?;
        Ok((groups, parts))
    }

    /// As [`parts`](Self::parts), with the failures of groups, which then have no part.
    #[expect(clippy::type_complexity, reason = "three things that belong together")]
    pub(crate) fn good_parts<'t, E>(
        &'t self,
        executor: &E,
    ) -> Result<
        (
            Arc<Grouping<'static>>,
            Vec<Option<R::Part>>,
            Vec<GroupFailure>,
        ),
        FrameError,
    >
    where
        E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
    {
        let groups = self.by.grouping(executor.capabilities().workers())?;
        let (parts, failures) = run::good_parts(&self.by, &groups, &self.call, executor)?;
        Ok((groups, parts, failures))
    }

    /// The columns under their names.
    pub(crate) fn named(&self, columns: Columns) -> Result<Vec<(String, ArrayRef)>, FrameError> {
        named(columns.arrays, columns.names, self.names.as_deref())
    }
}
