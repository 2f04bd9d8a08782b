//! Hosts that are not as one would wish: old kernels, tight limits, hidden `/proc`, greedy signal handlers, closed
//! streams, Ctrl-C, sudden death, and somebody who kills workers at random. Each strange host plays at least 200 maps.
//!
//! Each host that is changed for good is a process of its own: this program again, told by an environment variable
//! which script to play (`hosts/scripts.rs`), and killed with words when it takes too long. So a hang is a failure.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "scripts print, and say why they fail"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

#[path = "hosts/deaths.rs"]
mod deaths;
#[path = "hosts/jobs.rs"]
mod jobs;
#[path = "hosts/killer.rs"]
mod killer;
#[path = "hosts/launchers.rs"]
mod launchers;
#[path = "hosts/limits.rs"]
mod limits;
#[path = "hosts/scripts.rs"]
mod scripts;
#[path = "hosts/seccomp.rs"]
mod seccomp;
#[path = "hosts/signals.rs"]
mod signals;
#[path = "hosts/stage.rs"]
mod stage;
#[path = "hosts/stalls.rs"]
mod stalls;

fn main() -> ExitCode {
    if let Some(script) = stage::script() {
        return scripts::play(&script);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let mut trials: Vec<Trial> = SCRIPTED
        .iter()
        .map(|&(name, script)| {
            Trial::test(name, move || {
                stage::perform(script);
                Ok::<(), Failed>(())
            })
        })
        .collect();
    trials.extend(deaths::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What is tested, and the script that does it.
const SCRIPTED: &[(&str, &str)] = &[
    ("without_pidfds_all_is_found_by_number", "no_pidfd enosys"),
    (
        "with_pidfds_forbidden_all_is_found_by_number",
        "no_pidfd eperm",
    ),
    ("a_pidfd_that_cannot_signal_is_no_hang", "mute_pidfd eperm"),
    (
        "a_pidfd_that_knows_no_signal_is_no_hang",
        "mute_pidfd enosys",
    ),
    ("fewer_workers_where_processes_are_limited", "few_processes"),
    (
        "no_worker_at_all_is_an_error_within_a_second",
        "no_processes",
    ),
    (
        "a_worker_that_cannot_be_replaced_holds_up_nothing",
        "no_replacement",
    ),
    (
        "address_space_for_some_rings_is_enough_for_a_map",
        "address_space",
    ),
    (
        "sixty_four_descriptors_are_enough_for_a_hundred_workers",
        "descriptors",
    ),
    ("a_small_stack_is_enough", "small_stack"),
    ("a_hidden_proc_is_refused_in_words", "hidden_proc"),
    (
        "a_host_that_ignores_sigchld_learns_the_causes",
        "ignored_sigchld",
    ),
    (
        "a_host_that_reaps_all_children_learns_the_causes",
        "reaping_handler",
    ),
    (
        "a_host_that_reaps_all_children_by_number_alone_is_no_hang",
        "reaping_handler_no_pidfd",
    ),
    (
        "a_thread_that_waits_for_any_child_is_no_hang",
        "reaping_thread",
    ),
    (
        "handlers_of_the_host_stay_and_run_in_no_child",
        "own_handlers",
    ),
    (
        "blocked_signals_stay_blocked_in_host_and_children",
        "blocked_signals",
    ),
    (
        "a_timer_that_interrupts_every_call_is_no_matter",
        "interval_timer",
    ),
    ("closed_streams_are_not_taken_by_ours", "closed_streams"),
    ("the_first_process_of_a_namespace_can_fork", "first_process"),
    ("nohup_starts_a_host_like_any_other", "started_by nohup"),
    ("setsid_starts_a_host_like_any_other", "started_by setsid"),
    (
        "chaos_with_retries_ends_in_the_whole_result",
        "chaos_retried",
    ),
    (
        "a_counter_that_skips_items_holds_up_no_window",
        "skipping_counter",
    ),
    (
        "a_counter_that_is_set_back_holds_up_no_window",
        "counter_set_back",
    ),
    (
        "a_tail_that_was_overwritten_blames_no_innocent_item",
        "wild_tail",
    ),
    (
        "a_head_that_was_lost_in_a_full_ring_is_no_hang",
        "lost_head",
    ),
    (
        "a_callback_that_panics_before_full_rings_ends_the_map",
        "full_rings",
    ),
    (
        "a_worker_that_is_killed_while_its_state_is_dropped_spoils_nothing",
        "killed_at_the_end",
    ),
    (
        "a_worker_that_is_killed_while_its_state_is_made_is_replaced",
        "killed_at_the_start",
    ),
    ("a_clock_from_the_future_saves_no_late_item", "future_clock"),
    ("a_stray_claim_does_not_hold_up_the_end", "stray_claim"),
];
