//! What can be wrong with a frame, or with a map over its groups. Opaque, with questions to ask of it; the text says
//! which column or group, what was found and what was expected.

use crate::key::Key;
use arrow_schema::{ArrowError, DataType};
use partools_core::{Cause, Error, ItemError};
use std::fmt;

/// Why a frame, a column or a result over groups could not be had.
///
/// ```
/// use partools_frame::Frame;
/// use std::sync::Arc;
/// let frame = Frame::new([("delay", Arc::new(arrow_array::Float64Array::from(vec![1.0])) as _)])?;
/// let error = frame.column("dleay").unwrap_err();
/// assert_eq!(error.column(), Some("dleay"));
/// assert_eq!(error.to_string(), "there is no column \"dleay\"; the frame has \"delay\"");
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug)]
pub struct FrameError(Box<Kind>);

#[derive(Debug)]
enum Kind {
    Missing {
        column: String,
        has: Vec<String>,
    },
    WrongType {
        column: String,
        found: String,
        expected: String,
    },
    Nulls {
        column: String,
        nulls: usize,
        rows: usize,
    },
    Duplicate {
        column: String,
        place: &'static str,
    },
    Length {
        column: String,
        found: usize,
        expected: usize,
        place: String,
    },
    Schema {
        group: String,
        found: String,
        expected: String,
        first: String,
    },
    NotPresorted {
        group: String,
        row: usize,
    },
    TooMany {
        what: String,
        most: u64,
    },
    Options(String),
    Group(GroupFailure),
    Map(Error),
    Arrow {
        what: String,
        source: ArrowError,
    },
}

impl FrameError {
    fn from_kind(kind: Kind) -> Self {
        FrameError(Box::new(kind))
    }

    pub(crate) fn missing<'n>(column: &str, has: impl IntoIterator<Item = &'n String>) -> Self {
        Self::from_kind(Kind::Missing {
            column: column.to_owned(),
            has: has.into_iter().cloned().collect(),
        })
    }

    pub(crate) fn wrong_type(column: &str, found: &DataType, expected: impl Into<String>) -> Self {
        Self::from_kind(Kind::WrongType {
            column: column.to_owned(),
            found: found.to_string(),
            expected: expected.into(),
        })
    }

    pub(crate) fn nulls(column: &str, nulls: usize, rows: usize) -> Self {
        Self::from_kind(Kind::Nulls {
            column: column.to_owned(),
            nulls,
            rows,
        })
    }

    pub(crate) fn duplicate(column: &str, place: &'static str) -> Self {
        Self::from_kind(Kind::Duplicate {
            column: column.to_owned(),
            place,
        })
    }

    pub(crate) fn length(
        column: &str,
        found: usize,
        expected: usize,
        place: impl Into<String>,
    ) -> Self {
        Self::from_kind(Kind::Length {
            column: column.to_owned(),
            found,
            expected,
            place: place.into(),
        })
    }

    pub(crate) fn schema(group: Key, found: String, expected: String, first: Key) -> Self {
        Self::from_kind(Kind::Schema {
            group: group.to_string(),
            found,
            expected,
            first: first.to_string(),
        })
    }

    pub(crate) fn not_presorted(group: Key, row: usize) -> Self {
        Self::from_kind(Kind::NotPresorted {
            group: group.to_string(),
            row,
        })
    }

    pub(crate) fn too_many(what: impl Into<String>, most: u64) -> Self {
        Self::from_kind(Kind::TooMany {
            what: what.into(),
            most,
        })
    }

    pub(crate) fn options(why: impl Into<String>) -> Self {
        Self::from_kind(Kind::Options(why.into()))
    }

    pub(crate) fn arrow(what: impl Into<String>, source: ArrowError) -> Self {
        Self::from_kind(Kind::Arrow {
            what: what.into(),
            source,
        })
    }

    pub(crate) fn group(failure: GroupFailure) -> Self {
        Self::from_kind(Kind::Group(failure))
    }

    /// The column that it is about, where it is about one.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match &*self.0 {
            Kind::Missing { column, .. }
            | Kind::WrongType { column, .. }
            | Kind::Nulls { column, .. }
            | Kind::Duplicate { column, .. }
            | Kind::Length { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The group whose closure failed, where one did.
    #[must_use]
    pub fn failed_group(&self) -> Option<&GroupFailure> {
        match &*self.0 {
            Kind::Group(failure) => Some(failure),
            _ => None,
        }
    }

    /// What the executor said, where the map itself could not be run.
    #[must_use]
    pub fn map_error(&self) -> Option<&Error> {
        match &*self.0 {
            Kind::Map(error) => Some(error),
            _ => None,
        }
    }

    /// Is there no column of this name?
    #[must_use]
    pub fn is_missing_column(&self) -> bool {
        matches!(*self.0, Kind::Missing { .. })
    }

    /// Is the column, or what the closure returned, of another type?
    #[must_use]
    pub fn is_wrong_type(&self) -> bool {
        matches!(*self.0, Kind::WrongType { .. })
    }

    /// Are there nulls where a plain slice was asked for?
    #[must_use]
    pub fn is_nulls(&self) -> bool {
        matches!(*self.0, Kind::Nulls { .. })
    }

    /// Did two groups return rows with different columns?
    #[must_use]
    pub fn is_schema(&self) -> bool {
        matches!(*self.0, Kind::Schema { .. })
    }
}

