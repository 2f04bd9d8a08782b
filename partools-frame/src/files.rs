//! Files straight into frames, by feature: [`csv`](crate::Csv) and [`parquet`](crate::Parquet), with a choice of columns.

#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "parquet")]
mod parquet;

#[cfg(feature = "csv")]
pub use csv::Csv;
#[cfg(feature = "parquet")]
pub use parquet::Parquet;

use crate::error::FrameError;
use crate::frame::Frame;
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A file to be read, and the columns that are wanted.
#[derive(Debug, Clone)]
struct Wanted {
    path: PathBuf,
    columns: Option<Vec<String>>,
}

impl Wanted {
    fn new(path: &Path) -> Self {
        Wanted {
            path: path.to_owned(),
            columns: None,
        }
    }

    fn choose<N: Into<String>>(&mut self, columns: impl IntoIterator<Item = N>) {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
    }

    fn open(&self) -> Result<File, FrameError> {
        File::open(&self.path).map_err(|e| self.unreadable(ArrowError::from(e)))
    }

    fn unreadable(&self, why: impl Into<ArrowError>) -> FrameError {
        let what = format!("{} could not be read as a frame", self.path.display());
        FrameError::arrow(what, why.into())
    }

    /// Where the chosen columns stand in the file; all, where none were chosen.
    fn positions(&self, schema: &SchemaRef) -> Result<Vec<usize>, FrameError> {
        let fields = schema.fields();
        let Some(chosen) = &self.columns else {
            return Ok((0..fields.len()).collect());
        };
        let position = |name: &String| {
            let at = fields.iter().position(|field| field.name() == name);
            at.ok_or_else(|| FrameError::missing(name, fields.iter().map(|field| field.name())))
        };
        chosen.iter().map(position).collect()
    }

    /// One frame of all that was read, the columns in the order that was asked for.
    fn frame(
        &self,
        schema: &SchemaRef,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    ) -> Result<Frame, FrameError> {
        let batches: Vec<RecordBatch> = batches
            .collect::<Result<_, _>>()
            .map_err(|e| self.unreadable(e))?;
        let whole = arrow_select::concat::concat_batches(schema, &batches)
            .map_err(|e| self.unreadable(e))?;
        let frame = Frame::try_from(whole)?;
        let Some(chosen) = &self.columns else {
            return Ok(frame);
        };
        let column = |name: &String| Ok((name.clone(), frame.column(name)?.clone()));
        Frame::new(
            chosen
                .iter()
                .map(column)
                .collect::<Result<Vec<_>, FrameError>>()?,
        )
    }
}
