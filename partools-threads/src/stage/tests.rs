//! The stage on real threads: what AddressSanitizer should see. (What interleavings there are: `model.rs`.)

use super::{Director, Seat};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle, park_timeout};
use std::time::Duration;

fn live(seat: &Seat) {
    seat.take();
    let mut served = None;
    while !seat.look().is_shut() {
        if seat.look().is_open() && served != Some(seat.look().map()) {
            served = seat.serve(|| {}).or(served);
        } else {
            park_timeout(Duration::from_micros(20));
        }
    }
}

fn crew(director: &mut Director, helpers: usize) -> Vec<JoinHandle<()>> {
    let hire = |number| {
        let seat = director.seat(number);
        let helper = Builder::new().spawn(move || live(&seat)).expect("a thread");
        director.joined_by(helper.thread());
        helper
    };
    (1..=helpers).map(hire).collect()
}

#[test]
fn what_a_map_borrows_is_used_while_it_is_under_way_and_no_longer() {
    let mut director = Director::new();
    let helpers = crew(&mut director, 3);
    let mut parts = 0;
    for map in 0..3_000 {
        // On the heap, and overwritten when the map is over.
        let numbers = vec![map; 50];
        let sums: Vec<_> = (0..4).map(|_| AtomicUsize::new(0)).collect();
        let part = |number: usize| {
            let sum = numbers.iter().sum::<usize>();
            sums[number].fetch_add(sum + 1, Ordering::Relaxed);
        };
        let own = |call: &dyn Fn()| {
            if map % 3 == 0 {
                call();
            }
            for _ in 0..map % 500 {
                std::hint::spin_loop();
            }
            // As a callback that panics.
            if map % 7 == 0 {
                resume_unwind(Box::new("enough"));
            }
        };
        let played = catch_unwind(AssertUnwindSafe(|| director.play(3, &part, own)));
        assert_eq!(played.is_err(), map % 7 == 0);
        for sum in &sums {
            let sum = sum.load(Ordering::Relaxed);
            assert!(sum == 0 || sum == 50 * map + 1, "{sum} in map {map}");
            parts += usize::from(sum > 0);
        }
    }
    assert!(parts > 0, "nobody ever came");
    director.dismiss();
    for helper in helpers {
        helper.join().expect("it ends");
    }
}

#[test]
fn a_part_that_panics_and_throws_what_panics_is_a_part_that_ended() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                // No bytes: what is thrown by a drop is forgotten, and would be a leak.
                resume_unwind(Box::new(()));
            }
        }
    }
    let mut director = Director::new();
    let helpers = crew(&mut director, 1);
    let came = AtomicUsize::new(0);
    for map in 1..=50 {
        let part = |_| {
            came.fetch_add(1, Ordering::Relaxed);
            resume_unwind(Box::new(Bomb));
        };
        director.play(1, &part, |_| {
            while came.load(Ordering::Relaxed) < map {
                std::thread::yield_now();
            }
        });
    }
    director.dismiss();
    for helper in helpers {
        helper.join().expect("it lived to the end");
    }
}
