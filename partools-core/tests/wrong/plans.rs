//! Whatever the plan, a map gives what a plain loop gives.

use crate::Scoped;
use partools_core::{Chunks, Plan, over};
use proptest::prelude::*;

fn chunks() -> impl Strategy<Value = Chunks> {
    let sizes = prop_oneof![1..10_usize, Just(1000), Just(usize::MAX)];
    let shares = prop_oneof![1..10_usize, Just(usize::MAX)];
    prop_oneof![
        Just(Chunks::Auto),
        Just(Chunks::guided()),
        sizes.prop_map(Chunks::of),
        shares.prop_map(Chunks::per_worker),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_plan_gives_the_outputs_of_a_plain_loop(
        items in prop::collection::vec(any::<u32>(), 0..300),
        chunks in chunks(),
        window in prop_oneof![1..40_usize, Just(usize::MAX)],
        workers in 1..6_usize,
    ) {
        let expected: Vec<String> = items.iter().map(|i| format!("{i:x}")).collect();
        let plan = Plan::new().chunk(chunks).window(window);
        let job = over(&items).map(|i| format!("{i:x}")).plan(plan);
        prop_assert_eq!(&job.run(&Scoped(workers)).expect("it worked"), &expected);
        let mut seen = Vec::new();
        job.for_each(&Scoped(workers), |i, output| {
            assert_eq!(i, seen.len());
            seen.push(output);
        }).expect("it worked");
        prop_assert_eq!(&seen, &expected);
    }

    /// Claims of any size, admitted in any order, or claimed, filled in part, and given back.
    #[test]
    fn any_order_of_claims_gives_the_outputs_of_a_plain_loop(
        count in 1..60_usize,
        moves in prop::collection::vec((any::<bool>(), 0..60_usize, 1..20_usize, 0..20_usize), 0..40),
    ) {
        let job = over(0..count).chunk(Chunks::of(5)).map(|i| i.to_string());
        let fickle = crate::doing(&job, |task, run, caller| {
            for &(admits, start, len, fill) in &moves {
                let claim = match admits {
                    true => run.admit(start..start + len),
                    false => run.try_claim(),
                };
                if let Some(mut chunk) = claim {
                    for i in chunk.range().take(fill) {
                        chunk.push(i.to_string()).expect("room");
                    }
                    let _ = chunk.split(len / 2);
                }
            }
            run.reclaim();
            caller.work(task);
            Ok(())
        });
        let expected: Vec<String> = (0..count).map(|i| i.to_string()).collect();
        prop_assert_eq!(job.run(&fickle).expect("it worked"), expected);
    }
}
