//! An item that crashes, and what is left of the others: `cargo run --example crash -- --on fork:2`.
//! On threads the same crash would end this program, so it first asks what the executor can do.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

use partools::{AnyExecutor, Executor, Job, Task, over};
use std::error::Error;
use std::process::ExitCode;

/// Item 37 writes beside a null pointer, as a fault in a C library might.
fn item(i: usize) -> usize {
    if i == 37 {
        // SAFETY: none. This is the fault.
        unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
    }
    i * i
}

fn main() -> ExitCode {
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crash: {error}\nusage: crash [--on EXECUTOR]");
            ExitCode::FAILURE
        }
    }
}

fn show() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let on: AnyExecutor = match &arguments[..] {
        [] => "fork:2".parse()?,
        [option, name] if option == "--on" => name.parse()?,
        _ => return Err(format!("what is {:?}?", arguments.join(" ")).into()),
    };
    let job = over(0..100).map(item);
    if !survives(&job, &on) {
        return Err(
            format!("on {on}, item 37 would take this program with it; try --on fork:2").into(),
        );
    }
    let results = job.try_run(&on)?;
    println!(
        "{} of {} items have a result",
        results.iter().flatten().count(),
        results.len()
    );
    for failure in results.iter().filter_map(|result| result.as_ref().err()) {
        println!("{failure}");
    }
    println!(
        "run, which wants all or nothing, says: {}",
        job.run(&on).unwrap_err()
    );
    Ok(())
}

fn survives<T: Task>(_job: &Job<T>, on: &impl Executor<T>) -> bool {
    on.capabilities().isolates()
}
