//! What a closure is handed: the rows of one group, as typed columns.

use crate::element::Cell;
use crate::error::FrameError;
use crate::frame::Frame;
use crate::key::{Key, is_text, text_at};
use crate::keys::{Grouping, RowsOf};
use crate::scratch::{Scratch, Way};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};

/// The rows of one group.
///
/// ```
/// use arrow_array::{Float64Array, StringArray};
/// use partools_core::Serial;
/// use partools_frame::Frame;
/// use std::sync::Arc;
///
/// let frame = Frame::new([
///     ("origin", Arc::new(StringArray::from(vec!["EWR", "JFK", "EWR"])) as _),
///     ("delay", Arc::new(Float64Array::from(vec![Some(4.0), Some(1.0), None])) as _),
/// ])?;
/// let seen = frame.group_by(["origin"]).apply(|group| {
///     let delays = group.valid::<f64>("delay")?;
///     let rows: Vec<usize> = group.rows().collect();
///     Ok(format!("{}: {} of {}, {rows:?}", group.key(), delays.len(), group.len()))
/// });
/// let seen = seen.run(&Serial)?;
/// let texts = seen.column("value")?;
/// assert_eq!(texts.as_ref(), &StringArray::from(vec![
///     r#"(origin = "EWR"): 1 of 2, [0, 2]"#,
///     r#"(origin = "JFK"): 1 of 1, [1]"#,
/// ]) as &dyn arrow_array::Array);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Group<'g> {
    frame: &'g Frame,
    groups: &'g Grouping<'g>,
    scratch: &'g Scratch,
    index: usize,
}

impl<'g> Group<'g> {
    pub(crate) fn new(
        frame: &'g Frame,
        groups: &'g Grouping<'g>,
        scratch: &'g Scratch,
        index: usize,
    ) -> Self {
        Group {
            frame,
            groups,
            scratch,
            index,
        }
    }

    /// The group's number, from 0, in the order of the results.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The group's key.
    #[must_use]
    pub fn key(&self) -> Key<'g> {
        self.groups.key(self.index)
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.size(self.index)
    }

    /// Has it no rows? Only a category that does not occur has none (see [`GroupBy::observed`](crate::GroupBy::observed)).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of its rows in the frame, from 0, ascending.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = usize> + use<'g> {
        let rows = self.row_set();
        (0..rows.len()).map(move |at| match rows {
            RowsOf::List(list) => list[at] as usize,
            RowsOf::Range(start, _) => start + at,
        })
    }

    /// The values of a column, in the order of the rows. They are copied into a buffer of the worker's once a group, or
    /// not at all where the rows stand together in the frame.
    ///
    /// # Errors
    /// Where there is no such column, or it has another type, or nulls in this group.
    pub fn column<T: Cell>(&self, name: &str) -> Result<&'g [T], FrameError> {
        let (at, array) = self.find::<T>(name)?;
        match self.count_nulls(array) {
            0 => Ok(self.plain(at, array)),
            nulls => Err(FrameError::nulls(name, nulls, self.len())),
        }
    }

    /// The values of a column, `None` where they are null.
    ///
    /// # Errors
    /// Where there is no such column, or it has another type.
    pub fn optional<T: Cell>(&self, name: &str) -> Result<&'g [Option<T>], FrameError> {
        let (at, array) = self.find::<T>(name)?;
        let plain = self.plain::<T>(at, array);
        Ok(self.scratch.lend(at, Way::Optional, |out| {
            let rows = self.rows().zip(plain);
            out.extend(rows.map(|(row, &value)| array.is_valid(row).then_some(value)));
        }))
    }

    /// The values of a column that are not null.
    ///
    /// # Errors
    /// Where there is no such column, or it has another type.
    pub fn valid<T: Cell>(&self, name: &str) -> Result<&'g [T], FrameError> {
        let (at, array) = self.find::<T>(name)?;
        let plain = self.plain::<T>(at, array);
        if self.count_nulls(array) == 0 {
            return Ok(plain);
        }
        Ok(self.scratch.lend(at, Way::Valid, |out| {
            let rows = self
                .rows()
                .zip(plain)
                .filter(|(row, _)| array.is_valid(*row));
            out.extend(rows.map(|(_, &value)| value));
        }))
    }

    /// The texts of a column, also of categories that are texts; `None` where they are null.
    ///
    /// # Errors
    /// Where there is no such column, or it has another type.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<&'g str>>, FrameError> {
        let array = self.frame.column(name)?;
        if !is_text(array.data_type()) {
            return Err(FrameError::wrong_type(
                name,
                array.data_type(),
                "a type of text",
            ));
        }
        Ok(self
            .rows()
            .map(|row| text_at(array, row).flatten())
            .collect())
    }

    /// The rows of a column, as an array of its type.
    ///
    /// # Errors
    /// Where there is no such column.
    pub fn array(&self, name: &str) -> Result<ArrayRef, FrameError> {
        let array = self.frame.column(name)?;
        match self.row_set() {
            RowsOf::Range(start, len) => Ok(array.slice(start, len)),
            RowsOf::List(list) => {
                let rows = UInt32Array::from(list.to_vec());
                arrow_select::take::take(array, &rows, None).map_err(|e| {
                    FrameError::arrow(format!("rows of {name:?} could not be taken"), e)
                })
            }
        }
    }

    /// Its rows with all columns, those of the key included.
    ///
    /// # Errors
    /// Where Arrow cannot take rows of a column's type.
    pub fn batch(&self) -> Result<RecordBatch, FrameError> {
        match self.row_set() {
            RowsOf::Range(start, len) => Ok(self.frame.batch().slice(start, len)),
            RowsOf::List(list) => {
                let rows = UInt32Array::from(list.to_vec());
                Ok(self.frame.take(&rows)?.into_batch())
            }
        }
    }

    /// The whole column, rows of other groups included.
    pub(crate) fn whole(&self, name: &str) -> Result<&'g ArrayRef, FrameError> {
        self.frame.column(name)
    }

    pub(crate) fn row_set(&self) -> RowsOf<'g> {
        self.groups.rows(self.index)
    }

    fn find<T: Cell>(&self, name: &str) -> Result<(usize, &'g ArrayRef), FrameError> {
        let at = self.frame.position(name)?;
        let array = self.frame.batch().column(at);
        match T::reads(array) {
            true => Ok((at, array)),
            false => Err(FrameError::wrong_type(name, array.data_type(), T::NAME)),
        }
    }

    /// All values, whatever stands at nulls.
    fn plain<T: Cell>(&self, at: usize, array: &'g ArrayRef) -> &'g [T] {
        let rows = self.row_set();
        if let (RowsOf::Range(start, len), Some(values)) = (rows, T::lent(array)) {
            return &values[start..start + len];
        }
        self.scratch.lend(at, Way::Plain, |out| {
            match rows {
                RowsOf::List(list) => T::gather(array, list, out),
                RowsOf::Range(start, len) => T::gather_range(array, start..start + len, out),
            };
        })
    }

    pub(crate) fn count_nulls(&self, array: &ArrayRef) -> usize {
        match array.null_count() {
            0 => 0,
            _ => self.rows().filter(|&row| array.is_null(row)).count(),
        }
    }
}
