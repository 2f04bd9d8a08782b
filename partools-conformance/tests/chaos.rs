//! Chaos, as far as executors go that share the process with their items: panics, cancelled and late maps. And liars,
//! which it must find.

#[path = "executors/mod.rs"]
mod executors;
#[path = "liars/liar.rs"]
#[expect(dead_code, reason = "some lies are for the other suite")]
mod liar;

use executors::{Ferry, Scoped};
use liar::{Liar, Lie};
use libtest_mimic::{Arguments, Failed, Trial};
use partools_conformance::chaos::{Chaos, Rough, play_a_part};
use partools_core::{Executor, Loopback, Serial};
use std::process::ExitCode;
use std::time::Duration;

fn on<E: Executor<Rough> + 'static>(name: &'static str, make: fn(usize) -> E) -> Trial {
    let chaos = Chaos::on(name, make)
        .maps(100)
        .thread_grace(Duration::from_secs(1));
    Trial::test(format!("chaos_on_{name}_loses_nothing"), move || {
        chaos.run().map(drop).map_err(Failed::from)
    })
}

fn finds(lie: Lie, make: fn(usize) -> Liar, words: &'static str) -> Trial {
    Trial::test(
        format!("chaos_finds_one_that_{lie:?}"),
        move || match Chaos::on("liar", make).maps(100).run() {
            Ok(totals) => Err(format!("it was not found: {totals}").into()),
            Err(why) if why.contains(words) => Ok(()),
            Err(why) => Err(format!("found by something else: {why}").into()),
        },
    )
}

fn main() -> ExitCode {
    if let Some(end) = play_a_part() {
        return end;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        on("serial", |_workers| Serial),
        on("loopback", |_workers| Loopback),
        on("ferry", |_workers| Ferry),
        on("scoped", Scoped),
        finds(Lie::Reorders, |_| Liar(Lie::Reorders), "wrong"),
        finds(
            Lie::DropsTheLastChunk,
            |_| Liar(Lie::DropsTheLastChunk),
            "before items",
        ),
        finds(
            Lie::StopsAtAnyFailure,
            |_| Liar(Lie::StopsAtAnyFailure),
            "some item failed",
        ),
        finds(
            Lie::ForgetsThePlan,
            |_| Liar(Lie::ForgetsThePlan),
            "is blamed",
        ),
        finds(
            Lie::LeaksADescriptor,
            |_| Liar(Lie::LeaksADescriptor),
            "descriptor",
        ),
        finds(Lie::LeaksAChild, |_| Liar(Lie::LeaksAChild), "child"),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
