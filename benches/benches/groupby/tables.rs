//! Tables beside the benchmark's own: skewed groups, many small ones, and the flights; and a table as CSV, for peers.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{ArrayRef, Float64Array, Int32Array, StringArray};
use partools_frame::Frame;
use std::fs::File;
use std::io::{BufWriter, Error, Write};
use std::sync::Arc;

/// A number without visible order for each row.
fn mixed(row: usize) -> u64 {
    let mixed = (row as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
}

fn keyed(keys: impl Iterator<Item = i32>) -> Frame {
    let keys = Int32Array::from_iter_values(keys);
    let rows = 0..keys.values().len();
    let values = Float64Array::from_iter_values(rows.map(|row| (mixed(row) % 1000) as f64));
    let columns: [(&str, ArrayRef); 2] = [("k", Arc::new(keys)), ("v3", Arc::new(values))];
    Frame::new(columns).expect("columns of one length")
}

/// Ten groups, each half as large as the one before.
pub(crate) fn skewed(rows: usize) -> Frame {
    let key = |row| i32::try_from(mixed(row).trailing_ones().min(9)).unwrap_or(9);
    keyed((0..rows).map(key))
}

/// So many groups of ten rows each.
pub(crate) fn many(groups: usize) -> Frame {
    let key = |row: usize| i32::try_from(row * 7919 % groups.max(1)).expect("fewer than 2^31");
    keyed((0..groups * 10).map(key))
}

/// The flights, as far as they are asked for here.
pub(crate) fn flights() -> Frame {
    let flights = partools_flights::load().expect("the flights");
    let texts = |name: &str| -> ArrayRef {
        let column = flights.texts(name);
        Arc::new(
            (0..flights.rows())
                .map(|row| column.get(row))
                .collect::<StringArray>(),
        )
    };
    let numbers = |name: &str| -> ArrayRef {
        let column = flights.numbers(name).iter();
        Arc::new(column.map(|n| n.map(f64::from)).collect::<Float64Array>())
    };
    let names = ["carrier", "tailnum", "origin", "dest"];
    let texts = names.map(|name| (name, texts(name)));
    let numbers = ["dep_delay", "arr_delay"].map(|name| (name, numbers(name)));
    Frame::new(texts.into_iter().chain(numbers)).expect("columns of one length")
}

/// The table as CSV: texts, integers and floats without nulls.
pub(crate) fn write(table: &Frame, path: &str) -> Result<(), Error> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{}", table.names().collect::<Vec<_>>().join(","))?;
    for row in 0..table.num_rows() {
        for (at, column) in table.batch().columns().iter().enumerate() {
            if at > 0 {
                write!(file, ",")?;
            }
            if let Some(texts) = column.as_string_opt::<i32>() {
                write!(file, "{}", texts.value(row))?;
            } else if let Some(integers) = column.as_primitive_opt::<Int32Type>() {
                write!(file, "{}", integers.value(row))?;
            } else {
                write!(file, "{}", column.as_primitive::<Float64Type>().value(row))?;
            }
        }
        writeln!(file)?;
    }
    file.flush()
}
