//! The command line.

use partools::AnyPortable;

/// What the program was started for.
pub(crate) enum Task {
    Measure(Arguments),
    /// Hidden: this is the watcher of that process.
    Watch(u32),
    Help,
}

pub(crate) struct Arguments {
    pub(crate) rows: usize,
    /// Beside the serial reference.
    pub(crate) executors: Vec<AnyPortable>,
    /// How often each is timed.
    pub(crate) runs: usize,
}

pub(crate) fn usage() -> String {
    let names = AnyPortable::names().collect::<Vec<_>>().join(", ");
    format!(
        "usage: section_sum [--rows N] [--on EXECUTOR] [--workers N] [--quick]\n\n\
         --rows N       rows of 100 numbers (1000000, which is 800 MB)\n\
         --on EXECUTOR  this one only, beside the serial reference: {names}\n\
         --workers N    so many workers (as many as there are processors)\n\
         --quick        3 timed runs of each instead of 9"
    )
}

pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let (mut rows, mut on, mut workers, mut runs) = (1_000_000, None, None, 9);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value behind it"))
        };
        match argument.as_str() {
            "--rows" => {
                rows = number(&value()?).ok_or("--rows takes a whole number of at least 1")?
            }
            "--on" => on = Some(value()?),
            "--workers" => workers = Some(value()?),
            "--quick" => runs = 3,
            "--watch" => {
                let process = value()?
                    .parse()
                    .map_err(|_| "--watch takes the id of a process")?;
                return Ok(Task::Watch(process));
            }
            "-h" | "--help" => return Ok(Task::Help),
            unknown => return Err(format!("there is no argument {unknown:?}")),
        }
    }
    if rows > isize::MAX as usize / size_of::<f64>() / super::COLUMNS {
        return Err(format!(
            "an array of {rows} rows is more than a machine can address"
        ));
    }
    let names = match &on {
        Some(name) => vec![name.as_str()],
        None => {
            let is_there = |name: &&str| AnyPortable::names().any(|there| there == *name);
            let names = ["threads", "fork", "ipc"].into_iter();
            names.filter(is_there).collect()
        }
    };
    let executor = |name: &str| match &workers {
        Some(number) => format!("{}:{number}", name.trim()).parse(),
        None => name.parse(),
    };
    let executors = names.into_iter().map(executor).collect::<Result<_, _>>();
    let executors = executors.map_err(|error: partools::ParseExecutorError| error.to_string())?;
    Ok(Task::Measure(Arguments {
        rows,
        executors,
        runs,
    }))
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&number| number > 0)
}
