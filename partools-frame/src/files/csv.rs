//! CSV into a frame: two passes over the file, the first to find the types.

use super::Wanted;
use crate::error::FrameError;
use crate::frame::Frame;
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use arrow_schema::ArrowError;
use regex::Regex;
use std::io::Seek;
use std::path::Path;
use std::sync::Arc;

/// A CSV file to be read into a frame. Made by [`Frame::csv`].
#[derive(Debug, Clone)]
#[must_use = "nothing is read before `read`"]
pub struct Csv {
    wanted: Wanted,
    delimiter: u8,
    null: String,
}

impl Frame {
    /// A CSV file with a header. A column's type is that of all its values: booleans, `Int64`, `Float64`, dates and timestamps,
    /// else texts.
    ///
    /// ```
    /// use partools_frame::Frame;
    /// let path = std::env::temp_dir().join(format!("partools-csv-{}.csv", std::process::id()));
    /// std::fs::write(&path, "origin;delay;flight\nEWR;4.5;1\nJFK;NA;2\n")?;
    /// let frame = Frame::csv(&path).delimiter(b';').null("NA").columns(["flight", "delay"]).read()?;
    /// assert_eq!(frame.names().collect::<Vec<_>>(), ["flight", "delay"]);
    /// assert_eq!(frame.values::<i64>("flight")?, [1, 2]);
    /// assert_eq!(frame.column("delay")?.null_count(), 1);
    /// # use partools_frame::arrow_array::Array;
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn csv(path: impl AsRef<Path>) -> Csv {
        Csv {
            wanted: Wanted::new(path.as_ref()),
            delimiter: b',',
            null: String::new(),
        }
    }
}

impl Csv {
    /// Only these columns, in this order.
    pub fn columns<N: Into<String>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.wanted.choose(columns);
        self
    }

    /// What stands between two values; a comma if not set.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// The word for a value that is missing, beside nothing at all.
    pub fn null(mut self, word: impl Into<String>) -> Self {
        self.null = word.into();
        self
    }

    /// Reads it.
    ///
    /// # Errors
    /// Where the file cannot be read, a column is not there, or a line has another number of values.
    pub fn read(self) -> Result<Frame, FrameError> {
        let missing = format!("^(?:{})?$", regex::escape(&self.null));
        let missing = Regex::new(&missing).map_err(|e| {
            self.wanted
                .unreadable(ArrowError::InvalidArgumentError(e.to_string()))
        })?;
        let format = Format::default()
            .with_header(true)
            .with_delimiter(self.delimiter)
            .with_null_regex(missing);
        let mut file = self.wanted.open()?;
        let (schema, _) = format
            .infer_schema(&mut file, None)
            .map_err(|e| self.wanted.unreadable(e))?;
        file.rewind().map_err(|e| self.wanted.unreadable(e))?;
        let schema = Arc::new(schema);
        let positions = self.wanted.positions(&schema)?;
        let reader = ReaderBuilder::new(schema)
            .with_format(format)
            .with_batch_size(1 << 16)
            .with_projection(positions)
            .build(file)
            .map_err(|e| self.wanted.unreadable(e))?;
        let schema = reader.schema();
        self.wanted.frame(&schema, reader)
    }
}
