//! The outcome of `try_run`, of every form: what came of the groups that did not fail, and why the others did.

use crate::error::GroupFailure;
use crate::frame::Frame;

/// What a map over groups gave where some of them failed: the rows of the others, and the failures.
///
/// ```
/// # use partools_core::Serial;
/// # use partools_frame::Frame;
/// # use std::sync::Arc;
/// # let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _)])?;
/// let checked = frame.group_by(["k"]).filter(|group| {
///     assert!(group.len() > 1, "a single row");
///     true
/// });
/// let partial = checked.try_run(&Serial)?;
/// assert_eq!(partial.frame().values::<i64>("k")?, [1, 1]);
/// let failure = partial.failures()[0].to_string();
/// assert!(failure.starts_with("group (k = 0): panicked at") && failure.ends_with("a single row"), "{failure}");
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Partial {
    frame: Frame,
    failures: Vec<GroupFailure>,
}

impl Partial {
    pub(crate) fn new(frame: Frame, failures: Vec<GroupFailure>) -> Self {
        Partial { frame, failures }
    }

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
