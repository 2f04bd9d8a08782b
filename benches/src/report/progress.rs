//! How far it is: a bar where somebody looks at a terminal, else the tables alone, as they come.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};

pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(workloads: usize) -> Self {
        let shown = io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(workloads as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {elapsed}  {msg}") {
            bar.set_style(style);
        }
        Progress(bar)
    }

    /// The workload that is begun.
    pub(crate) fn at(&self, workload: &str) {
        self.0.set_message(workload.to_owned());
        self.0.tick();
    }

    /// What is found of it; standard output, above the bar.
    pub(crate) fn say(&self, table: &str) {
        self.0.suspend(|| {
            // Nobody may read it: the files are what counts then.
            let _ = writeln!(io::stdout(), "{table}");
        });
        self.0.inc(1);
    }

    /// A workload that was measured before.
    pub(crate) fn skip(&self) {
        self.0.inc(1);
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
