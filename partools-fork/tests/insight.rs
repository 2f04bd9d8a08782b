//! What observers hear of `Fork`: forks and their page tables, workers that die and are replaced, times that were taken in
//! children, memory that they dirtied. On the main thread, one test after the other.

use libtest_mimic::{Arguments, Failed, Trial};
use partools_core::{
    Caller, Capabilities, Chunks, Error, Event, Executor, Moment, Observer, Report, Run, Task,
    Timed, over, over_iter,
};
use partools_fork::Fork;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("forks_are_counted_and_their_page_tables_weighed", forks),
        trial("a_dead_worker_and_its_successor_are_told", deaths),
        trial("a_late_item_stops_its_worker_and_says_so", late),
        trial("items_are_timed_in_the_child", slowest),
        trial("work_lies_within_the_map_and_its_workers_own_time", spans),
        trial("memory_is_measured_where_it_is_asked_for", memory),
        trial("retries_in_children_come_home", retries),
        trial("observers_are_silent_in_children", silence),
        trial("a_stream_is_one_report", stream),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &'static str, body: fn()) -> Trial {
    Trial::test(name, move || {
        std::panic::catch_unwind(body).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Failed::from(text.unwrap_or_else(|| "it panicked".to_owned()))
        })
    })
}

fn fork() -> Fork {
    Fork::new().workers(2)
}

/// One item that waits for another one, on whatever worker: so that none has done all before the other lives.
struct Meeting(std::io::PipeReader, std::io::PipeWriter);

impl Meeting {
    fn new() -> Self {
        let (waits, comes) = std::io::pipe().expect("a pipe");
        Meeting(waits, comes)
    }

    fn wait(&self) {
        (&self.0).read_exact(&mut [0]).expect("somebody comes");
    }

    fn come(&self) {
        (&self.1).write_all(b"!").expect("somebody waits");
    }
}

fn forks() {
    // Page tables of 32 MB: 8192 pages, 64 KiB.
    let large = vec![1_u8; 32 << 20];
    let report = Report::new();
    let meeting = Meeting::new();
    let job = over(0..100).shared(&large).chunk(Chunks::of(1));
    let job = job.observe(&report).map(|i, large| {
        match i {
            0 => meeting.wait(),
            1 => meeting.come(),
            _ => {}
        }
        u64::from(large[i])
    });
    job.run(&fork()).expect("it ran");
    let summary = report.summary();
    assert_eq!((summary.forks, summary.respawns), (2, 0));
    assert!(summary.fork_time > Duration::ZERO);
    assert!(summary.longest_fork <= summary.fork_time);
    let tables = summary.page_tables.expect("/proc");
    assert!(tables >= 64 << 10, "{tables} bytes of page tables");
    assert!(summary.bytes_moved >= 800, "{}", summary.bytes_moved);
}

fn deaths() {
    let (report, heard) = (Report::new(), Heard::default());
    let meeting = Meeting::new();
    let job = over(0..40).chunk(Chunks::of(4)).observe(&report);
    let job = job.observe(&heard).map(|i| match i {
        17 => std::process::abort(),
        // The successor lives. Before that the other worker must not be done with all the rest, or it ends, and two are
        // started for what is left.
        18 => meeting.come(),
        39 => meeting.wait(),
        _ => {}
    });
    let results = job.try_run(&fork()).expect("a result for each");
    assert!(results[17].is_err());
    let summary = report.summary();
    assert_eq!((summary.finished, summary.failed), (40, 1), "{report}");
    assert_eq!((summary.respawns, summary.forks), (1, 3), "{report}");
    let deaths: usize = summary.workers.iter().map(|worker| worker.deaths).sum();
    assert_eq!(deaths, 1, "{report}");
    let died = heard.of("died");
    assert_eq!(
        died,
        ["died at Some(17): its process was killed by SIGABRT"]
    );
}

fn late() {
    let (report, heard) = (Report::new(), Heard::default());
    let job = over(0..4)
        .item_timeout(Duration::from_millis(100))
        .observe(&report);
    let job = job.observe(&heard).map(|i| {
        if i == 2 {
            sleep(Duration::from_secs(3600));
        }
    });
    let results = job.try_run(&fork()).expect("a result for each");
    assert!(results[2].is_err());
    assert_eq!(heard.of("stopped at Some(2)").len(), 1, "{:?}", heard.all());
    let warnings = report.summary().warnings;
    assert!(
        warnings[0].contains("was stopped at item 2"),
        "{warnings:?}"
    );
}

