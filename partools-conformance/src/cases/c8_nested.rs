//! C8: a nested map runs serially inside a worker, on every executor; it never hangs. Where it does, the
//! watchdog ends the process with words.

use super::{List, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, ok};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Answer, INNER, Script, mix};
use partools_core::Chunks;
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
    let inner: Vec<_> = (0..INNER).map(|index| Script::output(index, 0)).collect();
    let right: Vec<Answer> = (0..30)
        .map(|index| (mix(index), Ok(inner.join(" "))))
        .collect();
    for workers in [1, 2, 3, 8] {
        s.on(workers, |e| {
            for chunks in SOME_CHUNKS {
                ensure_eq!(
                    ok((s.nest)(e, 30, None, chunks))?,
                    right,
                    "outputs with {chunks:?}"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn stays<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    s.on(3, |e| {
        let log = Log::new();
        ok((s.nest)(e, 30, Some(log.pen()), Chunks::Auto))?;
        let mut calls = BTreeMap::<(u64, u64), Vec<u64>>::new();
        for record in log.of(Event::Call) {
            calls
                .entry((record.process, record.thread))
                .or_default()
                .push(record.index);
        }
        ensure_eq!(
            calls.values().map(Vec::len).sum::<usize>(),
            30 * INNER,
            "nested calls"
        );
        for (worker, calls) in calls {
            let serial = calls
                .iter()
                .zip((0..INNER as u64).cycle())
                .all(|(&is, expected)| is == expected);
            ensure!(
                serial,
                "nested maps did not run one after the other on worker {worker:?}: {calls:?}"
            );
        }
        Ok(())
    })
}
