//! The main job: sum a large array in sections, on several executors, and see what each costs.
//!
//! ```text
//! cargo run --release --example section_sum                  all of it, 800 MB
//! cargo run --release --example section_sum -- --on fork:2   one executor, beside the serial reference
//! ```
//!
//! Every result is compared with the serial one, bit for bit. [`sums`] is the call that all this is about.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

mod arguments;
mod table;
mod watch;

use arguments::{Arguments, Task};
use partools::{AnyPortable, Chunks, Executor, Task as Map, over};
use std::error::Error;
use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use table::Row;

const COLUMNS: usize = 100;
const ROWS_PER_SECTION: usize = 10_000;
const SECTIONS_PER_CHUNK: usize = 25;
const NUMBERS_PER_CHUNK: usize = SECTIONS_PER_CHUNK * ROWS_PER_SECTION * COLUMNS;
/// How many milliseconds a worker rests after each chunk in the run whose memory is watched.
const REST: u64 = 400;

/// The sums of the sections of `array`: the map that is measured. The closure captures nothing, so it is called in processes
/// elsewhere, too; how many milliseconds to rest is shared with it as the array is.
fn sums(
    array: &[f64],
    sections: &[Range<usize>],
    on: &AnyPortable,
    rest: u64,
) -> Result<Vec<f64>, partools::Error> {
    over(sections)
        .shared((array, rest))
        .chunk(Chunks::of(SECTIONS_PER_CHUNK))
        .map(|section, (array, rest)| {
            let sum = array[section.clone()].iter().sum::<f64>();
            if section.end % NUMBERS_PER_CHUNK == 0 || section.end == array.len() {
                std::thread::sleep(Duration::from_millis(rest));
            }
            sum
        })
        .run(on)
}

