//! The options of a map over groups: the plan, as for [`over`](partools_core::over), and a state for each worker.

use super::GroupBy;
use partools_core::{
    By, CancelToken, Chunks, Observer, OnError, Plan, Retries, Shared, Start, StartError, TryBy,
};
use std::time::Duration;

impl<S: Shared, G: Start> GroupBy<S, G> {
    /// Runs under `plan`; a group is an item. Whatever the plan says, large groups are begun first.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// How many groups a worker claims at a time; measured while it runs if not set.
    pub fn chunk(self, chunks: Chunks) -> Self {
        self.with(|plan| plan.chunk(chunks))
    }

    /// How many times a group that failed is tried again, or as [`Retries`] say.
    pub fn retries(self, retries: impl Into<Retries>) -> Self {
        self.with(|plan| plan.retries(retries))
    }

    /// What the failure of a group means for those behind it; see [`OnError`].
    pub fn on_error(self, then: OnError) -> Self {
        self.with(|plan| plan.on_error(then))
    }

    /// How many workers may die one after the other before the map gives up; see [`Plan::respawns`].
    pub fn respawns(self, most: usize) -> Self {
        self.with(|plan| plan.respawns(most))
    }

    /// The seed of [`Cx::rng`](partools_core::Cx::rng), which closures of [`apply_cx`](Self::apply_cx) see. A group has the
    /// same numbers on every executor.
    ///
    /// ```
    /// # use partools_core::{Loopback, Serial};
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// use rand::RngExt;
    /// # let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _)])?;
    /// let drawn = frame.group_by(["k"]).seed(7).apply_cx(|_, cx| cx.rng().random::<u32>());
    /// assert_eq!(drawn.run(&Serial)?, drawn.run(&Loopback)?);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn seed(self, seed: u64) -> Self {
        self.with(|plan| plan.seed(seed))
    }

    /// Has `observer` look on, such as a [`Report`](partools_core::Report); several may. It sees the map over the groups, and
    /// not the grouping.
    ///
    /// ```
    /// # use partools_core::{Report, Serial};
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _)])?;
    /// let report = Report::new();
    /// frame.group_by(["k"]).observe(&report).apply(|group| group.len()).run(&Serial)?;
    /// assert_eq!(report.summary().finished, 2);
    /// println!("{report}"); // it names the slowest groups by their keys
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn observe<O: Observer + Clone + 'static>(self, observer: &O) -> Self {
        self.with(|plan| plan.observe(observer))
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

    /// Gives every worker a state of its own, made by `start(worker)`; closures of [`apply_cx`](Self::apply_cx) see it.
    ///
    /// ```
    /// # use partools_core::Serial;
    /// # use partools_frame::Frame;
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _)])?;
    /// let texts = frame.group_by(["k"]).state(|_worker| String::new()).apply_cx(|group, cx| {
    ///     cx.state.clear(); // a buffer that is used again
    ///     cx.state.push_str(&group.key().to_string());
    ///     cx.state.len()
    /// });
    /// assert_eq!(texts.run(&Serial)?.values::<u64>("value")?, [7, 7]);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn state<H: Fn(usize) -> W, W>(self, start: H) -> GroupBy<S, By<H>> {
        self.starting(By::new(start))
    }

    /// As [`state`](Self::state), with a `start` that may fail; its error becomes the map's.
    pub fn try_state<H, W, E>(self, start: H) -> GroupBy<S, TryBy<H>>
    where
        H: Fn(usize) -> Result<W, E>,
        E: Into<StartError>,
    {
        self.starting(TryBy::new(start))
    }

    fn starting<H: Start>(self, start: H) -> GroupBy<S, H> {
        GroupBy {
            frame: self.frame,
            names: self.names,
            options: self.options,
            group_keys: self.group_keys,
            keep_order: self.keep_order,
            shared: self.shared,
            start,
            plan: self.plan,
        }
    }
}
