//! `apply`: what a function returns for each group, the results below one another, with their keys.

use crate::error::FrameError;
use crate::form::Form;
use crate::frame::Frame;
use crate::group_by::GroupBy;
use crate::keys::{Grouping, small};
use crate::output::Output;
use crate::partial::Partial;
use crate::run;
use crate::task::{CallGroup, GroupTask};
use arrow_array::UInt32Array;
use partools_core::{Executor, NoState, Shared, Start};

/// A closure over groups, ready to run. Made by [`GroupBy::apply`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Apply<S, K, R, G = NoState>(Form<S, K, R, G>);

impl<S: Shared, G: Start, K: CallGroup<S, G::State, Part = R::Part>, R: Output> Apply<S, K, R, G> {
    pub(crate) fn new(by: GroupBy<S, G>, call: K) -> Self {
        Apply(Form::new(by, call))
    }

    /// Names the columns that the closure returns; `value`, or `value_0`, `value_1` and so on where they have no names
    /// of their own.
    pub fn named<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.0.set_names(names);
        self
    }

    /// Runs it on `executor`: the keys, and what the closure returned for them.
    ///
    /// # Errors
    /// The failure of the first group that fails, by its key; a column that is not there, names that stand twice, parts
    /// of groups that do not fit together; or what kept the map from running.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Frame, FrameError>
    where
        E: Executor<GroupTask<'t, S, K, G>> + ?Sized,
    {
        let (groups, parts) = self.0.parts(executor)?;
        self.assemble(&groups, parts)
    }

    /// As [`run`](Self::run), with the failures of groups beside the results of the others.
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
        let mut order = None;
        let of_rows = match &columns.lengths {
            None => UInt32Array::from(of),
            Some(lengths) => {
                if self.0.by.keep_order {
                    order = Some(input_order(groups, &of, lengths)?);
                }
                let repeated = of.iter().zip(lengths);
                UInt32Array::from_iter_values(
                    repeated.flat_map(|(&g, &n)| std::iter::repeat_n(g, n)),
                )
            }
        };
        let mut all = self.0.by.key_columns(groups, &of_rows)?;
        all.extend(self.0.named(columns)?);
        let frame = Frame::new(all)?;
        match order {
            None => Ok(frame),
            Some(order) => frame.take(&order),
        }
    }
}

/// Which of the rows that closures returned comes first, second and so on in the order of the frame.
fn input_order(
    groups: &Grouping<'_>,
    of: &[u32],
    lengths: &[usize],
) -> Result<UInt32Array, FrameError> {
    let mut places: Vec<(u32, u32)> = Vec::new();
    for (&group, &length) in of.iter().zip(lengths) {
        let rows = groups.rows(group as usize).to_vec();
        if rows.len() != length {
            let key = groups.key(group as usize);
            let place = format!("`keep_order` takes as many rows as group {key} has");
            return Err(FrameError::length("value", length, rows.len(), place));
        }
        for row in rows {
            let at = small(places.len());
            places.push((row, at));
        }
    }
    // Each group's rows ascend, so this merges runs.
    places.sort();
    Ok(UInt32Array::from_iter_values(
        places.into_iter().map(|(_, at)| at),
    ))
}
