//! A seeded map draws the same numbers on every executor, whatever the workers and the chunks.

use super::{List, POLICIES, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ok};
use crate::subject::Subject;
use crate::tasks::Drawn;
use partools_core::{Job, Plan, Serial};

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("seed::the_same_numbers_as_serial", |s| same(&s));
}

fn same<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let drawn = |seed| Job::new(Drawn { count: 300 }).plan(Plan::new().seed(seed));
    let serial = [
        ok(drawn(1).run(&Serial))?,
        ok(drawn(u64::MAX).run(&Serial))?,
    ];
    ensure!(serial[0] != serial[1], "the seed makes no difference");
    for workers in WORKERS {
        s.on(workers, |e| {
            for chunks in POLICIES {
                for (seed, serial) in [1, u64::MAX].into_iter().zip(&serial) {
                    let job =
                        Job::new(Drawn { count: 300 }).plan(Plan::new().seed(seed).chunk(chunks));
                    ensure!(
                        ok(job.run(e))? == *serial,
                        "other numbers with seed {seed}, {chunks:?}"
                    );
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}
