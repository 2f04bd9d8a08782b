//! The interleavings of a caller and its helpers, explored by shuttle: a random scheduler and PCT, some thousand schedules
//! of each case. Helper 1 dozes or looks again, as the schedule has it; a wake-up that gets lost is a deadlock that prints the
//! schedule.
//!
//! ```text
//! RUSTFLAGS="--cfg partools_model" cargo test -p partools-threads --lib --release
//! ```
//!
//! Shuttle's memory is sequentially consistent, so this says nothing of the orderings of atomics.

use super::{Director, Seat};
use shuttle::rand::Rng;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread::{self, JoinHandle, park, yield_now};

fn explore(f: fn()) {
    shuttle::check_random(f, 4000);
    shuttle::check_pct(f, 4000, 3);
}

/// As a helper of a crew lives, with chance in the place of time.
fn live(seat: &Seat) {
    seat.take();
    let mut served = None;
    loop {
        let look = seat.look();
        if look.is_shut() {
            return;
        }
        let coin = || shuttle::rand::thread_rng().gen_bool(0.5);
        let comes = seat.number() > 1 || coin();
        if look.is_open() && served != Some(look.map()) && comes {
            served = seat.serve(|| {}).or(served);
        } else if seat.number() > 1 || (coin() && seat.doze()) {
            park();
        } else {
            yield_now();
        }
    }
}

fn crew(director: &mut Director, helpers: usize) -> Vec<JoinHandle<()>> {
    let hire = |number| {
        let seat = director.seat(number);
        let helper = thread::spawn(move || live(&seat));
        director.joined_by(helper.thread());
        helper
    };
    (1..=helpers).map(hire).collect()
}

fn dismiss(mut director: Director, helpers: Vec<JoinHandle<()>>) {
    director.dismiss();
    for helper in helpers {
        helper.join().expect("it ends");
    }
}

#[test]
fn nobody_is_inside_behind_a_map_and_nobody_takes_part_twice() {
    explore(|| {
        let mut director = Director::new();
        let helpers = crew(&mut director, 2);
        for map in 0..3 {
            let is_over = AtomicBool::new(false);
            let parts = [const { AtomicUsize::new(0) }; 3];
            let late = AtomicUsize::new(0);
            let part = |number: usize| {
                parts[number].fetch_add(1, SeqCst);
                yield_now();
                late.fetch_add(usize::from(is_over.load(SeqCst)), SeqCst);
            };
            director.play(1 + map % 2, &part, |call| {
                if map == 1 {
                    call();
                }
                yield_now();
            });
            is_over.store(true, SeqCst);
            yield_now();
            assert_eq!(late.load(SeqCst), 0);
            assert!(parts.iter().all(|part| part.load(SeqCst) <= 1));
            assert!(map % 2 == 1 || parts[2].load(SeqCst) == 0);
        }
        dismiss(director, helpers);
    });
}

#[test]
fn every_helper_comes_to_a_map_that_waits_for_it() {
    explore(|| {
        let mut director = Director::new();
        let helpers = crew(&mut director, 3);
        for _ in 0..2 {
            let (here, came) = (Mutex::new(0), Condvar::new());
            let part = |_| {
                *here.lock().expect("whole") += 1;
                came.notify_all();
            };
            director.play(3, &part, |_| {
                let mut here = here.lock().expect("whole");
                while *here < 3 {
                    here = came.wait(here).expect("whole");
                }
            });
        }
        dismiss(director, helpers);
    });
}
