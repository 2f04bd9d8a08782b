//! C8: a nested map runs serially inside a worker, on every executor; it never hangs. Where it does, the
//! watchdog ends the process with words.

use super::{List, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, ok};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Nest, Script};
use partools_core::{Job, Plan, Serial};
use std::collections::BTreeMap;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("c8_nested::a_map_inside_an_item_gives_the_same", |s| {
        same(&s)
    });
    list.add("c8_nested::a_map_inside_an_item_stays_on_its_worker", |s| {
        stays(&s)
    });
}

fn same<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let make = s.make;
    let serial = ok(Job::new(Nest::new(30, make)).run(&Serial))?;
    let inner: Vec<_> = (0..Nest::<E>::INNER)
        .map(|index| Script::output(index, 0))
        .collect();
    let right = Ok(inner.join(" "));
    ensure!(
        serial.iter().all(|(_, nested)| *nested == right),
        "on Serial: {:?}",
        serial[0]
    );
    for workers in [1, 2, 3, 8] {
        s.on(workers, |e| {
            for chunks in SOME_CHUNKS {
                let job = Job::new(Nest::new(30, make)).plan(Plan::new().chunk(chunks));
                ensure_eq!(ok(job.run(e))?, serial, "outputs with {chunks:?}");
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn stays<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    s.on(3, |e| {
        let log = Log::new();
        ok(Job::new(Nest::new(30, s.make).log(log.pen())).run(e))?;
        let mut calls = BTreeMap::<(u64, u64), Vec<u64>>::new();
        for record in log.of(Event::Call) {
            calls
                .entry((record.process, record.thread))
                .or_default()
                .push(record.index);
        }
        ensure_eq!(
            calls.values().map(Vec::len).sum::<usize>(),
            30 * Nest::<E>::INNER,
            "nested calls"
        );
        for (worker, calls) in calls {
            let serial = calls
                .iter()
                .zip((0..Nest::<E>::INNER as u64).cycle())
                .all(|(&is, expected)| is == expected);
            ensure!(
                serial,
                "nested maps did not run one after the other on worker {worker:?}: {calls:?}"
            );
        }
        Ok(())
    })
}
