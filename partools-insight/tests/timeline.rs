//! The trace, read back: what a viewer relies on.

use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Run, Serial, Task, over};
use partools_insight::Timeline;
use partools_threads::Threads;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn events(timeline: &Timeline) -> Vec<Value> {
    let json: Value = serde_json::from_str(&timeline.to_json()).expect("it is JSON");
    json["traceEvents"].as_array().expect("events").clone()
}

/// Checks what any viewer relies on: Perfetto 52, asked by its own queries about a trace of the example `insight`, had no import error
/// or loss, each map as a process, each worker as one thread of it with all its slices at depth 0, and the names below.
fn check(events: &[Value]) {
    let named = |kind: &str, key: fn(&Value) -> (u64, u64)| -> BTreeSet<(u64, u64)> {
        let names = events.iter().filter(|event| event["name"] == kind);
        names
            .inspect(|event| {
                assert!(
                    event["args"]["name"]
                        .as_str()
                        .is_some_and(|n| !n.is_empty())
                )
            })
            .map(key)
            .collect()
    };
    let number = |event: &Value, of: &str| event[of].as_u64().expect("a number");
    let maps = named("process_name", |event| {
        (event["pid"].as_u64().expect("a map"), 0)
    });
    let workers = named("thread_name", |event| {
        let number = |of: &str| event[of].as_u64().expect("a number");
        (number("pid"), number("tid"))
    });
    for event in events.iter().filter(|event| event["ph"] != "M") {
        let (pid, tid) = (number(event, "pid"), number(event, "tid"));
        assert!(maps.contains(&(pid, 0)), "a map without a name: {event}");
        let has_track = event["ph"] == "X" || event["s"] == "t";
        let is_named = workers.contains(&(pid, tid));
        assert!(!has_track || is_named, "a track without a name: {event}");
    }
    let mut tracks: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for event in events {
        assert!(
            event["name"].is_string() && event["pid"].is_u64(),
            "{event}"
        );
        assert!(event["ts"].as_f64().is_some_and(|ts| ts >= 0.0), "{event}");
        let tid = event["tid"].as_u64().expect("a thread");
        assert!(tid > 0, "{event}");
        match event["ph"].as_str().expect("a phase") {
            "X" => {
                let (ts, dur) = (event["ts"].as_f64(), event["dur"].as_f64());
                let (ts, dur) = (ts.expect("a time"), dur.expect("a duration"));
                assert!(dur >= 0.0, "{event}");
                tracks.entry(tid).or_default().push((ts, ts + dur));
            }
            "i" => assert!(matches!(event["s"].as_str(), Some("t" | "p")), "{event}"),
            "C" => assert!(event["args"]["items"].is_u64(), "{event}"),
            "M" => assert!(event["args"].is_object(), "{event}"),
            other => panic!("a phase of no known kind: {other}"),
        }
    }
    for (tid, mut slices) in tracks {
        slices.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut open: Vec<f64> = Vec::new();
        for (begun, ended) in slices {
            // Half a nanosecond is nothing but the end of a floating-point number.
            open.retain(|end| *end > begun + 5e-4);
            let within = open.iter().all(|end| ended <= end + 5e-4);
            assert!(within, "track {tid} has slices that overlap at {begun}");
            open.push(ended);
        }
    }
}

fn named<'e>(events: &'e [Value], cat: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["cat"] == cat).collect()
}

