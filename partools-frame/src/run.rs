//! What the endings of all forms have in common: the map over the groups, failures that name their group, and the columns
//! that the parts of all groups make.

use crate::error::{FrameError, GroupFailure};
use crate::group_by::GroupBy;
use crate::keys::{Grouping, small};
use crate::output::{Columns, Mismatch, Output};
use crate::task::{CallGroup, GroupTask};
use partools_core::{Executor, Failed, Shared, Start};
use std::sync::Arc;

/// All parts, or the failure of the first group that failed.
pub(crate) fn parts<'t, S, G, K, E>(
    by: &'t GroupBy<S, G>,
    groups: &Arc<Grouping<'static>>,
    call: &'t K,
    executor: &E,
) -> Result<Vec<Option<K::Part>>, FrameError>
where
    S: Shared,
    G: Start,
    K: CallGroup<S, G::State>,
    E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
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

/// The parts of the groups that did not fail, none for the others, and the failures.
#[expect(clippy::type_complexity, reason = "two things that belong together")]
pub(crate) fn good_parts<'t, S, G, K, E>(
    by: &'t GroupBy<S, G>,
    groups: &Arc<Grouping<'static>>,
    call: &'t K,
    executor: &E,
) -> Result<(Vec<Option<K::Part>>, Vec<GroupFailure>), FrameError>
where
    S: Shared,
    G: Start,
    K: CallGroup<S, G::State>,
    E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
{
    let mut failures = Vec::new();
    let outcomes = by.job(groups, call).try_run(executor)?;
    let good = outcomes.into_iter().enumerate().map(|(index, outcome)| {
        let failure = match outcome {
            Ok(Ok(part)) => return part,
            Ok(Err(error)) => GroupFailure::returned(index, groups.key(index), error),
            Err(item) => GroupFailure::item(index, groups.key(index), item),
        };
        failures.push(failure);
        None
    });
    Ok((good.collect(), failures))
}

/// The parts of the groups that were not skipped, and which groups those are.
pub(crate) fn not_skipped<P>(parts: Vec<Option<P>>) -> (Vec<u32>, Vec<P>) {
    let of = |(group, part): (usize, &Option<P>)| part.is_some().then(|| small(group));
    let of = parts.iter().enumerate().filter_map(of).collect();
    // `filter_map` collects them where they lie, as `flatten` does not; so there are never two copies of all.
    let there = |part: Option<P>| part;
    let mut parts: Vec<P> = parts.into_iter().filter_map(there).collect();
    parts.shrink_to_fit();
    (of, parts)
}

/// The columns that all parts make together, and the group of each part.
pub(crate) fn columns<R: Output>(
    groups: &Grouping<'_>,
    parts: Vec<Option<R::Part>>,
) -> Result<(Vec<u32>, Columns), FrameError> {
    let (of, parts) = not_skipped(parts);
    match R::columns(parts) {
        Ok(columns) => Ok((of, columns)),
        Err(mismatch) => Err(unlike(groups, &of, mismatch)),
    }
}

/// Names the groups whose parts do not fit together; `of[part]` is the group of a part.
fn unlike(groups: &Grouping<'_>, of: &[u32], mismatch: Mismatch) -> FrameError {
    let key = |part: usize| groups.key(of[part] as usize);
    FrameError::schema(
        key(mismatch.part),
        mismatch.found,
        mismatch.expected,
        key(0),
    )
}
