//! What the suite must say of each liar: at which cases it shows, and how; and which it has nothing to do with.

use Shown::{Dies, Hangs, Says};

/// How a case must show a lie.
pub(crate) enum Shown {
    /// It is broken, and this is said of it.
    Says(&'static str),
    /// The watchdog ends the process, and names the case.
    Hangs,
    /// The process dies with its item, by SIGABRT.
    Dies,
}

/// What is expected of the suite.
pub(crate) struct Expected {
    pub(crate) liar: &'static str,
    /// The cases that must not be kept, and how.
    pub(crate) breaks: &'static [(&'static str, Shown)],
    /// Cases that the lie has nothing to do with: they are kept, so the suite tells lies apart.
    pub(crate) keeps: &'static [&'static str],
}

const fn expect(
    liar: &'static str,
    breaks: &'static [(&'static str, Shown)],
    keeps: &'static [&'static str],
) -> Expected {
    Expected {
        liar,
        breaks,
        keeps,
    }
}

pub(crate) const EXPECTED: &[Expected] = &[
    expect(
        "honest",
        &[],
        &[
            "c2_order::strings_of_1000",
            "c12_control::a_deadline_stops_the_map",
            "c4_nothing_left::after_each_of_many_maps",
        ],
    ),
    expect(
        "reorders",
        &[
            (
                "c2_order::strings_of_7",
                Says("not the output of that item"),
            ),
            (
                "c2_order::over_aligned_of_1000",
                Says("not the output of that item"),
            ),
            (
                "c14_unordered::each_output_once_with_its_index",
                Says("with another's output"),
            ),
            (
                "c15_picks::for_each_is_in_item_order_or_in_any",
                Says("outputs that are another item's"),
            ),
            (
                "c15_picks::the_lowest_err_is_the_error",
                Says("not item 7's error"),
            ),
        ],
        &[
            "c2_order::strings_of_1",
            "c9_empty::a_map_of_one_item_is_right",
        ],
    ),
    expect(
        "reorders_in_one_place",
        &[(
            "c2_order::strings_of_100000",
            Says("with 8 workers: Of(3): run: at place 0 lies not the output of that item"),
        )],
        &[
            "c2_order::strings_of_1000",
            "c2_order::uneven_vectors_of_100000",
        ],
    ),
    expect(
        "drops_the_last_chunk",
        &[
            ("c1_calls::every_item_once_of_7", Says("before items")),
            ("c2_order::units_of_1000", Says("before items")),
        ],
        &["c2_order::units_of_0"],
    ),
    expect(
        "runs_items_twice",
        &[("c1_calls::every_item_once_of_7", Says("calls of each item"))],
        &["c2_order::strings_of_7"],
    ),
    expect(
        "leaks_a_descriptor",
        &[
            (
                "c4_nothing_left::after_each_of_many_maps",
                Says("descriptor"),
            ),
            (
                "c4_nothing_left::an_executor_that_is_kept_keeps_no_more_with_each_map",
                Says("/dev/null"),
            ),
            ("c2_order::strings_of_7", Says("/dev/null")),
        ],
        &["c4_nothing_left::an_executor_that_never_ran_leaves_nothing"],
    ),
    expect(
        "leaks_a_thread",
        &[("c4_nothing_left::after_each_of_many_maps", Says("thread"))],
        &[],
    ),
    expect(
        "leaks_a_child",
        &[("c4_nothing_left::after_each_of_many_maps", Says("child"))],
        &[],
    ),
    expect(
        "moves_the_host",
        &[("c2_order::strings_of_7", Says("working directory is now /"))],
        &[],
    ),
    expect(
        "takes_the_hook",
        &[("c10_host::the_host_s_panic_hook_stays", Says("panic hook"))],
        &[],
    ),
    expect(
        "drops_outputs_twice",
        &[
            ("c2_order::drop_counting_of_7", Says("outputs alive")),
            (
                "drops::outputs_of_a_map_that_fails_are_dropped_once",
                Says("outputs alive"),
            ),
            (
                "c14_unordered::a_callback_that_panics_drops_each_output_once",
                Says("outputs alive"),
            ),
        ],
        &["c2_order::strings_of_7"],
    ),
    expect(
        "never_delivers",
        &[(
            "c2_order::strings_of_7",
            Says("before items 0..7 were done"),
        )],
        &[],
    ),
    expect("hangs", &[("c2_order::strings_of_7", Hangs)], &[]),
    expect(
        "hangs_when_nested",
        &[("c8_nested::a_map_inside_an_item_gives_the_same", Hangs)],
        &[],
    ),
    expect(
        "claims_to_isolate",
        &[("c5_faults::an_item_that_aborts", Dies)],
        &[],
    ),
    expect(
        "claims_to_kill",
        &[(
            "c11_refusals::an_item_that_hangs_is_killed_and_named",
            Hangs,
        )],
        &[],
    ),
    expect(
        "loses_the_place",
        &[(
            "c6_panics::a_panic_keeps_its_message_and_place",
            Says("no panic with a place"),
        )],
        &["c5_faults::every_item_fails"],
    ),
    expect(
        "stops_at_any_failure",
        &[
            (
                "c7_lowest::the_lowest_panic_is_the_error_also_when_it_comes_last",
                Says("item blamed"),
            ),
            (
                "c5_faults::several_items_fail_and_each_is_named",
                Says("some item failed"),
            ),
            (
                "c14_unordered::the_lowest_failure_is_the_error",
                Says("item blamed"),
            ),
            (
                "c15_picks::the_lowest_item_that_panics_is_the_error",
                Says("no item is blamed"),
            ),
            (
                "c15_picks::stop_leaves_out_what_is_above_the_failure",
                Says("some item failed"),
            ),
            (
                "c15_picks::redo_keeps_names_and_orders",
                Says("some item failed"),
            ),
        ],
        &["c2_order::strings_of_7"],
    ),
    expect(
        "runs_ahead",
        &[
            (
                "c3_delivery::workers_keep_within_the_window",
                Says("is the window"),
            ),
            (
                "c3_delivery::outputs_come_while_others_are_still_made",
                Says("before the first output"),
            ),
            (
                "c14_unordered::workers_keep_within_the_window",
                Says("is the window"),
            ),
        ],
        &["c2_order::strings_of_1000"],
    ),
    expect(
        "restarts_for_ever",
        &[(
            "state::one_that_cannot_be_made_is_the_error_of_the_map",
            Says("attempts to make a state"),
        )],
        &["state::made_once_per_worker_and_dropped_at_the_end"],
    ),
    expect(
        "retries_at_once",
        &[
            (
                "c13_attempts::the_worker_waits_before_each_attempt",
                Says("were to be waited"),
            ),
            (
                "c13_attempts::only_failures_that_the_plan_picks_are_tried_again",
                Says("last attempt of item 7"),
            ),
        ],
        &["c1_calls::an_item_that_panics_twice_succeeds_at_the_third_attempt"],
    ),
    expect(
        "works_alone",
        &[(
            "c14_unordered::a_slow_item_holds_nobody_up",
            Says("held up those behind it"),
        )],
        &[
            "c14_unordered::each_output_once_with_its_index",
            "c2_order::strings_of_7",
        ],
    ),
    expect(
        "is_deaf",
        &[
            (
                "c12_control::a_deadline_stops_the_map",
                Says("succeeded where it had to fail"),
            ),
            (
                "c12_control::a_token_cancelled_in_a_signal_handler_stops_the_map",
                Says("succeeded where it had to fail"),
            ),
        ],
        &[
            "c12_control::a_token_cancelled_before_the_map_calls_nothing",
            "c2_order::strings_of_7",
        ],
    ),
    expect(
        "forgets_the_plan",
        &[
            ("seed::the_same_numbers_as_serial", Says("other numbers")),
            (
                "c1_calls::an_item_that_panics_twice_succeeds_at_the_third_attempt",
                Says("item 7"),
            ),
            (
                "c13_attempts::the_worker_waits_before_each_attempt",
                Says("item 7"),
            ),
            (
                "c15_picks::longest_first_gives_what_item_order_gives",
                Says("numbers drawn and indices"),
            ),
            (
                "c15_picks::the_longest_items_are_called_first",
                Says("items in the order of their calls"),
            ),
            (
                "c15_picks::redo_calls_what_failed_and_nothing_else",
                Says("output of item 24"),
            ),
        ],
        &["c2_order::strings_of_7"],
    ),
];
