//! The parts of a comparison that can be wrong without anybody seeing it in a table.

use partools_bench::{Shape, Size, Turn, catalogue, least_time, take_turns, times};
use std::time::Duration;

#[test]
fn names_of_workloads_are_unique() {
    for size in [Size::Full, Size::Quick] {
        let mut names: Vec<String> = catalogue(size, 2).into_iter().map(|w| w.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

#[test]
fn log_normal_lengths_have_their_median_and_are_in_no_order() {
    let workloads = catalogue(Size::Full, 2);
    let workload = workloads
        .iter()
        .find(|workload| workload.name == "skew/log-normal")
        .expect("it is there");
    let Shape::Timed { runs } = &workload.shape else {
        panic!("{:?}", workload.shape);
    };
    let mut lengths = times(runs);
    assert!(!lengths.is_sorted());
    lengths.sort_unstable();
    let median = lengths[500];
    assert!((396_000..=404_000).contains(&median), "{median}");
    // A standard deviation above the middle: e times as long, or about.
    assert!(
        (1_000_000..=1_200_000).contains(&lengths[841]),
        "{}",
        lengths[841]
    );
}

#[test]
fn the_least_time_of_even_items_that_do_not_go_up_evenly_is_that_of_whole_items() {
    assert_eq!(least_time(&[(3, 100)], 2), 200);
    assert_eq!(least_time(&[(8, 100)], 2), 400);
    assert_eq!(least_time(&[(8, 100)], 3), 300);
    assert_eq!(least_time(&[], 2), 0);
}

#[test]
fn a_ratio_is_that_of_times_of_the_same_round() {
    // The second of three rounds is a hundred times slower, for both.
    let noisy = |nanoseconds| {
        let mut noise = [1_u64, 100, 1].into_iter();
        move |_| Duration::from_nanos(nanoseconds * noise.next().expect("three rounds"))
    };
    let mut turns = [
        Turn::clocked("one", noisy(100)),
        Turn::clocked("three", noisy(300)),
    ];
    let outcomes = take_turns(&mut turns, 3, 1);
    assert!((outcomes[1].ratio - 3.0).abs() < 1e-9, "{outcomes:?}");
    assert!((outcomes[1].median_ns - 300.0).abs() < 1e-6, "{outcomes:?}");
}
