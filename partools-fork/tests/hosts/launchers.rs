//! Hosts that another program started, and left its mark on.

use crate::jobs::{self, Causes, kill_self};
use crate::stage::{self, skip};
use partools_core::{Chunks, over};
use partools_fork::Fork;
use std::process::ExitCode;

/// Plays a host that `program` starts.
pub(crate) fn started_by(program: &str) -> ExitCode {
    let started = stage::play_by(program, &format!("under {program}")).status();
    match started {
        Ok(status) => ExitCode::from(u8::from(!status.success())),
        Err(why) => skip(&format!("{program} cannot be started: {why}")),
    }
}

/// The host itself.
pub(crate) fn under(program: &str) -> ExitCode {
    match program {
        "nohup" => hang_up(),
        _ => {
            // SAFETY: plain numbers.
            let session = unsafe { libc::getsid(0) };
            assert_eq!(
                session.unsigned_abs(),
                std::process::id(),
                "a session of its own"
            );
        }
    }
    jobs::two_hundred(3, Causes::Told);
    ExitCode::SUCCESS
}

/// What this process ignores its children ignore.
fn hang_up() {
    kill_self(libc::SIGHUP);
    let map = over(0..20).chunk(Chunks::of(1)).map(|i| {
        kill_self(libc::SIGHUP);
        i
    });
    let outputs = map.run(&Fork::new().workers(2)).expect("nobody hung up");
    assert!(outputs.into_iter().eq(0..20));
}
