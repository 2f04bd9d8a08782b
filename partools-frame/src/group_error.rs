//! The error of a closure over a group: whatever `?` met in it, as text, so that it crosses every border.

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;

/// What a closure over a group may return as its error. Any error becomes one by `?`, with its causes, as text.
///
/// It is no `std::error::Error` itself (so that every such error can become one); it ends up in a
/// [`GroupFailure`](crate::GroupFailure), which is.
///
/// ```
/// use partools_core::Serial;
/// use partools_frame::{Frame, GroupError};
/// use std::sync::Arc;
/// let frame = Frame::new([("k", Arc::new(arrow_array::StringArray::from(vec!["7", "x"])) as _)])?;
/// let numbers = frame.group_by(["k"]).apply(|group| {
///     let text = group.key().text("k")?.ok_or_else(|| GroupError::new("no key"))?;
///     Ok(text.parse::<i64>()?)
/// });
/// let error = numbers.run(&Serial).unwrap_err();
/// assert_eq!(error.to_string(), r#"group (k = "x"): invalid digit found in string"#);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupError {
    text: String,
}

impl GroupError {
    /// An error in your own words: a text, or anything that can be shown.
    #[must_use]
    pub fn new(why: impl fmt::Display) -> Self {
        GroupError {
            text: format!("{why:#}"),
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: Error + 'static> From<E> for GroupError {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let next = error.to_string();
            if !text.ends_with(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = error.source();
        }
        GroupError { text }
    }
}
