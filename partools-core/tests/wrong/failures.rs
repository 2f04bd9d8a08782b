//! C7 under stress: whichever items fail, however, and in whatever order: the error is that of the lowest.

use crate::Scoped;
use partools_core::{Chunks, Error, Failed, over};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::time::Duration;

/// How an item fails, if it does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Well,
    Panics,
    Returns,
}

/// What becomes of each item, how long it takes, and how they are cut.
fn draw(rng: &mut ChaCha8Rng) -> (Vec<Fate>, Vec<Duration>, Chunks) {
    let count = rng.random_range(1..80);
    let kinds = [
        &[Fate::Panics][..],
        &[Fate::Returns],
        &[Fate::Panics, Fate::Returns],
    ];
    let kinds = kinds[rng.random_range(0..3)];
    let percent = [0, 2, 10, 100][rng.random_range(0..4)];
    let fates = (0..count)
        .map(|_| match rng.random_range(0..100) < percent {
            true => kinds[rng.random_range(0..kinds.len())],
            false => Fate::Well,
        })
        .collect();
    let naps = (0..count)
        .map(|_| match rng.random_range(0..4) {
            0 => Duration::from_micros(rng.random_range(0..200)),
            _ => Duration::ZERO,
        })
        .collect();
    let chunks = [
        Chunks::Auto,
        Chunks::guided(),
        Chunks::of(rng.random_range(1..20)),
        Chunks::per_worker(rng.random_range(1..4)),
    ];
    (fates, naps, chunks[rng.random_range(0..4)])
}

#[test]
fn the_error_is_that_of_the_lowest_failing_item_in_500_random_maps() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for round in 0..500 {
        let (fates, naps, chunks) = draw(&mut rng);
        let job = over(&fates).chunk(chunks).map_cx(|fate, cx| {
            if !naps[cx.index].is_zero() {
                std::thread::sleep(naps[cx.index]);
            }
            match fate {
                Fate::Panics => panic!("item {}", cx.index),
                Fate::Returns => Err(cx.index),
                Fate::Well => Ok(cx.index),
            }
        });
        let on = Scoped(3);
        let what = format!("round {round}: {fates:?}, {chunks:?}");
        let item = |error: &Error| error.item().map(|e| e.index());

        let first = fates.iter().position(|&f| f != Fate::Well);
        match (job.run_ok(&on), first) {
            (Ok(values), None) => assert!(values.into_iter().eq(0..fates.len()), "{what}"),
            (Err(Failed::Item { index, error }), Some(i)) => {
                assert_eq!((index, error, fates[i]), (i, i, Fate::Returns), "{what}");
            }
            (Err(Failed::Map(error)), Some(i)) => {
                assert_eq!((item(&error), fates[i]), (Some(i), Fate::Panics), "{what}");
            }
            (other, _) => panic!("{what}: {other:?}"),
        }

        let first_panic = fates.iter().position(|&f| f == Fate::Panics);
        let run = job.run(&on);
        assert_eq!(run.as_ref().err().and_then(item), first_panic, "{what}");
        assert_eq!(run.is_ok(), first_panic.is_none(), "{what}");

        let mut delivered = 0;
        let streamed = job.for_each(&on, |i, _| {
            assert_eq!(i, delivered);
            delivered += 1;
        });
        assert_eq!(
            streamed.err().as_ref().and_then(item),
            first_panic,
            "{what}"
        );
        assert_eq!(delivered, first_panic.unwrap_or(fates.len()), "{what}");

        let tried = job.try_run(&on).expect("failures are values");
        for (i, (result, fate)) in tried.iter().zip(&fates).enumerate() {
            match result {
                Ok(output) => assert_eq!(*output, if *fate == Fate::Well { Ok(i) } else { Err(i) }),
                Err(error) => assert_eq!((error.index(), *fate), (i, Fate::Panics), "{what}"),
            }
        }
        assert_eq!(tried.len(), fates.len());
    }
}