fn threads(events: &[Value]) -> Vec<String> {
    let names = events.iter().filter(|event| event["name"] == "thread_name");
    names
        .map(|event| event["args"]["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn each_worker_has_a_track_with_its_chunks() {
    let timeline = Timeline::new();
    let job = over(0..40).chunk(Chunks::of(5)).observe(&timeline);
    let job = job.map(|_| std::thread::sleep(Duration::from_millis(1)));
    job.run(&Threads::new().workers(2)).expect("it ran");
    let events = events(&timeline);
    check(&events);
    assert_eq!(threads(&events), ["the map", "worker 0", "worker 1"]);
    let chunks = named(&events, "chunk");
    assert_eq!(chunks.len(), 8);
    let items: u64 = chunks
        .iter()
        .map(|c| c["args"]["items"].as_u64().expect("items"))
        .sum();
    assert_eq!(items, 40);
    assert!(
        chunks
            .iter()
            .all(|c| c["dur"].as_f64().expect("a duration") >= 5000.0)
    );
    let last = events
        .iter()
        .rfind(|event| event["ph"] == "C")
        .expect("a curve");
    assert_eq!(last["args"]["items"], 40);
}

/// Has three claims out at a time, and says nothing of workers.
struct Three;

impl<T: Task<Output = usize>> Executor<T> for Three {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("three", 3)
    }
    fn execute(&self, _: &T, run: &Run<usize>, _: &mut Caller<'_, usize>) -> Result<(), Error> {
        loop {
            let claims: Vec<_> = std::iter::from_fn(|| run.try_claim()).take(3).collect();
            if claims.is_empty() {
                return Ok(());
            }
            for mut chunk in claims {
                for index in chunk.range() {
                    assert_eq!(chunk.push(index), Ok(()));
                }
            }
        }
    }
}

#[test]
fn claims_that_are_out_at_once_have_tracks_of_their_own() {
    let timeline = Timeline::new();
    let job = over(0..90)
        .chunk(Chunks::of(10))
        .observe(&timeline)
        .map(|i| i);
    assert_eq!(job.run(&Three).expect("it ran").len(), 90);
    let events = events(&timeline);
    check(&events);
    assert_eq!(named(&events, "claim").len(), 9);
    let names = threads(&events);
    assert_eq!(
        names[1..],
        [
            "workers: claims",
            "workers: claims, 2 at once",
            "workers: claims, 3 at once"
        ]
    );
}

#[test]
fn failures_are_marked_and_any_text_survives() {
    let timeline = Timeline::new();
    let nasty = "a \"quote\", a \\ backslash,\na line, \u{0} and \u{7f}, <b>&amp;</b> 😀";
    let job = over(0..10)
        .observe(&timeline)
        .map(|i| assert_ne!(i, 4, "{nasty}"));
    job.try_run(&Serial).expect("it ran");
    let events = events(&timeline);
    check(&events);
    let failed: Vec<_> = events
        .iter()
        .filter(|event| event["name"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1);
    let text = failed[0]["args"]["what"].as_str().expect("words");
    assert!(text.contains(nasty), "{text}");
}

#[test]
fn maps_are_processes_of_one_trace() {
    let timeline = Timeline::new();
    for _ in 0..3 {
        let job = over(0..10).observe(&timeline).map(|i| i);
        job.run(&Serial).expect("it ran");
    }
    let none = over(0..0).observe(&timeline).map(|i| i);
    none.run(&Serial).expect("it ran");
    let events = events(&timeline);
    check(&events);
    let processes = events
        .iter()
        .filter(|event| event["name"] == "process_name");
    assert_eq!(processes.count(), 4);
    let mut ids: Vec<_> = events
        .iter()
        .filter(|e| e["name"] == "thread_name")
        .map(|e| e["tid"].as_u64())
        .collect();
    let count = ids.len();
    ids.dedup();
    assert_eq!(
        ids.len(),
        count,
        "threads of different maps have different numbers"
    );
}

#[test]
fn a_full_tape_says_what_it_did_not_keep_and_its_curve_goes_on() {
    let timeline = Timeline::with_limit(5);
    let job = over(0..100)
        .chunk(Chunks::of(1))
        .observe(&timeline)
        .map(|i| i);
    job.run(&Serial).expect("it ran");
    assert_eq!(timeline.dropped(), 95);
    let events = events(&timeline);
    check(&events);
    assert_eq!(named(&events, "chunk").len(), 5);
    let last = events
        .iter()
        .rfind(|event| event["ph"] == "C")
        .expect("a curve");
    assert_eq!(last["args"]["items"], 100);
}

#[test]
fn an_empty_timeline_is_a_trace() {
    assert_eq!(events(&Timeline::new()).len(), 0);
}
