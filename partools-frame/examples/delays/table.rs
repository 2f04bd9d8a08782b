//! The flights as a frame, and the fits as a table on the terminal.

use partools_frame::arrow_array::cast::AsArray;
use partools_frame::arrow_array::{ArrayRef, Float64Array, StringArray};
use partools_frame::{Frame, FrameError};
use std::error::Error;
use std::sync::Arc;

/// The columns that are needed here.
pub(crate) fn flights() -> Result<Frame, Box<dyn Error>> {
    let table = partools_flights::load()?;
    let texts = |name: &'static str| -> (&'static str, ArrayRef) {
        let column = table.texts(name);
        let texts: StringArray = (0..table.rows()).map(|row| column.get(row)).collect();
        (name, Arc::new(texts))
    };
    let numbers = |name: &'static str| -> (&'static str, ArrayRef) {
        let numbers = table.numbers(name).iter().map(|n| n.map(f64::from));
        (name, Arc::new(numbers.collect::<Float64Array>()))
    };
    let columns = [
        texts("origin"),
        texts("dest"),
        numbers("dep_delay"),
        numbers("arr_delay"),
    ];
    Ok(Frame::new(columns)?)
}

/// A fit.
pub(crate) struct Row<'f> {
    pub(crate) origin: &'f str,
    pub(crate) dest: &'f str,
    pub(crate) flights: u64,
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    pub(crate) spread: f64,
}

/// All fits, those of most flights first.
pub(crate) fn rows(fits: &Frame) -> Result<Vec<Row<'_>>, FrameError> {
    let (origin, dest) = (
        fits.column("origin")?.as_string::<i32>(),
        fits.column("dest")?.as_string::<i32>(),
    );
    let flights = fits.values::<u64>("flights")?;
    let (slope, intercept, spread) = (
        fits.values::<f64>("slope")?,
        fits.values::<f64>("intercept")?,
        fits.values::<f64>("spread")?,
    );
    let row = |at| Row {
        origin: origin.value(at),
        dest: dest.value(at),
        flights: flights[at],
        slope: slope[at],
        intercept: intercept[at],
        spread: spread[at],
    };
    let mut rows: Vec<Row<'_>> = (0..fits.num_rows()).map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.flights));
    Ok(rows)
}

/// How many routes are shown.
const SHOWN: usize = 15;

pub(crate) fn print(fits: &Frame) -> Result<(), FrameError> {
    println!("route      flights   slope   intercept   spread (minutes)");
    for row in rows(fits)?.iter().take(SHOWN) {
        println!(
            "{}-{} {:9} {:9.3} {:9.1} {:10.1}",
            row.origin, row.dest, row.flights, row.slope, row.intercept, row.spread
        );
    }
    Ok(())
}
