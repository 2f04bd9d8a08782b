//! `transform`: a value for each row of the frame, in its order, from a function over the rows of a group.

use crate::error::FrameError;
use crate::frame::Frame;
use crate::group_by::GroupBy;
use crate::keys::{Grouping, RowsOf, small};
use crate::names::named;
use crate::output::{Columns, Output};
use crate::run;
use crate::task::{CallGroup, GroupTask};
use arrow_array::UInt32Array;
use partools_core::{Executor, Shared};
use std::marker::PhantomData;

/// A closure over groups that gives a value for each row, ready to run. Made by [`GroupBy::transform`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Transform<S, K, R> {
    by: GroupBy<S>,
    call: K,
    names: Option<Vec<String>>,
    returned: PhantomData<fn() -> R>,
}

impl<S: Shared, K: CallGroup<S, Part = R::Part>, R: Output> Transform<S, K, R> {
    pub(crate) fn new(by: GroupBy<S>, call: K) -> Self {
        Transform {
            by,
            call,
            names: None,
            returned: PhantomData,
        }
    }

    /// Names the columns that the closure returns; `value` where it has no name of its own.
    pub fn named<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Runs it on `executor`: a frame of what the closure returned, with as many rows as the frame that was grouped.
    ///
    /// # Errors
    /// As for [`Apply::run`](crate::Apply::run); and where a group returns another number of rows than it has.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Frame, FrameError>
    where
        E: Executor<GroupTask<'t, S, K>> + ?Sized,
    {
        let groups = self.by.grouping()?;
        let parts = run::parts(&self.by, &groups, &self.call, executor)?;
        let (of, parts): (Vec<u32>, Vec<R::Part>) = parts
            .into_iter()
            .enumerate()
            .filter_map(|(group, part)| Some((small(group), part?)))
            .unzip();
        let columns = R::columns(parts).map_err(|e| run::mismatch(&groups, &of, e))?;
        let rows = places(&groups, &of, &columns, self.by.frame.num_rows())?;
        let Columns { arrays, names, .. } = columns;
        let spread = |(name, array): (String, _)| {
            let spread = arrow_select::take::take(&array, &rows, None);
            spread
                .map(|array| (name.clone(), array))
                .map_err(|e| FrameError::arrow(format!("{name:?} could not be put in order"), e))
        };
        let columns = named(arrays, names, self.names.as_deref())?;
        Frame::new(
            columns
                .into_iter()
                .map(spread)
                .collect::<Result<Vec<_>, _>>()?,
        )
    }
}

/// For each row of the frame, where its value stands in what the groups returned.
fn places(
    groups: &Grouping<'_>,
    of: &[u32],
    columns: &Columns,
    rows: usize,
) -> Result<UInt32Array, FrameError> {
    let mut places: Vec<Option<u32>> = vec![None; rows];
    let mut next = 0;
    for (part, &group) in of.iter().enumerate() {
        let group = group as usize;
        let rows = groups.rows(group);
        let length = columns.lengths.as_ref().map(|lengths| lengths[part]);
        if let Some(length) = length.filter(|&length| length != rows.len()) {
            let place = format!(
                "a transform gives one for each row of group {}, or one for all",
                groups.key(group)
            );
            return Err(FrameError::length("value", length, rows.len(), place));
        }
        let mut put = |row: usize| {
            places[row] = Some(small(next));
            next += usize::from(length.is_some());
        };
        match rows {
            RowsOf::List(list) => list.iter().for_each(|&row| put(row as usize)),
            RowsOf::Range(start, len) => (start..start + len).for_each(&mut put),
        }
        next += usize::from(length.is_none());
    }
    Ok(UInt32Array::from(places))
}
