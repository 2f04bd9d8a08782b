//! `transform`: a value for each row of the frame, in its order, from a function over the rows of a group.

use crate::error::FrameError;
use crate::form::Form;
use crate::frame::Frame;
use crate::group_by::GroupBy;
use crate::keys::{Grouping, RowsOf, small};
use crate::output::{Columns, Output};
use crate::partial::Partial;
use crate::run;
use crate::task::{CallGroup, GroupTask};
use arrow_array::UInt32Array;
use partools_core::{Executor, NoState, Shared, Start};

/// A closure over groups that gives a value for each row, ready to run. Made by [`GroupBy::transform`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Transform<S, K, R, G = NoState>(Form<S, K, R, G>);

impl<S, K, R, G> Transform<S, K, R, G>
where
    S: Shared,
    G: Start,
    K: CallGroup<S, G::State, Part = R::Part>,
    R: Output,
{
    pub(crate) fn new(by: GroupBy<S, G>, call: K) -> Self {
        Transform(Form::new(by, call))
    }

    /// Names the columns that the closure returns; `value` where it has no name of its own.
    pub fn named<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.0.set_names(names);
        self
    }

    /// Runs it on `executor`: a frame of what the closure returned, with as many rows as the frame that was grouped.
    ///
    /// # Errors
    /// As for [`Apply::run`](crate::Apply::run); and where a group returns another number of rows than it has.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Frame, FrameError>
    where
        E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
    {
        let (groups, parts) = self.0.parts(executor)?;
        self.assemble(&groups, parts)
    }

    /// As [`run`](Self::run), with the failures of groups beside the results of the others; their rows are null.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for the failures of groups.
    pub fn try_run<'t, E>(&'t self, executor: &E) -> Result<Partial, FrameError>
    where
        E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
    {
        let (groups, parts, failures) = self.0.good_parts(executor)?;
        let frame = self.assemble(&groups, parts)?;
        Ok(Partial::new(frame, failures))
    }

    fn assemble(
        &self,
        groups: &Grouping<'static>,
        parts: Vec<Option<R::Part>>,
    ) -> Result<Frame, FrameError> {
        let (of, columns) = run::columns::<R>(groups, parts)?;
        let rows = places(groups, &of, &columns, self.0.by.frame.num_rows())?;
        let spread = |(name, array): (String, _)| {
            let spread = arrow_select::take::take(&array, &rows, None);
            spread
                .map(|array| (name.clone(), array))
                .map_err(|e| FrameError::arrow(format!("{name:?} could not be put in order"), e))
        };
        let columns = self.0.named(columns)?.into_iter();
        Frame::new(columns.map(spread).collect::<Result<Vec<_>, _>>()?)
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
