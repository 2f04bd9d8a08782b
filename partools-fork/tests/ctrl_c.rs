//! Ctrl-C, from a terminal: with the guard, without it, twice, and beside handlers of the host. Each host is a process of its
//! own on a pseudo-terminal, in which a key is pressed; nothing of it may be left a second after its end.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "scripts say how far they are, and why they fail"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

#[path = "ctrl_c/hosts.rs"]
mod hosts;
#[path = "ctrl_c/terminal.rs"]
mod terminal;

fn main() -> ExitCode {
    if let Some(script) = terminal::script() {
        return hosts::play(&script);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        trial(
            "the_first_press_cancels_and_what_is_finished_is_kept",
            first_press,
        ),
        trial(
            "the_second_press_ends_the_process_as_it_would_have",
            second_press,
        ),
        trial("without_the_guard_a_press_ends_host_and_workers", no_guard),
        trial(
            "a_host_that_ignores_the_press_gets_its_whole_map",
            own_handler_ignores,
        ),
        trial(
            "the_second_press_is_for_the_handler_of_the_host",
            own_handler_second,
        ),
        trial(
            "behind_the_guard_the_handler_of_the_host_is_back",
            own_handler_back,
        ),
        trial(
            "a_handler_that_is_put_in_meanwhile_stays",
            own_handler_meanwhile,
        ),
        trial("an_ignored_ctrl_c_stays_ignored", ignored),
        trial("a_press_cancels_the_tokens_of_all_guards", two_guards),
        trial("guards_come_and_go_while_keys_are_pressed", storm),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok::<(), Failed>(())
    })
}

fn first_press() {
    let mut host = terminal::Host::start("cancelled");
    host.wait_for("working");
    host.press();
    host.wait_for("cancelled, 2 are finished");
    assert_eq!(host.end(), (Some(0), None));
}

fn second_press() {
    let mut host = terminal::Host::start("deaf");
    host.wait_for("working");
    host.press();
    host.wait_for("cancelled");
    host.press();
    assert_eq!(host.end(), (None, Some(libc::SIGINT)));
}

fn no_guard() {
    let mut host = terminal::Host::start("no_guard");
    host.wait_for("working");
    host.press();
    assert_eq!(host.end(), (None, Some(libc::SIGINT)));
}

fn own_handler_ignores() {
    let mut host = terminal::Host::start("own_handler_ignores");
    host.wait_for("working");
    host.press();
    host.wait_for("heard 1, all are finished");
    assert_eq!(host.end(), (Some(0), None));
}

fn own_handler_second() {
    let mut host = terminal::Host::start("own_handler_second");
    host.wait_for("working");
    host.press();
    host.wait_for("cancelled, heard 0");
    host.press();
    host.wait_for("heard 1");
    assert_eq!(host.end(), (Some(0), None));
}

fn own_handler_back() {
    let mut host = terminal::Host::start("own_handler_back");
    host.wait_for("ready");
    host.press();
    host.wait_for("heard 1, not cancelled");
    assert_eq!(host.end(), (Some(0), None));
}

fn own_handler_meanwhile() {
    let mut host = terminal::Host::start("own_handler_meanwhile");
    host.wait_for("ready");
    host.press();
    host.wait_for("heard 1, not cancelled");
    assert_eq!(host.end(), (Some(0), None));
}

fn ignored() {
    let mut host = terminal::Host::start("ignored");
    host.wait_for("working");
    host.press();
    host.wait_for("all are finished");
    assert_eq!(host.end(), (Some(0), None));
}

fn two_guards() {
    let mut host = terminal::Host::start("two_guards");
    host.wait_for("ready");
    host.press();
    host.wait_for("both are cancelled");
    assert_eq!(host.end(), (Some(0), None));
}

fn storm() {
    let mut host = terminal::Host::start("storm");
    assert_eq!(host.end(), (Some(0), None));
}
