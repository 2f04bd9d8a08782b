//! Every output is dropped exactly once, also where the map ends in an error, and also where dropping
//! panics. (Where all is well, `c2_order::drop_counting_*` counts.)

use super::{List, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err};
use crate::quiet;
use crate::subject::Subject;
use crate::tasks::{Counted, Explosive, Probe, Product};
use partools_core::{Job, Plan};

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("drops::outputs_of_a_map_that_fails_are_dropped_once", |s| {
        counted(&s)
    });
    list.add(
        "drops::outputs_whose_drop_panics_in_a_map_that_fails",
        |s| explosive(&s),
    );
}

fn counted<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let live = Counted::live();
                let job = Job::new(Probe::<Counted>::new(1000).fails_at(700));
                let job = job.plan(Plan::new().chunk(chunks));
                err(job.run(e))?;
                ensure_eq!(Counted::live(), live, "outputs alive after run failed");
                let mut delivered = 0;
                err(job.for_each(e, |_, _| delivered += 1))?;
                ensure_eq!(delivered, 700, "outputs delivered before the failure");
                ensure_eq!(Counted::live(), live, "outputs alive after for_each failed");
                let results = crate::ensure::ok(job.try_run(e))?;
                ensure_eq!(
                    results.iter().filter(|r| r.is_ok()).count(),
                    999,
                    "outputs of try_run"
                );
                drop(results);
                ensure_eq!(Counted::live(), live, "outputs alive after try_run");
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn explosive<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let live = Explosive::live();
                let job = Job::new(Probe::<Explosive>::new(100).fails_at(70));
                let job = job.plan(Plan::new().chunk(chunks));
                let mut result = None;
                let resumed = quiet::payload_of(|| result = Some(job.run(e).map(drop)));
                match (result, resumed) {
                    (Some(Err(error)), None) => {
                        let item = error.item().map(|item| item.index());
                        ensure_eq!(item, Some(70), "item blamed ({error})");
                    }
                    (None, Some(text)) => ensure!(text.contains("explodes"), "resumed: {text}"),
                    other => {
                        return Err(format!("neither an error nor a resumed panic: {other:?}"));
                    }
                }
                ensure_eq!(Explosive::live(), live, "outputs alive afterwards");
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}
