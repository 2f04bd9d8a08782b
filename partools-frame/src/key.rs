//! The key of a group: its values by column, and how it is written in messages.

use crate::element::Cell;
use crate::error::FrameError;
use crate::frame::Frame;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, downcast_primitive_array, downcast_temporal_array};
use arrow_schema::DataType;
use std::fmt;

/// The key of a group: one value for each column that was grouped by. It is shown as `(origin = "EWR", dest = "ANC")`.
#[derive(Clone, Copy)]
pub struct Key<'g> {
    keys: &'g Frame,
    group: usize,
}

impl<'g> Key<'g> {
    pub(crate) fn new(keys: &'g Frame, group: usize) -> Self {
        Key { keys, group }
    }

    /// The value of a key column of numbers; `None` for null.
    ///
    /// # Errors
    /// Where the frame was not grouped by this column, or it has another type.
    pub fn value<T: Cell>(&self, name: &str) -> Result<Option<T>, FrameError> {
        let array = self.keys.column(name)?;
        let mut value = Vec::with_capacity(1);
        match T::gather_range(array, self.group..self.group + 1, &mut value) {
            true => Ok(value.pop().filter(|_| array.is_valid(self.group))),
            false => Err(FrameError::wrong_type(name, array.data_type(), T::NAME)),
        }
    }

    /// The value of a key column of texts, also of categories that are texts; `None` for null.
    ///
    /// # Errors
    /// Where the frame was not grouped by this column, or it has another type.
    pub fn text(&self, name: &str) -> Result<Option<&'g str>, FrameError> {
        let array = self.keys.column(name)?;
        text_at(array, self.group)
            .ok_or_else(|| FrameError::wrong_type(name, array.data_type(), "a type of text"))
    }

    /// The value of any key column, as an array of one.
    ///
    /// # Errors
    /// Where the frame was not grouped by this column.
    pub fn array(&self, name: &str) -> Result<ArrayRef, FrameError> {
        Ok(self.keys.column(name)?.slice(self.group, 1))
    }
}

/// The text at `at`, `None` where it is null; `None` at all where the column is not of text.
pub(crate) fn text_at(array: &ArrayRef, at: usize) -> Option<Option<&str>> {
    if array.is_null(at) {
        return is_text(array.data_type()).then_some(None);
    }
    Some(Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(at),
        DataType::LargeUtf8 => array.as_string::<i64>().value(at),
        DataType::Utf8View => array.as_string_view().value(at),
        DataType::Dictionary(_, _) => {
            // Of one row, since all keys are made for this.
            let one = array.slice(at, 1);
            let key = one.as_any_dictionary().normalized_keys().first().copied()?;
            return text_at(array.as_any_dictionary().values(), key);
        }
        _ => return None,
    }))
}

pub(crate) fn is_text(of: &DataType) -> bool {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (at, (name, array)) in self
            .keys
            .names()
            .zip(self.keys.batch().columns())
            .enumerate()
        {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name} = ")?;
            show(array.slice(self.group, 1).as_ref(), f)?;
        }
        f.write_str(")")
    }
}

/// The only value of `array`.
fn show(array: &dyn Array, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if array.is_null(0) {
        return f.write_str("null");
    }
    if let Some(at) = moment(array) {
        return f.write_str(&at);
    }
    downcast_primitive_array!(
        array => write!(f, "{:?}", array.value(0)),
        DataType::Boolean => write!(f, "{}", array.as_boolean().value(0)),
        DataType::Utf8 => write!(f, "{:?}", array.as_string::<i32>().value(0)),
        DataType::LargeUtf8 => write!(f, "{:?}", array.as_string::<i64>().value(0)),
        DataType::Utf8View => write!(f, "{:?}", array.as_string_view().value(0)),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            match dictionary.normalized_keys().first() {
                Some(&key) => show(dictionary.values().slice(key, 1).as_ref(), f),
                None => f.write_str("null"),
            }
        }
        _ => write!(f, "{array:?}"),
    )
}

/// A date or a timestamp (in UTC) as it is written; `None` for all else, and for one beyond the calendar.
fn moment(array: &dyn Array) -> Option<String> {
    let at = downcast_temporal_array!(
        array => array.value_as_datetime(0),
        _ => None,
    )?;
    match array.data_type() {
        DataType::Date32 | DataType::Date64 => Some(at.date().to_string()),
        DataType::Timestamp(_, _) => Some(at.to_string()),
        _ => None,
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
