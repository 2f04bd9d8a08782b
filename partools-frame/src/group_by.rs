//! `group_by`: which columns, how, and under which plan; then a form (`apply`, `transform`, `filter`, `agg`).

use crate::agg::{Agg, Aggregate};
use crate::apply::Apply;
use crate::error::FrameError;
use crate::filter::Filter;
use crate::frame::Frame;
use crate::group::Group;
use crate::keys::{self, GroupOptions, Grouping};
use crate::output::Output;
use crate::task::{Alone, CallGroup, GroupTask, WithShared};
use crate::transform::Transform;
use partools_core::{CancelToken, Chunks, Job, NoShared, Plan, Shared, ViewOf, With};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

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
pub struct GroupBy<S = NoShared> {
    pub(crate) frame: Frame,
    names: Vec<String>,
    options: GroupOptions,
    pub(crate) group_keys: bool,
    pub(crate) keep_order: bool,
    shared: S,
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
            plan: Plan::new(),
        }
    }
}

impl<S: Shared> GroupBy<S> {
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

    /// Runs under `plan`; a group is an item.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// How many groups a worker claims at a time; measured while it runs if not set.
    pub fn chunk(self, chunks: Chunks) -> Self {
        self.with(|plan| plan.chunk(chunks))
    }

    /// How many times a group that failed is tried again.
    pub fn retries(self, times: u32) -> Self {
        self.with(|plan| plan.retries(times))
    }

    /// The longest that the closure may run for one group, on executors that can kill it.
    pub fn item_timeout(self, limit: Duration) -> Self {
        self.with(|plan| plan.item_timeout(limit))
    }

    /// How long the map may take, without the time for grouping.
    pub fn deadline(self, limit: Duration) -> Self {
        self.with(|plan| plan.deadline(limit))
    }

    /// Stops the map when `token` is cancelled.
    pub fn cancel(self, token: &CancelToken) -> Self {
        self.with(|plan| plan.cancel(token))
    }

    fn with(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.plan = change(self.plan);
        self
    }

    pub(crate) fn grouping(&self) -> Result<Arc<Grouping<'static>>, FrameError> {
        keys::group(&self.frame, &self.names, self.options).map(Arc::new)
    }

    pub(crate) fn job<'t, K: CallGroup<S>>(
        &'t self,
        groups: &Arc<Grouping<'static>>,
        call: &'t K,
    ) -> Job<GroupTask<'t, S, K>> {
        let task = GroupTask {
            frame: &self.frame,
            groups: Arc::clone(groups),
            shared: &self.shared,
            call,
        };
        Job::new(task).plan(self.plan.clone())
    }
}

impl GroupBy {
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
    pub fn shared<S: Shared>(self, shared: S) -> GroupBy<With<S>> {
        GroupBy {
            frame: self.frame,
            names: self.names,
            options: self.options,
            group_keys: self.group_keys,
            keep_order: self.keep_order,
            shared: With(shared),
            plan: self.plan,
        }
    }

    /// Calls `f` for every group; see [`Output`] for what it may return. The result has the keys, and what was returned.
    pub fn apply<F, R: Output>(self, f: F) -> Apply<NoShared, Alone<F, R>, R>
    where
        F: for<'a, 'g> Fn(&'a Group<'g>) -> R,
    {
        Apply::new(self, Alone(f, PhantomData))
    }

    /// Calls `f` for every group; it returns a value for the whole group, or one for each row of it. The result has a
    /// row for each row of the frame, in its order; null where a row is in no group.
    ///
    /// ```
    /// # use partools_core::Serial;
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([
    /// #     ("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _),
    /// #     ("v", Arc::new(arrow_array::Float64Array::from(vec![1.0, 5.0, 4.0])) as _),
    /// # ])?;
    /// let centred = frame.group_by(["k"]).transform(|group| {
    ///     let v = group.column::<f64>("v")?;
    ///     let mean = v.iter().sum::<f64>() / v.len() as f64;
    ///     Ok(v.iter().map(|v| v - mean).collect::<Vec<_>>())
    /// });
    /// assert_eq!(centred.run(&Serial)?.values::<f64>("value")?, [-1.5, 0.0, 1.5]);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn transform<F, R: Output>(self, f: F) -> Transform<NoShared, Alone<F, R>, R>
    where
        F: for<'a, 'g> Fn(&'a Group<'g>) -> R,
    {
        Transform::new(self, Alone(f, PhantomData))
    }

    /// The rows of the groups for which `f` says yes, in the order of the frame. Rows without a group are left out.
    ///
    /// ```
    /// # use partools_core::Serial;
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _)])?;
    /// let often = frame.group_by(["k"]).filter(|group| group.len() > 1).run(&Serial)?;
    /// assert_eq!(often.values::<i64>("k")?, [1, 1]);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn filter<F, R: Output<Part = bool>>(self, f: F) -> Filter<NoShared, Alone<F, R>>
    where
        F: for<'a, 'g> Fn(&'a Group<'g>) -> R,
    {
        Filter::new(self, Alone(f, PhantomData))
    }

    /// Ready-made aggregates, a column each; see [`agg`](crate::agg).
    ///
    /// ```
    /// # use partools_core::Serial;
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([
    /// #     ("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _),
    /// #     ("v", Arc::new(arrow_array::Float64Array::from(vec![1.0, 5.0, 4.0])) as _),
    /// # ])?;
    /// use partools_frame::agg::{mean, sum};
    /// let table = frame.group_by(["k"]).agg([sum("v"), mean("v").named("average")]).run(&Serial)?;
    /// assert_eq!(table.names().collect::<Vec<_>>(), ["k", "v_sum", "average"]);
    /// assert_eq!(table.values::<f64>("average")?, [5.0, 2.5]);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn agg(self, aggregates: impl IntoIterator<Item = Agg>) -> Aggregate {
        Aggregate::new(self, aggregates.into_iter().collect())
    }
}

impl<S: Shared> GroupBy<With<S>> {
    /// As [`apply`](GroupBy::apply) without a shared argument, with `f(group, shared)`.
    pub fn apply<F, R: Output>(self, f: F) -> Apply<With<S>, WithShared<F, R>, R>
    where
        F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    {
        Apply::new(self, WithShared(f, PhantomData))
    }

    /// As [`transform`](GroupBy::transform) without a shared argument, with `f(group, shared)`.
    pub fn transform<F, R: Output>(self, f: F) -> Transform<With<S>, WithShared<F, R>, R>
    where
        F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    {
        Transform::new(self, WithShared(f, PhantomData))
    }

    /// As [`filter`](GroupBy::filter) without a shared argument, with `f(group, shared)`.
    pub fn filter<F, R: Output<Part = bool>>(self, f: F) -> Filter<With<S>, WithShared<F, R>>
    where
        F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    {
        Filter::new(self, WithShared(f, PhantomData))
    }
}
