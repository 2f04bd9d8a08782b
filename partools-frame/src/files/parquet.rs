//! Parquet into a frame, and a frame as Parquet.

use super::Wanted;
use crate::error::FrameError;
use crate::frame::Frame;
use arrow_array::RecordBatchReader;
use arrow_schema::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;

/// A Parquet file to be read into a frame. Made by [`Frame::parquet`].
#[derive(Debug, Clone)]
#[must_use = "nothing is read before `read`"]
pub struct Parquet {
    wanted: Wanted,
}

impl Frame {
    /// A Parquet file: uncompressed, or compressed by Snappy.
    ///
    /// ```
    /// use partools_frame::Frame;
    /// use std::sync::Arc;
    /// let path = std::env::temp_dir().join(format!("partools-parquet-{}.parquet", std::process::id()));
    /// let frame = Frame::new([
    ///     ("k", Arc::new(partools_frame::arrow_array::Int64Array::from(vec![1, 2])) as _),
    ///     ("v", Arc::new(partools_frame::arrow_array::StringArray::from(vec!["a", "b"])) as _),
    /// ])?;
    /// frame.write_parquet(&path)?;
    /// assert_eq!(Frame::parquet(&path).read()?, frame);
    /// assert_eq!(Frame::parquet(&path).columns(["k"]).read()?.names().collect::<Vec<_>>(), ["k"]);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parquet(path: impl AsRef<Path>) -> Parquet {
        Parquet {
            wanted: Wanted::new(path.as_ref()),
        }
    }

    /// Writes it as a Parquet file, compressed by Snappy.
    ///
    /// # Errors
    /// Where the file cannot be written, or a column's type has no place in Parquet.
    pub fn write_parquet(&self, path: impl AsRef<Path>) -> Result<(), FrameError> {
        let path = path.as_ref();
        let lost = |why: ArrowError| {
            let what = format!("the frame could not be written to {}", path.display());
            FrameError::arrow(what, why)
        };
        let file = File::create(path).map_err(|e| lost(e.into()))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let of = |e: ParquetError| lost(e.into());
        let mut writer =
            ArrowWriter::try_new(file, self.batch().schema(), Some(properties)).map_err(of)?;
        writer.write(self.batch()).map_err(of)?;
        writer.close().map_err(of)?;
        Ok(())
    }
}

impl Parquet {
    /// Only these columns, in this order.
    pub fn columns<N: Into<String>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.wanted.choose(columns);
        self
    }

    /// Reads it.
    ///
    /// # Errors
    /// Where the file cannot be read, or a column is not there.
    pub fn read(self) -> Result<Frame, FrameError> {
        let of = |e: ParquetError| self.wanted.unreadable(e);
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.wanted.open()?).map_err(of)?;
        let positions = self.wanted.positions(builder.schema())?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), positions);
        let reader = builder
            .with_batch_size(1 << 16)
            .with_projection(mask)
            .build()
            .map_err(of)?;
        let schema = reader.schema();
        self.wanted.frame(&schema, reader)
    }
}
