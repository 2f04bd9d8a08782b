//! The scripts by name.

use crate::jobs::{self, Causes};
use crate::{deaths, killer, launchers, limits, seccomp, signals, stalls};
use std::process::ExitCode;

/// Plays a script: a name, and what it is told behind a space.
pub(crate) fn play(script: &str) -> ExitCode {
    let (name, told) = script.split_once(' ').unwrap_or((script, ""));
    match name {
        "no_pidfd" => denied(&seccomp::PIDFD_AND_MEMFD, told),
        "mute_pidfd" => denied(&[libc::SYS_pidfd_send_signal], told),
        "few_processes" => limits::few_processes(),
        "no_processes" => limits::no_processes(),
        "no_replacement" => limits::no_replacement(),
        "address_space" => limits::address_space(),
        "descriptors" => limits::descriptors(),
        "small_stack" => limits::small_stack(),
        "hidden_proc" => limits::hidden_proc(),
        "first_process" => limits::first_process(),
        "as_first_process" => limits::as_first_process(),
        "ignored_sigchld" => signals::ignored_sigchld(),
        "reaping_handler" => signals::reaping_handler(),
        "reaping_handler_no_pidfd" => signals::reaping_handler_no_pidfd(),
        "reaping_thread" => signals::reaping_thread(),
        "own_handlers" => signals::own_handlers(),
        "blocked_signals" => signals::blocked_signals(),
        "interval_timer" => signals::interval_timer(),
        "closed_streams" => signals::closed_streams(),
        "started_by" => launchers::started_by(told),
        "under" => launchers::under(told),
        "busy_loop" => killer::busy_loop(),
        "killer" => killer::killer(told),
        "chaos_retried" => killer::chaos_retried(),
        "skipping_counter" => stalls::skipping_counter(),
        "counter_set_back" => stalls::counter_set_back(),
        "wild_tail" => stalls::wild_tail(),
        "lost_head" => stalls::lost_head(),
        "full_rings" => stalls::full_rings(),
        "killed_at_the_end" => stalls::killed_at_the_end(),
        "killed_at_the_start" => stalls::killed_at_the_start(),
        "future_clock" => stalls::future_clock(),
        "stray_claim" => stalls::stray_claim(),
        "endless_map" => deaths::endless_map(),
        "endless_maps" => deaths::endless_maps(),
        _ => {
            eprintln!("there is no script {script:?}");
            ExitCode::FAILURE
        }
    }
}

fn denied(calls: &[libc::c_long], how: &str) -> ExitCode {
    seccomp::deny(
        calls,
        if how == "eperm" {
            libc::EPERM
        } else {
            libc::ENOSYS
        },
    );
    jobs::two_hundred(3, Causes::Told);
    // Sealed memory is another matter: what cannot be made is an error, and no end of the program.
    if calls.contains(&libc::SYS_memfd_create) {
        let refused = partools_os::SharedVec::from_slice(&[1_u64, 2, 3]);
        assert!(
            refused.is_err(),
            "memory files are denied, and yet there is one"
        );
    }
    ExitCode::SUCCESS
}
