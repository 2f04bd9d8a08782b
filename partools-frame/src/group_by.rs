//! `group_by`: which columns, how ([here](self)), and under which plan (`options.rs`); then a form (`apply`, `transform`,
//! `filter`, `agg`: `forms.rs`).

mod forms;
mod options;

use crate::error::FrameError;
use crate::frame::Frame;
use crate::keys::{self, GroupOptions, Grouping};
use crate::task::{CallGroup, GroupTask};
use arrow_array::{ArrayRef, UInt32Array};
use partools_core::{Job, NoShared, NoState, Plan, Shared, Start, With};
use std::num::NonZero;
use std::sync::Arc;

/// Groups in the making: the columns, the options, the plan, and a shared argument. Nothing is grouped before an ending
/// such as `run`.
///
/// ```
/// use arrow_array::{Int64Array, StringArray};
/// use partools_core::Serial;
/// use partools_frame::Frame;
/// use std::sync::Arc;
///
/// let frame = Frame::new([
///     ("k", Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b")])) as _),
///     ("v", Arc::new(Int64Array::from(vec![1, 2, 3, 4])) as _),
/// ])?;
/// let sums = |groups: partools_frame::GroupBy| {
///     let sums = groups.apply(|group| Ok(group.column::<i64>("v")?.iter().sum::<i64>())).run(&Serial)?;
///     Ok::<_, partools_frame::FrameError>(sums.values::<i64>("value")?.to_vec())
/// };
/// assert_eq!(sums(frame.group_by(["k"]))?, [3, 5]);
/// assert_eq!(sums(frame.group_by(["k"]).sort(false))?, [5, 3]);
/// assert_eq!(sums(frame.group_by(["k"]).dropna(false))?, [3, 5, 2]);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct GroupBy<S = NoShared, G = NoState> {
    pub(crate) frame: Frame,
    names: Vec<String>,
    options: GroupOptions,
    group_keys: bool,
    pub(crate) keep_order: bool,
    shared: S,
    start: G,
    plan: Plan,
}

impl Frame {
    /// Groups the rows by these columns: rows whose values are equal in all of them are one group. Groups come in key
    /// order, and rows where a key is missing are in none, unless the options say otherwise.
    ///
    /// Keys are of any type. Of floats -0.0 is 0.0, and not-a-number equals itself and is behind all numbers.
    pub fn group_by<N: Into<String>>(&self, columns: impl IntoIterator<Item = N>) -> GroupBy {
        GroupBy {
            frame: self.clone(),
            names: columns.into_iter().map(Into::into).collect(),
            options: GroupOptions {
                sort: true,
                dropna: true,
                observed: true,
                presorted: false,
            },
            group_keys: true,
            keep_order: false,
            shared: NoShared,
            start: NoState,
            plan: Plan::new(),
        }
    }
}

impl<S: Shared, G: Start> GroupBy<S, G> {
    /// Groups in key order (the default), or in the order of first appearance. Integers, floats, dates and texts are in
    /// their natural order, categories in that of their dictionary, and null comes last.
    pub fn sort(mut self, by_key: bool) -> Self {
        self.options.sort = by_key;
        self
    }

    /// Are rows in no group where a key is null or not a number (the default)? Else those are keys as any other.
    pub fn dropna(mut self, drop: bool) -> Self {
        self.options.dropna = drop;
        self
    }

    /// Are only keys that occur groups (the default)? Else every combination of the categories of dictionary columns,
    /// and of the values of the other columns, is a group, some without rows.
    pub fn observed(mut self, only: bool) -> Self {
        self.options.observed = only;
        self
    }

    /// Rows with equal keys stand together already: groups are taken as they come, and no rows are moved. It is an error
    /// where a key comes again after another one.
    pub fn presorted(mut self) -> Self {
        self.options.presorted = true;
        self
    }

    /// Rows that closures return are put in the order of the frame's rows, where each returns as many as its group has.
    /// One row a group is not affected.
    pub fn keep_order(mut self) -> Self {
        self.keep_order = true;
        self
    }

    /// Are the keys columns of the result (the default)?
    pub fn group_keys(mut self, included: bool) -> Self {
        self.group_keys = included;
        self
    }

    /// The groups, found by as many threads as an executor has `workers`, and this machine processors.
    pub(crate) fn grouping(&self, workers: usize) -> Result<Arc<Grouping<'static>>, FrameError> {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        keys::group_on(
            workers.min(processors),
            &self.frame,
            &self.names,
            self.options,
        )
        .map(Arc::new)
    }

    pub(crate) fn job<'t, K: CallGroup<S, G::State>>(
        &'t self,
        groups: &Arc<Grouping<'static>>,
        call: &'t K,
    ) -> Job<GroupTask<'t, S, K, G>> {
        let task = GroupTask {
            frame: &self.frame,
            groups: Arc::clone(groups),
            shared: &self.shared,
            start: &self.start,
            call,
        };
        let plan = match groups.costs() {
            Some(costs) => self.plan.clone().longest_first(costs),
            None => self.plan.clone(),
        };
        Job::new(task).plan(plan)
    }

    /// The keys of the result, a row for each of `groups`; none, where they were not wanted.
    pub(crate) fn key_columns(
        &self,
        grouping: &Grouping<'_>,
        groups: &UInt32Array,
    ) -> Result<Vec<(String, ArrayRef)>, FrameError> {
        if !self.group_keys {
            return Ok(Vec::new());
        }
        // Where each group has one row they are the keys as they are.
        let each = groups.len() == grouping.count();
        let keys = match each
            && groups
                .values()
                .iter()
                .zip(0..)
                .all(|(&group, at)| group == at)
        {
            true => grouping.keys.clone(),
            false => grouping.keys.take(groups)?,
        };
        let named = keys.names().zip(keys.batch().columns());
        Ok(named
            .map(|(name, array)| (name.to_owned(), Arc::clone(array)))
            .collect())
    }
}

impl<G: Start> GroupBy<NoShared, G> {
    /// The large read-only argument that the closure sees beside the group: a reference, or anything that is [`Shared`].
    ///
    /// ```
    /// # use partools_core::Serial;
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _)])?;
    /// let weights = [0.5, 0.25];
    /// let weighted = frame.group_by(["k"]).shared(weights.as_slice()).apply(|group, weights| {
    ///     group.len() as f64 * weights[group.index()]
    /// });
    /// assert_eq!(weighted.run(&Serial)?.values::<f64>("value")?, [0.5, 0.5]);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn shared<S: Shared>(self, shared: S) -> GroupBy<With<S>, G> {
        GroupBy {
            frame: self.frame,
            names: self.names,
            options: self.options,
            group_keys: self.group_keys,
            keep_order: self.keep_order,
            shared: With(shared),
            start: self.start,
            plan: self.plan,
        }
    }
}
