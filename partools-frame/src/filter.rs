//! `filter`: the rows of the groups that a function says yes to, in the order of the frame.

use crate::error::FrameError;
use crate::frame::Frame;
use crate::group_by::GroupBy;
use crate::keys::{Grouping, small};
use crate::partial::Partial;
use crate::run;
use crate::task::{CallGroup, GroupTask};
use arrow_array::UInt32Array;
use partools_core::{Executor, NoState, Shared, Start};

/// A closure over groups that says which to keep, ready to run. Made by [`GroupBy::filter`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Filter<S, K, G = NoState> {
    by: GroupBy<S, G>,
    call: K,
}

impl<S: Shared, G: Start, K: CallGroup<S, G::State, Part = bool>> Filter<S, K, G> {
    pub(crate) fn new(by: GroupBy<S, G>, call: K) -> Self {
        Filter { by, call }
    }

    /// Runs it on `executor`: the rows to keep, all columns, in the order of the frame.
    ///
    /// # Errors
    /// As for [`Apply::run`](crate::Apply::run).
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Frame, FrameError>
    where
        E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
    {
        let groups = self.by.grouping(executor.capabilities().workers())?;
        let keep = run::parts(&self.by, &groups, &self.call, executor)?;
        self.kept(&groups, &keep)
    }

    /// As [`run`](Self::run), with the failures of groups; their rows are left out.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for the failures of groups.
    pub fn try_run<'t, E>(&'t self, executor: &E) -> Result<Partial, FrameError>
    where
        E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
    {
        let groups = self.by.grouping(executor.capabilities().workers())?;
        let (keep, failures) = run::good_parts(&self.by, &groups, &self.call, executor)?;
        Ok(Partial::new(self.kept(&groups, &keep)?, failures))
    }

    /// The rows of the groups to keep.
    fn kept(&self, groups: &Grouping<'_>, keep: &[Option<bool>]) -> Result<Frame, FrameError> {
        let of = groups.group_of_rows(self.by.frame.num_rows());
        let is_kept =
            |group: &Option<u32>| group.is_some_and(|group| keep[group as usize] == Some(true));
        let rows = of.iter().enumerate().filter(|(_, group)| is_kept(group));
        let kept = rows.map(|(row, _)| small(row));
        self.by.frame.take(&UInt32Array::from_iter_values(kept))
    }
}