fn main() -> ExitCode {
    // Workers of `ipc` are this program, started again.
    #[cfg(target_os = "linux")]
    partools::init();
    let done = match arguments::read(std::env::args().skip(1)) {
        Ok(Task::Watch(process)) => watch::serve(process).map_err(Box::from),
        Ok(Task::Measure(arguments)) => measure(&arguments),
        Ok(Task::Help) => {
            println!("{}", arguments::usage());
            Ok(())
        }
        Err(wrong) => {
            eprintln!("section_sum: {wrong}\n\n{}", arguments::usage());
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("section_sum: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let len = arguments.rows * COLUMNS;
    let too_large = |why: String| {
        format!(
            "no memory for an array of {} rows: {why}; take fewer with --rows",
            arguments.rows
        )
    };
    let bytes = (len * size_of::<f64>()) as u64;
    if let Some(available) = watch::available().filter(|&available| bytes > available) {
        return Err(too_large(format!("{bytes} bytes, and {available} are available")).into());
    }
    let mut array = Vec::new();
    array
        .try_reserve_exact(len)
        .map_err(|error| too_large(error.to_string()))?;
    let sections: Vec<Range<usize>> = (0..len)
        .step_by(ROWS_PER_SECTION * COLUMNS)
        .map(|start| start..len.min(start + ROWS_PER_SECTION * COLUMNS))
        .collect();
    println!("{}", table::title(arguments.rows, COLUMNS, sections.len()));

    array.extend((0..len).map(element));
    let serial = "serial".parse()?;
    let expected = sums(&array, &sections, &serial, 0)?;
    let bench = Bench {
        sections: &sections,
        expected: &expected,
        runs: arguments.runs,
    };

    let mut rows = vec![bench.row("serial".to_owned(), &array, &serial)?];
    for on in arguments.executors.iter().filter(|on| kind(on) != "serial") {
        // Workers that are no children by a fork see a copy of a plain vector; where there is no room, that is told.
        if kind(on) == "ipc" && watch::available().is_some_and(|available| bytes > available) {
            println!("ipc, plain Vec: left out, as there is no room for a copy of the array\n");
            continue;
        }
        let name = match makes_processes(on) {
            true => format!("{}, plain Vec", kind(on)),
            false => kind(on),
        };
        rows.push(bench.row(name, &array, on)?);
    }
    // Never two arrays at once.
    drop(array);
    rows.extend(bench.rows_with_shared_vec(len, &arguments.executors)?);

    table::print(&rows, len * size_of::<f64>());
    table::check(&rows, len * size_of::<f64>())
}

/// Element number `index`: anything that is the same each time, and whose sums depend on their order.
fn element(index: usize) -> f64 {
    let mixed = (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

fn kind(on: &AnyPortable) -> String {
    on.to_string()
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn makes_processes(on: &AnyPortable) -> bool {
    matches!(&*kind(on), "fork" | "ipc")
}

/// What all rows of the table have in common.
struct Bench<'b> {
    sections: &'b [Range<usize>],
    expected: &'b [f64],
    runs: usize,
}

impl Bench<'_> {
    /// Runs the sums several times for the clock, then once more, slowed, for the watcher.
    fn row(&self, name: String, array: &[f64], on: &AnyPortable) -> Result<Row, Box<dyn Error>> {
        let mut times = Vec::new();
        for _ in 0..self.runs {
            let begun = Instant::now();
            let sums = sums(array, self.sections, on, 0)?;
            times.push(begun.elapsed());
            self.check(&name, &sums)?;
        }
        times.sort();
        // With workers of its own, where they are kept: what they are, and not only what they do, is to be seen.
        let fresh = on.to_string().parse()?;
        let watcher = watch::Watcher::start()?;
        let sums = sums(array, self.sections, &fresh, REST)?;
        let added = watcher.added(makes_processes(on))?;
        self.check(&name, &sums)?;
        let workers = self.workers(on, array).min(self.sections.len());
        Ok(Row {
            name,
            workers,
            time: times[times.len() / 2],
            added,
        })
    }

    fn workers(&self, on: &AnyPortable, array: &[f64]) -> usize {
        fn of<T: Map>(_: &T, on: &impl Executor<T>) -> usize {
            on.capabilities().workers()
        }
        let job = over(self.sections)
            .shared(array)
            .map(|section, _| section.start);
        of(job.task(), on)
    }

    /// Are these the serial results, bit for bit?
    fn check(&self, name: &str, sums: &[f64]) -> Result<(), String> {
        let differs = |(sum, expected): (&f64, &f64)| sum.to_bits() != expected.to_bits();
        let pairs = || sums.iter().zip(self.expected);
        if sums.len() != self.expected.len() {
            return Err(format!(
                "{name}: {} sums of {} sections",
                sums.len(),
                self.expected.len()
            ));
        }
        let Some(section) = pairs().position(differs) else {
            return Ok(());
        };
        let (sum, expected) = (sums[section], self.expected[section]);
        Err(format!(
            "{name}: the sum of section {section} is {sum:e}, and serial says {expected:e}"
        ))
    }

    #[cfg(target_os = "linux")]
    fn rows_with_shared_vec(
        &self,
        len: usize,
        executors: &[AnyPortable],
    ) -> Result<Vec<Row>, Box<dyn Error>> {
        let with_processes: Vec<_> = executors.iter().filter(|on| makes_processes(on)).collect();
        if with_processes.is_empty() {
            return Ok(Vec::new());
        }
        let array = partools::SharedVec::from_fn(len, element).map_err(|error| {
            format!("no memory for a SharedVec of {len} numbers: {error}; take fewer with --rows")
        })?;
        // Read once by this process, so that what its workers read is shared with it and not new.
        self.check(
            "serial, SharedVec",
            &sums(&array, self.sections, &"serial".parse()?, 0)?,
        )?;
        with_processes
            .into_iter()
            .map(|on| self.row(format!("{}{}", kind(on), table::SHARED), &array, on))
            .collect()
    }

    #[cfg(not(target_os = "linux"))]
    fn rows_with_shared_vec(
        &self,
        _: usize,
        _: &[AnyPortable],
    ) -> Result<Vec<Row>, Box<dyn Error>> {
        Ok(Vec::new())
    }
}
