//! What the endings of all forms have in common: the map over the groups, and failures that name their group.

use crate::error::{FrameError, GroupFailure};
use crate::group_by::GroupBy;
use crate::group_error::GroupError;
use crate::keys::Grouping;
use crate::output::Mismatch;
use crate::task::{CallGroup, GroupTask};
use partools_core::{Executor, Failed, Shared};
use std::sync::Arc;

/// What became of each group: a part, nothing where it was skipped, or a failure.
pub(crate) type Outcome<P> = Result<Option<P>, GroupFailure>;

/// All parts, or the failure of the first group that failed.
pub(crate) fn parts<'t, S, K, E>(
    by: &'t GroupBy<S>,
    groups: &Arc<Grouping<'static>>,
    call: &'t K,
    executor: &E,
) -> Result<Vec<Option<K::Part>>, FrameError>
where
    S: Shared,
    K: CallGroup<S>,
    E: Executor<GroupTask<'t, S, K>> + ?Sized,
{
    by.job(groups, call)
        .run_ok(executor)
        .map_err(|failed| match failed {
            Failed::Item { index, error } => {
                FrameError::group(GroupFailure::returned(index, groups.key(index), error))
            }
            Failed::Map(error) => match error.into_item() {
                Ok(item) => {
                    let index = item.index();
                    FrameError::group(GroupFailure::item(index, groups.key(index), item))
                }
                Err(error) => error.into(),
            },
        })
}

/// The outcome of each group.
pub(crate) fn outcomes<'t, S, K, E>(
    by: &'t GroupBy<S>,
    groups: &Arc<Grouping<'static>>,
    call: &'t K,
    executor: &E,
) -> Result<Vec<Outcome<K::Part>>, FrameError>
where
    S: Shared,
    K: CallGroup<S>,
    E: Executor<GroupTask<'t, S, K>> + ?Sized,
{
    let outcomes = by.job(groups, call).try_run(executor)?;
    let name = |(index, outcome): (usize, Result<Result<_, GroupError>, _>)| match outcome {
        Ok(Ok(part)) => Ok(part),
        Ok(Err(error)) => Err(GroupFailure::returned(index, groups.key(index), error)),
        Err(item) => Err(GroupFailure::item(index, groups.key(index), item)),
    };
    Ok(outcomes.into_iter().enumerate().map(name).collect())
}

/// Names the groups whose parts do not fit together; `of[part]` is the group of a part.
pub(crate) fn mismatch(groups: &Grouping<'_>, of: &[u32], mismatch: Mismatch) -> FrameError {
    let key = |part: usize| groups.key(of[part] as usize);
    FrameError::schema(
        key(mismatch.part),
        mismatch.found,
        mismatch.expected,
        key(0),
    )
}
