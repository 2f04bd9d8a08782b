//! How much of a late departure is still there on arrival? For each of the 224 routes that left New York City in 2013 a robust
//! line through its flights: arrival on departure delay, by least trimmed squares, which half of the flights may contradict.
//!
//! ```text
//! cargo run --release --example delays -- --on fork:2                      a table, and a picture (SVG)
//! cargo run --release --example delays --features partools-frame/parquet   and the table as Parquet
//! ```
//! A slope of 1 says that a minute lost at the gate is a minute lost on arrival; the intercept is what the schedule has to
//! spare. [`regression::fits`] is the call that all this is about; any executor gives the same digits.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

mod picture;
mod regression;
mod table;

use partools::AnyExecutor;
use partools_frame::Frame;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What was asked for.
struct Arguments {
    on: AnyExecutor,
    starts: usize,
    to: PathBuf,
}

impl Arguments {
    fn read() -> Result<Self, Box<dyn Error>> {
        // Beside the program, which is where nothing is in the way.
        let program = std::env::current_exe()?;
        let mut arguments = Arguments {
            on: "threads".parse()?,
            starts: 100,
            to: program.parent().unwrap_or(Path::new(".")).to_owned(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
            match word.as_str() {
                "--on" => arguments.on = value.parse()?,
                "--starts" => arguments.starts = value.parse()?,
                "--to" => arguments.to = value.into(),
                _ => {
                    return Err(format!(
                        "{word} is unknown; there are --on (serial, threads:2, fork:2), --starts (100) and --to (a folder)"
                    )
                    .into());
                }
            }
        }
        Ok(arguments)
    }
}

fn main() -> ExitCode {
    match Arguments::read().and_then(|arguments| show(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("delays: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let flights = table::flights()?;
    let begun = Instant::now();
    let fits = regression::fits(&flights, arguments.starts, &arguments.on)?;
    let time = begun.elapsed();
    table::print(&fits)?;
    let (routes, on) = (fits.num_rows(), &arguments.on);
    println!(
        "\n{routes} routes, {} starts each, on {on}: {:.2} s",
        arguments.starts,
        time.as_secs_f64()
    );
    let picture = arguments.to.join("delays.svg");
    std::fs::write(&picture, picture::svg(&fits)?)?;
    println!("picture: {}", picture.display());
    write_parquet(&fits, &arguments.to)
}

#[cfg(feature = "parquet")]
fn write_parquet(fits: &Frame, to: &Path) -> Result<(), Box<dyn Error>> {
    let path = to.join("delays.parquet");
    fits.write_parquet(&path)?;
    println!("table: {}", path.display());
    Ok(())
}

#[cfg(not(feature = "parquet"))]
fn write_parquet(_: &Frame, _: &Path) -> Result<(), Box<dyn Error>> {
    println!("no Parquet: this was built without `--features partools-frame/parquet`");
    Ok(())
}
