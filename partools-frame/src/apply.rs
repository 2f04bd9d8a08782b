//! `apply`: any function over the rows of a group; its results below one another, with their keys.

use crate::error::{FrameError, GroupFailure};
use crate::frame::Frame;
use crate::group_by::GroupBy;
use crate::keys::{Grouping, small};
use crate::names::named;
use crate::output::{Columns, Output};
use crate::run;
use crate::task::{CallGroup, GroupTask};
use arrow_array::{ArrayRef, UInt32Array};
use partools_core::{Executor, Shared};
use std::marker::PhantomData;
use std::sync::Arc;

/// A closure over groups, ready to run. Made by [`GroupBy::apply`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Apply<S, K, R> {
    by: GroupBy<S>,
    call: K,
    names: Option<Vec<String>>,
    returned: PhantomData<fn() -> R>,
}

/// What a map over groups gave where some of them failed: the rows of the others, and the failures.
#[derive(Debug)]
pub struct Partial {
    frame: Frame,
    failures: Vec<GroupFailure>,
}

impl Partial {
    /// The results of the groups that did not fail.
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The groups that failed, in order.
    #[must_use]
    pub fn failures(&self) -> &[GroupFailure] {
        &self.failures
    }

    /// Both.
    #[must_use]
    pub fn into_parts(self) -> (Frame, Vec<GroupFailure>) {
        (self.frame, self.failures)
    }
}

impl<S: Shared, K: CallGroup<S, Part = R::Part>, R: Output> Apply<S, K, R> {
    pub(crate) fn new(by: GroupBy<S>, call: K) -> Self {
        Apply {
            by,
            call,
            names: None,
            returned: PhantomData,
        }
    }

    /// Names the columns that the closure returns; `value`, or `value_0`, `value_1` and so on where they have no names
    /// of their own.
    pub fn named<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Runs it on `executor`: the keys, and what the closure returned for them.
    ///
    /// # Errors
    /// The failure of the first group that fails, by its key; a column that is not there, names that stand twice, parts
    /// of groups that do not fit together; or what kept the map from running.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Frame, FrameError>
    where
        E: Executor<GroupTask<'t, S, K>> + ?Sized,
    {
        let groups = self.by.grouping()?;
        let parts = run::parts(&self.by, &groups, &self.call, executor)?;
        self.assemble(&groups, parts)
    }

    /// As [`run`](Self::run), with the failures of groups beside the results of the others.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for the failures of groups.
    pub fn try_run<'t, E>(&'t self, executor: &E) -> Result<Partial, FrameError>
    where
        E: Executor<GroupTask<'t, S, K>> + ?Sized,
    {
        let groups = self.by.grouping()?;
        let mut failures = Vec::new();
        let outcomes = run::outcomes(&self.by, &groups, &self.call, executor)?;
        let good = outcomes.into_iter().map(|outcome| match outcome {
            Ok(part) => part,
            Err(failure) => {
                failures.push(failure);
                None
            }
        });
        let good = good.collect();
        let frame = self.assemble(&groups, good)?;
        Ok(Partial { frame, failures })
    }

    fn assemble(
        &self,
        groups: &Arc<Grouping<'static>>,
        parts: Vec<Option<R::Part>>,
    ) -> Result<Frame, FrameError> {
        let (of, parts): (Vec<u32>, Vec<R::Part>) = parts
            .into_iter()
            .enumerate()
            .filter_map(|(group, part)| Some((small(group), part?)))
            .unzip();
        let columns = R::columns(parts).map_err(|e| run::mismatch(groups, &of, e))?;
        let groups_of_rows = match &columns.lengths {
            None => UInt32Array::from(of.clone()),
            Some(lengths) => {
                let repeated = of.iter().zip(lengths);
                UInt32Array::from_iter_values(
                    repeated.flat_map(|(&g, &n)| std::iter::repeat_n(g, n)),
                )
            }
        };
        let order = match &columns.lengths {
            Some(lengths) if self.by.keep_order => Some(input_order(groups, &of, lengths)?),
            _ => None,
        };
        let keys = match self.by.group_keys {
            true => groups.keys.take(&groups_of_rows)?.into_batch(),
            false => groups
                .keys
                .batch()
                .project(&[])
                .map_err(|e| FrameError::arrow("no keys", e))?,
        };
        let fields = keys.schema();
        let keys = fields.fields().iter().zip(keys.columns());
        let keys = keys.map(|(field, array)| (field.name().clone(), Arc::clone(array)));
        let Columns { arrays, names, .. } = columns;
        let all: Vec<(String, ArrayRef)> = keys
            .chain(named(arrays, names, self.names.as_deref())?)
            .collect();
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
