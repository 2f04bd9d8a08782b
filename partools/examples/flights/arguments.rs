//! The command line.

use partools::AnyPortable;

pub(crate) struct Arguments {
    pub(crate) executors: Vec<AnyPortable>,
    /// Of each carrier.
    pub(crate) resamples: usize,
    pub(crate) seed: u64,
}

pub(crate) fn usage() -> String {
    let names = AnyPortable::names().collect::<Vec<_>>().join(", ");
    format!(
        "usage: flights [--on EXECUTOR] [--resamples N] [--seed N]\n\n\
         --on EXECUTOR  this one only, instead of one after the other: {names}\n\
         --resamples N  so many of each carrier (2000)\n\
         --seed N       other random numbers (2013)"
    )
}

/// What was asked for; `None` for help.
pub(crate) fn read(
    mut arguments: impl Iterator<Item = String>,
) -> Result<Option<Arguments>, String> {
    let (mut on, mut resamples, mut seed) = (None, 2000, 2013);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value behind it"))
        };
        match argument.as_str() {
            "--on" => on = Some(value()?),
            "--resamples" => {
                let number = value()?.parse().ok().filter(|&number| number > 0);
                resamples = number.ok_or("--resamples takes a whole number of at least 1")?;
            }
            "--seed" => {
                seed = value()?
                    .parse()
                    .map_err(|_| "--seed takes a whole number, 0 or more")?;
            }
            "-h" | "--help" => return Ok(None),
            unknown => return Err(format!("there is no argument {unknown:?}")),
        }
    }
    let names = on.map_or_else(all, |name| vec![name]);
    let executors = names.iter().map(|name| name.parse());
    let executors = executors.collect::<Result<_, _>>();
    Ok(Some(Arguments {
        executors: executors.map_err(|error: partools::ParseExecutorError| error.to_string())?,
        resamples,
        seed,
    }))
}

/// All executors of this build. Rayon keeps its threads, beside which Fork would refuse to fork: it is last.
fn all() -> Vec<String> {
    let mut names: Vec<_> = AnyPortable::names()
        .filter(|name| !name.contains(':'))
        .collect();
    names.sort_by_key(|name| name == "rayon");
    names
}