fn slowest() {
    let report = Report::new();
    let job = over(0..200).observe(&report).map(|i| {
        sleep(Duration::from_micros(if i % 50 == 7 {
            20_000
        } else {
            100
        }));
    });
    job.run(&fork()).expect("it ran");
    let slowest = report.summary().slowest;
    assert_eq!(slowest.len(), Timed::MOST);
    let long = Duration::from_millis(20);
    for index in [7, 57, 107, 157] {
        let mut kept = slowest.iter();
        let timed = kept.find(|timed| timed.items() == (index..index + 1));
        // On a busy machine others may take long, too; and ten that took longer leave no place.
        let shortest = slowest.last().map(Timed::took);
        assert!(
            timed.map(Timed::took).or(shortest) >= Some(long),
            "{index} among {slowest:?}"
        );
    }
}

/// Times of children are on the parent's clock.
fn spans() {
    #[derive(Clone, Default)]
    struct Spans(Arc<Mutex<Vec<(usize, Instant, Instant)>>>);
    impl Observer for Spans {
        fn event(&self, event: &Event<'_>, moment: &Moment) {
            if let Event::Worked {
                worker: Some(worker),
                begun,
                ended,
                ..
            } = event
            {
                assert!(*begun >= moment.start() && *ended <= moment.now());
                let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                spans.push((*worker, *begun, *ended));
            }
        }
    }
    let (spans, report) = (Spans::default(), Report::new());
    let job = over(0..40)
        .chunk(Chunks::of(4))
        .observe(&spans)
        .observe(&report);
    let job = job.map(|_| sleep(Duration::from_millis(1)));
    job.run(&fork()).expect("it ran");
    let mut spans = spans
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    assert_eq!(spans.len(), 10);
    // The observer did not panic over its own check.
    assert_eq!(report.summary().warnings, [""; 0]);
    spans.sort();
    for pair in spans.windows(2) {
        let [(worker, _, ended), (next, begun, _)] = pair else {
            continue;
        };
        assert!(
            worker != next || ended <= begun,
            "a worker does one chunk at a time"
        );
    }
}

fn memory() {
    let job = |report: &Report| {
        let dirty = over(0..4).chunk(Chunks::of(1)).observe(report).map(|_| {
            let own = vec![1_u8; 8 << 20];
            std::hint::black_box(&own);
            // Kept to the end of the child.
            std::mem::forget(own);
        });
        dirty.run(&fork()).expect("it ran");
        report.summary().memory_dirtied
    };
    assert_eq!(job(&Report::new()), None);
    let bytes = job(&Report::new().with_memory()).expect("it was asked for");
    assert!(
        (32 << 20..64 << 20).contains(&bytes),
        "{bytes} bytes dirtied"
    );
}

fn retries() {
    let report = Report::new();
    let job = over(0..100).retries(3).observe(&report).map_cx(|i, cx| {
        assert!(i % 10 != 3 || cx.attempt >= 2, "not yet");
    });
    job.run(&fork()).expect("all at last");
    assert_eq!(report.summary().retries, 20);
}

fn stream() {
    let report = Report::new();
    let meeting = Meeting::new();
    let stream = over_iter(0..50_u32).window(20).chunk(Chunks::of(1));
    let stream = stream.observe(&report).map(|n| {
        match n % 20 {
            0 => meeting.wait(),
            1 => meeting.come(),
            _ => {}
        }
        n * 2
    });
    let outputs = stream.run(&fork()).expect("it ran");
    let summary = report.summary();
    assert_eq!(outputs.len(), 50);
    assert_eq!((summary.finished, summary.windows), (50, 3), "{report}");
    assert_eq!((summary.forks, summary.respawns), (6, 0), "{report}");
}

/// The observers that a child inherits are copies: it must not draw bars or write logs, whatever is told there.
fn silence() {
    let job = over(0..5).observe(&Here(std::process::id()));
    let job = job.map(|i| i).run(&Telling);
    assert_eq!(job.expect("no copy was told"), [0, 1, 2, 3, 4]);
}

/// Tells the observers of its run something, in children that inherited them.
struct Telling;

impl<T: Task> Executor<T> for Telling {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("telling", 1)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        let text = "from a child";
        let telling = over(0..4).map(|_| run.note(Event::Warning { text }));
        telling.run(&fork())?;
        caller.work(task);
        Ok(())
    }
}

#[derive(Clone)]
struct Here(u32);

impl Observer for Here {
    fn event(&self, _: &Event<'_>, _: &Moment) {
        if std::process::id() != self.0 {
            std::process::abort();
        }
    }
}

/// What happened to workers, as text.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn all(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn of(&self, begin: &str) -> Vec<String> {
        let all = self.all().into_iter();
        all.filter(|text| text.starts_with(begin)).collect()
    }
}

impl Observer for Heard {
    fn event(&self, event: &Event<'_>, _: &Moment) {
        let text = match event {
            Event::WorkerDied { item, why, .. } => format!("died at {item:?}: {why}"),
            Event::WorkerStopped { item, why, .. } => format!("stopped at {item:?}: {why}"),
            _ => return,
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text);
    }
}
