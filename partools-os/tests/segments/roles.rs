//! This program started again, to play what must begin afresh or may end badly.

use std::io::{self, Write};
use std::process::{Command, ExitCode, Output, Stdio};

use crate::{memory, truncation};

/// With this in the environment, the program plays a role.
const ROLE: &str = "PARTOOLS_OS_SEGMENTS_ROLE";

/// Plays the role that this process was given, if any.
pub(crate) fn play() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    match role.as_str() {
        "read" => memory::read(),
        "fill" => memory::fill(),
        "twice" => memory::twice(),
        "attach" => memory::attach(),
        "touch" => truncation::touch(),
        unknown => panic!("no role {unknown:?}"),
    }
    Some(ExitCode::SUCCESS)
}

/// In a role: a line for the one who started it.
pub(crate) fn say(line: &str) {
    writeln!(io::stdout(), "{line}").expect("somebody listens");
}

/// Another process that plays `role`, with this standard input; what it printed, and how it ended.
pub(crate) fn perform(role: &str, input: Stdio) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(ROLE, role).stdin(input);
    command.output().expect("a process")
}

/// The numbers that `role` printed at its good end.
pub(crate) fn numbers(role: &str, input: Stdio) -> Vec<usize> {
    let output = perform(role, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{role}: {}: {said}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers = text.split_whitespace().map(|number| number.parse());
    numbers.collect::<Result<_, _>>().expect("numbers")
}
