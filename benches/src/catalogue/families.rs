//! The workloads of each family, with their sizes.

use super::{Size, Workload};
use crate::ideal::Ideal;
use crate::shape::{Memory, OutputKind, Runs, Shape, least_time};

pub(super) struct List {
    pub(super) workers: usize,
    pub(super) workloads: Vec<Workload>,
}

impl List {
    fn add(&mut self, name: &str, about: &str, shape: Shape, ideal: Ideal, bytes: usize) {
        self.workloads.push(Workload {
            name: name.to_owned(),
            about: about.to_owned(),
            fresh: matches!(shape, Shape::First { .. }),
            shape,
            ideal,
            busy: false,
            bytes: bytes as u64,
        });
    }

    fn timed(&mut self, name: &str, about: &str, runs: Runs) {
        let ideal = Ideal::Seconds(self.seconds(&runs));
        let count: usize = runs.iter().map(|run| run.0).sum();
        self.add(name, about, Shape::Timed { runs }, ideal, count * 16);
    }

    fn seconds(&self, runs: &Runs) -> f64 {
        least_time(runs, self.workers) as f64 / 1e9
    }
}

pub(super) fn noop(list: &mut List, size: Size) {
    let about = "x * 2 + 1 over f64s: what the map itself costs";
    for (name, count) in [
        ("64", 64),
        ("1e4", 10_000),
        ("1e6", 1_000_000),
        ("1e8", 100_000_000),
    ] {
        if count <= size.of(100_000_000, 1_000_000) {
            let bytes = count * 16;
            list.add(
                &format!("noop/{name}"),
                about,
                Shape::Noop { count },
                Ideal::LoopShare,
                bytes,
            );
        }
    }
}

pub(super) fn timed(list: &mut List, size: Size) {
    let all: u64 = size.of(2_000_000_000, 40_000_000);
    let items = [
        ("1us", 1_000),
        ("10us", 10_000),
        ("100us", 100_000),
        ("1ms", 1_000_000),
        ("10ms", 10_000_000),
    ];
    for (name, time) in items {
        let about = format!("items of {name}, {} ms in all", all / 1_000_000);
        list.timed(
            &format!("items/{name}"),
            &about,
            vec![((all / time) as usize, time)],
        );
    }
    let time: u64 = size.of(100_000_000, 20_000_000);
    for count in [2, 3, 8] {
        let about = format!("{count} items of {} ms", time / 1_000_000);
        list.timed(&format!("few/{count}"), &about, vec![(count, time)]);
    }
}

pub(super) fn skewed(list: &mut List, size: Size) {
    let time: u64 = size.of(200_000, 20_000);
    let (short, long) = ((99, time), (1, time * 100));
    let about = |place: &str| {
        format!(
            "1000 items of {} µs, 1 % of them 100 times as long: the {place}",
            time / 1000
        )
    };
    list.timed(
        "skew/first",
        &about("first ones"),
        vec![(10, time * 100), (990, time)],
    );
    list.timed(
        "skew/last",
        &about("last ones"),
        vec![(990, time), (10, time * 100)],
    );
    list.timed(
        "skew/spread",
        &about("hundredth, the two hundredth, .."),
        [short, long].repeat(10),
    );
    let lengths = log_normal(1000, time * 2);
    list.timed(
        "skew/log-normal",
        "1000 items of log-normal length (sigma 1)",
        lengths,
    );
}

/// Lengths whose logarithms are normal with a standard deviation of 1: the quantiles, in a fixed disorder.
fn log_normal(count: usize, median: u64) -> Runs {
    let length = |i: usize| {
        // 389 has no factor in common with 1000, so every quantile comes once.
        let quantile = ((i * 389) % count) as f64 / count as f64 + 0.5 / count as f64;
        (1, (median as f64 * normal_quantile(quantile).exp()) as u64)
    };
    (0..count).map(length).collect()
}

/// The logistic quantile, scaled: within 0.1 of the normal one, which is near enough for lengths of items.
fn normal_quantile(p: f64) -> f64 {
    (p / (1.0 - p)).ln() / 1.702
}

pub(super) fn sums(list: &mut List, size: Size) {
    let large = [
        ("8MB", 1_000_000),
        ("800MB", 100_000_000),
        ("4GB", 500_000_000),
    ];
    let small = [("8MB", 1_000_000), ("80MB", 10_000_000)];
    let sizes: &[(&str, usize)] = if size == Size::Full { &large } else { &small };
    let memories = [
        ("plain", Memory::Plain),
        ("huge", Memory::Huge),
        ("shared-vec", Memory::SharedVec),
    ];
    for (name, len) in sizes {
        for (kind, memory) in memories {
            let about = format!("sums of 100 sections of an array of {name}, {kind}");
            let shape = Shape::Sum {
                len: *len,
                sections: 100,
                memory,
            };
            list.add(
                &format!("sum/{name}/{kind}"),
                &about,
                shape,
                Ideal::LoopShare,
                len * 8,
            );
        }
    }
}

