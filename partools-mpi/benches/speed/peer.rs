//! mpi4py, in an environment of its own, in a job of as many ranks.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter, with mpi4py; it is made where it is not there.
pub(crate) fn python() -> Result<PathBuf, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = exe.parent().ok_or("this program lies in no folder")?;
    let folder = folder.join("mpi4py");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let import = ["-c", "import mpi4py.futures; import mpi4py.MPI"];
    if run(Command::new(&python).args(import)).is_err() {
        let install = ["-m", "pip", "install", "--quiet", "mpi4py"];
        run(Command::new(&python).args(install))?;
        run(Command::new(&python).args(import))?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|why| format!("{command:?}: {why}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
                .lines()
                .last()
                .unwrap_or("it failed")
        )),
    }
}

pub(crate) fn job(python: &Path, items: usize) -> Result<Command, Box<dyn Error>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed/peer.py");
    let mut command = crate::mpirun();
    command.arg(python).arg(script).arg(items.to_string());
    Ok(command)
}
