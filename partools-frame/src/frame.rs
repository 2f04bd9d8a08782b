//! `Frame`: a record batch whose columns are named once and equally long. Cloning it copies no column.

use crate::cross;
use crate::error::FrameError;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use partools_core::wire::WireError;
use partools_core::{Attach, Layout, LendView, Shared, SharedArg, ViewOf};
use std::sync::Arc;

/// A table: named columns of one length, as an Arrow [`RecordBatch`] that was checked.
///
/// Cloning it, and making it from a batch or turning it into one, copies no column.
///
/// ```
/// use arrow_array::{Float64Array, StringArray};
/// use partools_core::Serial;
/// use partools_frame::Frame;
/// use std::sync::Arc;
///
/// let frame = Frame::new([
///     ("origin", Arc::new(StringArray::from(vec!["EWR", "JFK", "EWR"])) as _),
///     ("delay", Arc::new(Float64Array::from(vec![4.0, 1.0, 2.0])) as _),
/// ])?;
/// let worst = frame
///     .group_by(["origin"])
///     .apply(|group| Ok(group.column::<f64>("delay")?.iter().copied().fold(f64::MIN, f64::max)))
///     .named(["worst"])
///     .run(&Serial)?;
/// assert_eq!(worst.values::<f64>("worst")?, [4.0, 1.0]);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    batch: RecordBatch,
}

impl Frame {
    /// A frame of these columns.
    ///
    /// # Errors
    /// Where a name stands twice, or columns differ in length.
    pub fn new<N: Into<String>>(
        columns: impl IntoIterator<Item = (N, ArrayRef)>,
    ) -> Result<Self, FrameError> {
        let (names, arrays): (Vec<String>, Vec<ArrayRef>) = columns
            .into_iter()
            .map(|(name, array)| (name.into(), array))
            .unzip();
        let expected = arrays.first().map_or(0, |first| first.len());
        for (name, array) in names.iter().zip(&arrays) {
            if array.len() != expected {
                let place = format!("as many as the column {:?} has", names[0]);
                return Err(FrameError::length(name, array.len(), expected, place));
            }
        }
        let fields: Vec<Field> = names
            .into_iter()
            .zip(&arrays)
            .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(expected));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|e| FrameError::arrow("the columns make no record batch", e))?
            .try_into()
    }

    /// How many rows it has.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The names of its columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let fields = self.batch.schema_ref().fields();
        fields.iter().map(|field| field.name().as_str())
    }

    /// The column of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn column(&self, name: &str) -> Result<&ArrayRef, FrameError> {
        Ok(self.batch.column(self.position(name)?))
    }

    /// The values of a column of numbers that has no nulls.
    ///
    /// # Errors
    /// Where there is no such column, or it has another type, or nulls.
    pub fn values<T: crate::Element>(&self, name: &str) -> Result<&[T], FrameError> {
        let array = self.column(name)?;
        let values = T::slice_of(array)
            .ok_or_else(|| FrameError::wrong_type(name, array.data_type(), T::NAME))?;
        match array.null_count() {
            0 => Ok(values),
            nulls => Err(FrameError::nulls(name, nulls, array.len())),
        }
    }

    /// As a record batch.
    #[must_use]
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// As a record batch.
    #[must_use]
    pub fn into_batch(self) -> RecordBatch {
        self.batch
    }

    /// Where the column of this name stands.
    pub(crate) fn position(&self, name: &str) -> Result<usize, FrameError> {
        let fields = self.batch.schema_ref().fields();
        fields
            .iter()
            .position(|field| field.name() == name)
            .ok_or_else(|| FrameError::missing(name, fields.iter().map(|field| field.name())))
    }

    /// So many rows from `start` on, none of which is copied.
    pub(crate) fn slice(&self, start: usize, len: usize) -> Frame {
        Frame {
            batch: self.batch.slice(start, len),
        }
    }

    /// A frame with these rows of `self`, in this order. They are rows of it.
    pub(crate) fn take(&self, rows: &arrow_array::UInt32Array) -> Result<Frame, FrameError> {
        if self.batch.num_columns() == 0 {
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            return RecordBatch::try_new_with_options(self.batch.schema(), Vec::new(), &options)
                .map(|batch| Frame { batch })
                .map_err(|e| FrameError::arrow("rows could not be taken", e));
        }
        arrow_select::take::take_record_batch(&self.batch, rows)
            .map(|batch| Frame { batch })
            .map_err(|e| FrameError::arrow("rows could not be taken", e))
    }
}

impl TryFrom<RecordBatch> for Frame {
    type Error = FrameError;

    /// # Errors
    /// Where a name stands twice.
    fn try_from(batch: RecordBatch) -> Result<Self, FrameError> {
        let mut seen = std::collections::HashSet::new();
        for field in batch.schema_ref().fields() {
            if !seen.insert(field.name()) {
                return Err(FrameError::duplicate(
                    field.name(),
                    "the columns of the frame",
                ));
            }
        }
        Ok(Frame { batch })
    }
}

impl From<Frame> for RecordBatch {
    fn from(frame: Frame) -> RecordBatch {
        frame.batch
    }
}

impl<'a> LendView<'a> for Frame {
    type View = &'a Frame;
}
impl Shared for Frame {
    fn view(&self) -> &Frame {
        self
    }
}

/// Far from here every worker has a copy of its own, decoded once: the columns do not lie in the segment that workers
/// map. (Threads and Fork copy nothing.)
///
/// ```
/// use partools_core::{Loopback, over};
/// use partools_frame::Frame;
/// use std::sync::Arc;
/// let frame = Frame::new([("v", Arc::new(arrow_array::Int64Array::from(vec![1, 2, 3])) as _)])?;
/// let job = over(0..3).shared(&frame).map(|i, frame| frame.values::<i64>("v").map(|v| v[i]).unwrap_or(0));
/// assert_eq!(job.run(&Loopback)?, [1, 2, 3]);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
impl SharedArg for Frame {
    type Attached<'m> = Frame;
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        let bytes = cross::to_bytes(&self.batch).map_err(|e| WireError::new(e.to_string()))?;
        out.gathered(&bytes);
        Ok(())
    }
    fn attach<'m>(from: &mut Attach<'m>) -> Result<Frame, WireError> {
        let bytes: &[u8] = from.slice()?;
        cross::from_bytes(bytes)
            .map(|batch| Frame { batch })
            .map_err(|e| WireError::new(format!("a frame that is none: {e}")))
    }
    fn view_of<'v, 'm: 'v>(attached: &'v Frame) -> ViewOf<'v, Frame>
    where
        Self: 'v,
    {
        attached
    }
}

impl SharedArg for &Frame {
    type Attached<'m> = Frame;
    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        (**self).lay(out)
    }
    fn attach<'m>(from: &mut Attach<'m>) -> Result<Frame, WireError> {
        Frame::attach(from)
    }
    fn view_of<'v, 'm: 'v>(attached: &'v Frame) -> &'v Frame
    where
        Self: 'v,
    {
        attached
    }
}
