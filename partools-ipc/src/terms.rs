//! What the workers of a pool live under: set by the builder, the same for all of them.

use crate::harden::Harden;
use crate::setup::Setup;
use partools_os::{Capture, Limits};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// By these, libraries that start threads of their own learn how many: there is a worker on each processor already.
const THREADS: [&str; 7] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
];

#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) idle: Option<Duration>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) stderr: Capture,
    pub(crate) setup: Setup,
    pub(crate) harden: Harden,
}

impl Terms {
    /// Sets up the start of a worker.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.envs(THREADS.map(|name| (name, "1")));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
    }
}
