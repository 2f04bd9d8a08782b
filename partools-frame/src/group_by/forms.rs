//! The forms of a map over groups, each with the closures it takes: of the group alone, of the group and the shared argument,
//! or of the group and a [`Cx`].

use super::GroupBy;
use crate::agg::{Agg, Aggregate, Aggregates};
use crate::apply::Apply;
use crate::filter::Filter;
use crate::group::Group;
use crate::output::Output;
use crate::task::{Alone, InContext, WithShared};
use crate::transform::Transform;
use partools_core::{Cx, NoShared, Shared, Start, ViewOf, With};
use std::marker::PhantomData;

impl<G: Start> GroupBy<NoShared, G> {
    /// Calls `f` for every group; see [`Output`] for what it may return. The result has the keys, and what was returned.
    pub fn apply<F, R: Output>(self, f: F) -> Apply<NoShared, Alone<F, R>, R, G>
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
    pub fn transform<F, R: Output>(self, f: F) -> Transform<NoShared, Alone<F, R>, R, G>
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
    pub fn filter<F, R: Output<Part = bool>>(self, f: F) -> Filter<NoShared, Alone<F, R>, G>
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
    pub fn agg(self, aggregates: impl IntoIterator<Item = Agg>) -> Aggregate<Aggregates, G> {
        Aggregate::new(self, aggregates.into_iter().collect())
    }
}

impl<S: Shared, G: Start> GroupBy<With<S>, G> {
    /// As [`apply`](GroupBy::apply) without a shared argument, with `f(group, shared)`.
    pub fn apply<F, R: Output>(self, f: F) -> Apply<With<S>, WithShared<F, R>, R, G>
    where
        F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    {
        Apply::new(self, WithShared(f, PhantomData))
    }

    /// As [`transform`](GroupBy::transform) without a shared argument, with `f(group, shared)`.
    pub fn transform<F, R: Output>(self, f: F) -> Transform<With<S>, WithShared<F, R>, R, G>
    where
        F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    {
        Transform::new(self, WithShared(f, PhantomData))
    }

    /// As [`filter`](GroupBy::filter) without a shared argument, with `f(group, shared)`.
    pub fn filter<F, R: Output<Part = bool>>(self, f: F) -> Filter<With<S>, WithShared<F, R>, G>
    where
        F: for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    {
        Filter::new(self, WithShared(f, PhantomData))
    }
}

/// With a [`Cx`]: the shared argument (`()` where there is none), the worker's state, the number of the group and of the
/// attempt, random numbers.
impl<S: Shared, G: Start> GroupBy<S, G> {
    /// As [`apply`](GroupBy::apply), with `f(group, cx)`; see [`Cx`].
    ///
    /// ```
    /// # use partools_core::Serial;
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _)])?;
    /// let scale = [10, 100];
    /// let scaled = frame.group_by(["k"]).shared(scale.as_slice()).state(|_| 0).apply_cx(|group, cx| {
    ///     *cx.state += group.len(); // what this worker has seen so far
    ///     *cx.state * cx.shared[cx.index]
    /// });
    /// assert_eq!(scaled.run(&Serial)?.values::<u64>("value")?.len(), 2);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn apply_cx<F, R: Output>(self, f: F) -> Apply<S, InContext<F, R>, R, G>
    where
        F: for<'a, 'g, 'b, 'c> Fn(&'a Group<'g>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> R,
    {
        Apply::new(self, InContext(f, PhantomData))
    }

    /// As [`transform`](GroupBy::transform), with `f(group, cx)`; see [`Cx`].
    pub fn transform_cx<F, R: Output>(self, f: F) -> Transform<S, InContext<F, R>, R, G>
    where
        F: for<'a, 'g, 'b, 'c> Fn(&'a Group<'g>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> R,
    {
        Transform::new(self, InContext(f, PhantomData))
    }

    /// As [`filter`](GroupBy::filter), with `f(group, cx)`; see [`Cx`].
    pub fn filter_cx<F, R: Output<Part = bool>>(self, f: F) -> Filter<S, InContext<F, R>, G>
    where
        F: for<'a, 'g, 'b, 'c> Fn(&'a Group<'g>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> R,
    {
        Filter::new(self, InContext(f, PhantomData))
    }
}
