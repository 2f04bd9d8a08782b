//! Peers in other languages: the private environments of `--with-peers`, and who of them is there.
//!
//! Python packages are installed into a virtual environment beside this executable, in the target folder; R packages
//! are used where they are. What cannot be had is a contender that is missing, with the reason; the rest goes on.

use crate::contender::{Entry, Kind, Launch};
use crate::contenders::ranks;
use crate::works::Delays;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// A contender, the module that has it, and the package that is asked for (none for what Python comes with).
const PYTHON: [(&str, &str, &str); 6] = [
    ("multiprocessing", "multiprocessing", ""),
    ("concurrent.futures", "concurrent.futures", ""),
    ("mpire", "mpire", "mpire"),
    ("joblib", "joblib", "joblib"),
    ("pathos", "pathos.multiprocessing", "pathos"),
    ("pebble", "pebble", "pebble"),
];

/// In a job of ranks, with the feature `mpi`.
const MPI4PY: &str = "mpi4py";

/// A contender, and the R package that has it.
const R: [(&str, &str); 2] = [("mclapply", "parallel"), ("future.apply", "future.apply")];

/// All of them, with what had to be installed.
pub(crate) fn set_up() -> Vec<Entry> {
    let python = python();
    let mut entries: Vec<Entry> = PYTHON
        .iter()
        .map(|(who, module, package)| {
            let ready = python.as_ref().map_err(Clone::clone).and_then(|python| {
                import(python, module)
                    .or_else(|_| install(python, package).and_then(|()| import(python, module)))?;
                Ok(vec![
                    path(python),
                    format!("{SCRIPTS}/peers.py"),
                    path(&delays()?),
                ])
            });
            entry(who, Kind::Python, ready)
        })
        .collect();
    let script = || {
        let python = python.as_ref().map_err(Clone::clone)?;
        import(python, MPI4PY).or_else(|_| install(python, MPI4PY))?;
        import(python, "mpi4py.futures")?;
        Ok(vec![
            path(python),
            format!("{SCRIPTS}/peers.py"),
            path(&delays()?),
        ])
    };
    if cfg!(feature = "mpi") {
        let job = ranks::mpi4py(script());
        entries.extend(job.map(|job| entry(MPI4PY, Kind::Python, job)));
    }
    entries.extend(R.iter().map(|(who, package)| {
        let script = format!("{SCRIPTS}/peers.R");
        entry(
            who,
            Kind::R,
            r_package(package).map(|()| vec!["Rscript".to_owned(), "--vanilla".to_owned(), script]),
        )
    }));
    for entry in &entries {
        let state = match &entry.launch {
            Launch::Missing(why) => format!("missing: {why}"),
            _ => "there".to_owned(),
        };
        note(&format!("{}: {state}", entry.name));
    }
    entries
}

/// The delays of all flights, in a file that scripts can read: they do not unpack the table.
fn delays() -> Result<PathBuf, String> {
    let file = folder()?.join("peers-flights.json");
    let text = serde_json::to_string(&Delays::load()?).map_err(|error| error.to_string())?;
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// Where this executable lies.
fn folder() -> Result<PathBuf, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(exe
        .parent()
        .ok_or("this executable lies in no folder")?
        .to_owned())
}

fn entry(who: &str, kind: Kind, ready: Result<Vec<String>, String>) -> Entry {
    match ready {
        Err(why) => Entry::missing(who, kind, why),
        Ok(command) => Entry {
            name: who.to_owned(),
            kind,
            launch: Launch::Command(command),
            alone: false,
        },
    }
}

/// The interpreter of the private environment, which has numpy: the scripts make their inputs with it.
fn python() -> Result<PathBuf, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = exe
        .parent()
        .ok_or("this executable lies in no folder")?
        .join("peers-python");
    let python = folder.join("bin/python");
    if !python.exists() {
        note("making a private Python environment for the peers");
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).map_err(|why| {
            format!("`python3 -m venv` did not work ({why}); install Python 3 with its venv module")
        })?;
    }
    import(&python, "numpy").or_else(|_| install(&python, "numpy"))?;
    Ok(python)
}

fn import(python: &Path, module: &str) -> Result<(), String> {
    run(Command::new(python).args(["-c", &format!("import {module}")]))
}

fn install(python: &Path, package: &str) -> Result<(), String> {
    if package.is_empty() {
        return Err("this Python does not come with it".to_owned());
    }
    note(&format!("installing {package} into it"));
    run(Command::new(python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        package,
    ]))
    .map_err(|why| format!("pip could not install it: {why}"))
}

fn r_package(package: &str) -> Result<(), String> {
    let there = format!("library(jsonlite); library({package})");
    run(Command::new("Rscript").args(["--vanilla", "-e", &there])).map_err(|why| {
        let debian = if package == "parallel" { String::new() } else { format!(", r-cran-{package}") };
        format!("needs R with its packages jsonlite and {package} (Debian: r-base-core, r-cran-jsonlite{debian}): {why}")
    })
}

/// Runs `command`; what went wrong is the last line that it said.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing")
        .trim()
        .to_owned())
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// What takes a while is said while it happens.
fn note(text: &str) {
    let _ = writeln!(io::stderr(), "peers: {text}");
}