pub(super) fn outputs(list: &mut List, size: Size) {
    use OutputKind::{Bytes, Nested, Number, Text};
    let full = [
        ("8B x 1e6", Number, 1_000_000, 8),
        ("1KB x 1e5", Bytes, 100_000, 1_000),
        ("1MB x 1000", Bytes, 1_000, 1_000_000),
        ("100MB x 10", Bytes, 10, 100_000_000),
        ("2.5GB x 1", Bytes, 1, 2_500_000_000),
        ("strings x 1e5", Text, 100_000, 64),
        ("structs x 1e5", Nested, 100_000, 600),
    ];
    let quick = [
        ("8B x 1e5", Number, 100_000, 8),
        ("1KB x 1e4", Bytes, 10_000, 1_000),
        ("1MB x 20", Bytes, 20, 1_000_000),
        ("10MB x 4", Bytes, 4, 10_000_000),
        ("strings x 1e4", Text, 10_000, 64),
        ("structs x 1e3", Nested, 1_000, 600),
    ];
    let cases: &[_] = if size == Size::Full { &full } else { &quick };
    for &(name, kind, count, size) in cases {
        let about = format!("outputs: {name}");
        let shape = Shape::Output { kind, count, size };
        // The results, and as much again in the workers that have them.
        let bytes = count * size * 2;
        list.add(
            &format!("output/{name}"),
            &about,
            shape,
            Ideal::Memcpy,
            bytes,
        );
    }
}

pub(super) fn sequences(list: &mut List, size: Size) {
    let first = vec![(8, 10_000_000)];
    let about = "from nothing to the first result, of 8 items of 10 ms";
    list.add(
        "cold/first",
        about,
        Shape::First { runs: first },
        Ideal::Seconds(0.01),
        0,
    );

    let (maps, runs) = (size.of(100, 20), vec![(10, 100_000)]);
    let ideal = Ideal::Seconds(list.seconds(&runs) * maps as f64);
    let about = format!("{maps} maps of 10 items of 100 µs, one after the other");
    list.add("warm/maps", &about, Shape::Warm { maps, runs }, ideal, 0);

    let (maps, runs) = (
        size.of(1000, 50),
        vec![(2, size.of(1_000_000_000, 50_000_000))],
    );
    let ideal = Ideal::Seconds(list.seconds(&runs));
    let about = format!(
        "{maps} maps of 64 cheap items, then one of two items of {} ms, by the same function",
        runs[0].1 / 1_000_000
    );
    let shape = Shape::Mixed {
        maps,
        cheap: 64,
        runs,
    };
    list.add("mixed/cheap-then-long", &about, shape, ideal, 0);
}

/// Whole programs, and a stream.
pub(super) fn programs(list: &mut List, size: Size) {
    let (side, filters) = size.of((3000, 20), (400, 8));
    let about =
        format!("an image of {side} x {side}, {filters} filters of 4 x 4, every fifth pixel kept");
    let shape = Shape::Convolve { side, filters };
    list.add(
        "convolve/image",
        &about,
        shape,
        Ideal::LoopShare,
        side * side * 8,
    );

    let (documents, words) = size.of((200, 10_000), (20, 500));
    let about = format!("prefixes in {documents} documents of {words} words of 20 letters");
    let bytes = documents * words * 20 * 10;
    list.add(
        "words/prefixes",
        &about,
        Shape::Words { documents, words },
        Ideal::LoopShare,
        bytes,
    );

    let resamples = size.of(2000, 20);
    let about = format!("{resamples} resamples of the arrival delays of each of 16 airlines");
    list.add(
        "flights/bootstrap",
        &about,
        Shape::Flights { resamples },
        Ideal::LoopShare,
        10_000_000,
    );

    let (count, name) = size.of((10_000_000, "1e7"), (200_000, "2e5"));
    let about = format!(
        "{name} outputs of 32 bytes, looked at one by one, kept nowhere: memory is what counts"
    );
    list.add(
        &format!("stream/{name}"),
        &about,
        Shape::Stream { count },
        Ideal::LoopShare,
        count * 40,
    );
}
