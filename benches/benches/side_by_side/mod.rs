//! What all these benches do with their contenders: criterion times them one after the other, for its baselines and
//! changes; then they take turns in short rounds, and the ratio to the first in the same round is printed. On a shared
//! machine that is the figure to trust.

use criterion::{Criterion, SamplingMode};
use partools_bench::{Turn, take_turns};
use std::time::Duration;

/// How long contenders take turns.
pub(crate) struct Rounds {
    /// How many rounds.
    pub(crate) rounds: usize,
    /// How many repetitions each.
    pub(crate) times: u64,
}

/// A criterion that takes seconds, not minutes.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}

/// Times `contenders`; the first is what the others are compared with.
pub(crate) fn compare<const N: usize>(
    criterion: &mut Criterion,
    name: &str,
    mut contenders: [Turn<'_>; N],
    samples: usize,
    rounds: &Rounds,
) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(samples);
    if samples == 10 {
        // One call takes so long that rising numbers of them a sample would take minutes.
        group.sampling_mode(SamplingMode::Flat);
    }
    for contender in &mut contenders {
        group.bench_function(contender.name, |b| b.iter_custom(&mut contender.run));
    }
    group.finish();
    println!("{name}: {} rounds, taking turns", rounds.rounds);
    let outcomes = take_turns(&mut contenders, rounds.rounds, rounds.times);
    let first = contenders[0].name;
    for (contender, outcome) in contenders.iter().zip(outcomes) {
        println!(
            "    {:26} {:14.1} ns   {:7.3} of the {first}",
            contender.name, outcome.median_ns, outcome.ratio
        );
    }
    println!();
}
