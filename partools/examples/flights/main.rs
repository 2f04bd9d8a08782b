//! How late do airlines arrive, and how sure is that? The mean arrival delay of each carrier that left New
//! York City in 2013, with a bootstrapped interval, on every executor: all give the same digits.
//!
//! ```text
//! cargo run --release --example flights                  on one executor after the other
//! cargo run --release --example flights -- --on fork:2   on one
//! ```
//!
//! [`bootstrap::run`] is the call that all this is about; `columns.rs` has the shared argument.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

mod arguments;
mod bootstrap;
mod columns;
mod table;

use arguments::Arguments;
use bootstrap::Outcome;
use columns::{Flights, Grouped};
use std::error::Error;
use std::process::ExitCode;
use table::Time;

fn main() -> ExitCode {
    // Workers of `ipc` are this program, started again.
    #[cfg(target_os = "linux")]
    partools::init();
    let done = match arguments::read(std::env::args().skip(1)) {
        Ok(Some(arguments)) => show(&arguments),
        Ok(None) => {
            println!("{}", arguments::usage());
            Ok(())
        }
        Err(wrong) => {
            eprintln!("flights: {wrong}\n\n{}", arguments::usage());
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flights: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let grouped = Grouped::of(&partools_flights::load()?)?;
    let flights = grouped.columns();
    let blocks = bootstrap::blocks(flights, arguments.resamples);
    println!("{}", table::title(&grouped, arguments, blocks.len()));

    let mut first: Option<Outcome> = None;
    let mut times = Vec::new();
    for on in &arguments.executors {
        let outcome = bootstrap::run(flights, &blocks, arguments.seed, on)?;
        times.push(Time {
            executor: on.to_string(),
            workers: outcome.workers,
            time: outcome.time,
        });
        match &first {
            None => {
                table::print_delays(&grouped, &outcome.means);
                first = Some(outcome);
            }
            Some(first) => {
                check(flights, &outcome.means, &first.means)
                    .map_err(|wrong| format!("{on}: {wrong}, says {}", times[0].executor))?;
            }
        }
    }
    if let Some(first) = first {
        table::print_times(&times, &first.means);
    }
    Ok(())
}

/// Are these the expected means, to the last digit?
fn check(flights: Flights<'_>, means: &[Vec<f64>], expected: &[Vec<f64>]) -> Result<(), String> {
    for (carrier, (means, expected)) in means.iter().zip(expected).enumerate() {
        let code = flights.code(carrier);
        if means.len() != expected.len() {
            let (found, expected) = (means.len(), expected.len());
            return Err(format!("{found} resamples of {code}, and not {expected}"));
        }
        let pairs = || means.iter().zip(expected);
        if let Some(resample) = pairs().position(|(one, other)| one.to_bits() != other.to_bits()) {
            let (mean, expected) = (means[resample], expected[resample]);
            return Err(format!(
                "the mean of resample {resample} of {code} is {mean:e}, and not {expected:e}"
            ));
        }
    }
    Ok(())
}
