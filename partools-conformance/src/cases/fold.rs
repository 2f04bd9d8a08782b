//! A fold has the same bits on every executor, whatever the workers and the chunks; and its errors name items, not blocks.

use super::{List, POLICIES, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::subject::Subject;
use crate::tasks::{Sum, Waves};
use partools_core::{Cause, Job, Plan};

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("fold::the_same_bits_as_a_plain_loop_over_its_blocks", |s| {
        bits(&s)
    });
    list.add("fold::a_failing_item_inside_a_block_is_named", |s| {
        named(&s)
    });
}

/// What the documented blocks give, one after the other.
fn oracle(count: usize) -> f64 {
    let block = count.div_ceil(1024).max(1);
    let blocks = (0..count).step_by(block).map(|at| {
        let items = at..count.min(at + block);
        items.fold(0.0, |sum, index| sum + Waves::output(index))
    });
    blocks.reduce(|left, right| left + right).unwrap_or(0.0)
}

fn bits<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in WORKERS {
        s.on(workers, |e| {
            for count in [0, 1, 1023, 1025, 20_003] {
                for chunks in POLICIES {
                    let job = Job::new(Waves { count, bad: None }).plan(Plan::new().chunk(chunks));
                    let sum = ok(job.fold_by(e, Sum, |left, right| left + right))?;
                    ensure!(
                        sum.to_bits() == oracle(count).to_bits(),
                        "{count} items, {chunks:?}: {sum:e} where {:e} was expected",
                        oracle(count)
                    );
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn named<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in WORKERS {
        s.on(workers, |e| {
            for bad in [0, 4_999, 7_777, 9_999] {
                let waves = Waves {
                    count: 10_000,
                    bad: Some(bad),
                };
                let error = err(Job::new(waves).fold_by(e, Sum, |left, right| left + right))?;
                let Some(item) = error.item() else {
                    return Err(format!("no item is blamed: {error}"));
                };
                ensure_eq!(item.index(), bad, "item blamed ({error})");
                ensure_eq!(item.label(), Some(&*format!("wave {bad}")), "its label");
                let told = format!("wave {bad} breaks");
                ensure!(
                    matches!(item.cause(), Cause::Panicked { message, .. } if *message == told),
                    "the cause: {item}"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}