impl From<Error> for FrameError {
    fn from(error: Error) -> Self {
        Self::from_kind(Kind::Map(error))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Missing { column, has } if has.is_empty() => {
                write!(f, "there is no column {column:?}; the frame has no columns")
            }
            Kind::Missing { column, has } => {
                write!(f, "there is no column {column:?}; the frame has ")?;
                for (at, name) in has.iter().enumerate() {
                    write!(f, "{}{name:?}", if at == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Kind::WrongType {
                column,
                found,
                expected,
            } => write!(f, "the column {column:?} is {found}, expected {expected}"),
            Kind::Nulls {
                column,
                nulls,
                rows,
            } => write!(
                f,
                "the column {column:?} has {nulls} nulls in {rows} rows; ask for `optional` values, or for the `valid` ones"
            ),
            Kind::Duplicate { column, place } => {
                write!(f, "the name {column:?} stands twice in {place}")
            }
            Kind::Length {
                column,
                found,
                expected,
                place,
            } => write!(
                f,
                "the column {column:?} has {found} values where {expected} are expected: {place}"
            ),
            Kind::Schema {
                group,
                found,
                expected,
                first,
            } => write!(
                f,
                "group {group} returned rows of ({found}), expected ({expected}) as from group {first}"
            ),
            Kind::NotPresorted { group, row } => write!(
                f,
                "the rows are not presorted: group {group} begins again at row {row}; leave `presorted` out"
            ),
            Kind::TooMany { what, most } => write!(f, "{what}; at most {most} can be"),
            Kind::Options(why) => f.write_str(why),
            Kind::Group(failure) => failure.fmt(f),
            Kind::Map(error) => error.fmt(f),
            Kind::Arrow { what, source } => write!(f, "{what}: {source}"),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::Group(failure) => failure.source(),
            Kind::Map(error) => error.source(),
            Kind::Arrow { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The failure of one group: which it is, and why.
///
/// ```
/// use partools_frame::Frame;
/// use partools_core::Serial;
/// use std::sync::Arc;
/// let frame = Frame::new([("k", Arc::new(arrow_array::Int64Array::from(vec![1, 2, 1])) as _)])?;
/// let part = frame.group_by(["k"]).apply(|group| {
///     assert!(group.len() < 2, "too many rows");
///     1.0
/// }).try_run(&Serial)?;
/// assert_eq!(part.frame().num_rows(), 1);
/// assert!(part.failures()[0].to_string().starts_with("group (k = 1): panicked at "));
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug)]
pub struct GroupFailure {
    index: usize,
    key: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    /// Its closure returned an error; the text.
    Returned(String),
    /// It panicked, crashed, timed out, or could not cross a border.
    Item(ItemError),
}

impl GroupFailure {
    pub(crate) fn returned(index: usize, key: Key, error: crate::GroupError) -> Self {
        GroupFailure {
            index,
            key: key.to_string(),
            why: Why::Returned(error.into_text()),
        }
    }

    pub(crate) fn item(index: usize, key: Key, error: ItemError) -> Self {
        GroupFailure {
            index,
            key: key.to_string(),
            why: Why::Item(error),
        }
    }

    /// The number of the group, from 0, in the order of the results.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The group's key, as in `(origin = "EWR", dest = "ANC")`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Why, where the closure did not return: it panicked, crashed, or timed out.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match &self.why {
            Why::Item(error) => Some(error.cause()),
            Why::Returned(_) => None,
        }
    }

    /// The text of the error that the closure returned, where it did.
    #[must_use]
    pub fn returned_error(&self) -> Option<&str> {
        match &self.why {
            Why::Returned(text) => Some(text),
            Why::Item(_) => None,
        }
    }

    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Item(error) => std::error::Error::source(error),
            Why::Returned(_) => None,
        }
    }
}

impl fmt::Display for GroupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group {}: ", self.key)?;
        match &self.why {
            Why::Returned(text) => f.write_str(text),
            Why::Item(error) => {
                error.cause().fmt(f)?;
                match error.attempt() {
                    0 => {}
                    n => write!(f, " (at attempt {})", n + 1)?,
                }
                match error.place() {
                    Some(place) => write!(f, "; it was with {place}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for GroupFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source()
    }
}
