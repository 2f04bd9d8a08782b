//! Damaged and hostile messages by the million, fed to every reader of the wire: no panic of ours, no memory beyond a small
//! multiple of what came in, and a chunk that is as good as before.
//!
//! ```text
//! cargo test -p partools-core --test hostile                                  # a second: a smoke test
//! cargo test -p partools-core --test hostile -- --seconds 60                  # as the gate does, under AddressSanitizer
//! cargo test -p partools-core --test hostile -- --inputs 10000000 --seed 7    # by hand
//! ```
//! The same targets run coverage-guided in `fuzz/` of the repository.

mod allocation;
mod mutate;
mod targets;

use mutate::Random;
use std::time::{Duration, Instant, SystemTime};

fn main() {
    let mut limits = (Duration::from_secs(1), u64::MAX);
    let mut seed = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| {
        now.as_secs() << 20 | u64::from(now.subsec_micros())
    });
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|n| n.parse().ok());
        match word.as_str() {
            "--seconds" => limits.0 = Duration::from_secs(number().expect("--seconds 60")),
            "--inputs" => limits = (Duration::MAX, number().expect("--inputs 1000")),
            "--seed" => seed = number().expect("--seed 7"),
            // What `cargo test` passes on to every test: a filter, or `--list`.
            other if other.starts_with("--list") => return,
            _ => {}
        }
    }
    targets::watch();
    for target in &targets::TARGETS {
        for honest in target.seeds() {
            assert!(
                target.check(honest),
                "{}: an honest message is taken for one",
                target.name
            );
        }
    }
    let fixed = run(1, (limits.0 / 2, limits.1 / 2), "fixed");
    let drawn = run(seed, (limits.0 / 2, limits.1 / 2), "drawn");
    report(fixed.0 + drawn.0, fixed.1 + drawn.1);
}

#[expect(clippy::print_stdout, reason = "a test's report")]
fn report(inputs: u64, taken: u64) {
    println!(
        "hostile: {inputs} inputs, {taken} of them as good as honest, nothing found; at most {} bytes more than they had were held",
        allocation::worst()
    );
}

/// Feeds mutations of the targets' own messages until a limit is reached; how many, and how many of them were not noticed
/// to be damaged.
#[expect(
    clippy::print_stdout,
    reason = "a seed nobody sees cannot be run again"
)]
fn run(seed: u64, (time, inputs): (Duration, u64), kind: &str) -> (u64, u64) {
    println!("hostile: {kind} seed {seed}");
    let mut random = Random::new(seed);
    let began = Instant::now();
    let (mut count, mut taken) = (0, 0);
    while count < inputs && (count % 256 != 0 || began.elapsed() < time) {
        let target = &targets::TARGETS[random.below(targets::TARGETS.len())];
        let message = mutate::mutated(target.seeds(), target.shape, &mut random);
        taken += u64::from(target.check(&message));
        count += 1;
    }
    (count, taken)
}
