//! A map that is looked at in all ways: `cargo run --release --example insight -- --on fork:2 --timeline map.json`. It has
//! items of very different lengths, one that fails, and (where items may crash) one that takes its worker along. A bar
//! runs on the terminal, a report is printed at the end, and the timeline opens in ui.perfetto.dev.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

use partools::{AnyExecutor, Executor, Job, Progress, Report, Task, Timeline, over};
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: insight [--on EXECUTOR] [--items N] [--memory MB] [--timeline FILE]";

struct Arguments {
    on: AnyExecutor,
    items: usize,
    /// So much ordinary memory is held beside the map, for forks to copy the page tables of.
    megabytes: usize,
    timeline: Option<String>,
}

fn main() -> ExitCode {
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("insight: {error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn show() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let on = &arguments.on;
    let held = vec![1_u8; arguments.megabytes << 20];
    let (report, progress, timeline) = (
        Report::new().with_memory(),
        Progress::new(),
        Timeline::new(),
    );
    let last = arguments.items - 1;
    let may_crash = survives(&over(0..1).map(|i| i), on);
    let job = over(0..arguments.items)
        .shared(&held)
        .retries(1)
        .observe(&report)
        .observe(&progress)
        .observe(&timeline)
        .map_cx(|i, cx| {
            // Of every hundred items one takes ten times as long.
            work(Duration::from_micros(if i % 100 == 50 {
                5000
            } else {
                500
            }));
            if i == last / 2 && may_crash && cx.attempt == 0 {
                std::process::abort();
            }
            assert!(i != last / 3, "item {i} has no data");
            cx.shared.len()
        });
    let results = job.try_run(on)?;
    let good = results.iter().flatten().count();
    println!(
        "{good} of {} items have a result\n\n{report}",
        results.len()
    );
    if let Some(path) = &arguments.timeline {
        timeline.save(path)?;
        println!("the timeline is in {path}; open it in ui.perfetto.dev");
    }
    // What this example promises.
    let summary = report.summary();
    if (summary.finished, summary.failed) != (arguments.items, 1) {
        return Err(format!("the report is wrong: {summary:?}").into());
    }
    Ok(())
}

fn work(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn survives<T: Task>(_job: &Job<T>, on: &impl Executor<T>) -> bool {
    on.capabilities().isolates()
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut arguments = Arguments {
        on: "fork:2".parse()?,
        items: 1000,
        megabytes: 0,
        timeline: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(option) = given.next() {
        let value = given.next().ok_or(format!("{option} wants a value"))?;
        match option.as_str() {
            "--on" => arguments.on = value.parse()?,
            "--items" => arguments.items = value.parse::<usize>()?.max(10),
            "--memory" => arguments.megabytes = value.parse()?,
            "--timeline" => arguments.timeline = Some(value),
            _ => return Err(format!("what is {option:?}?").into()),
        }
    }
    Ok(arguments)
}
