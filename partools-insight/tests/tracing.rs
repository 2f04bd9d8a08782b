//! What `tracing` hears, as a subscriber writes it.

use partools_core::{Chunks, Serial, over};
use partools_insight::Tracing;
use partools_threads::Threads;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Lines;
    fn make_writer(&'w self) -> Lines {
        self.clone()
    }
}

/// What is written while `body` runs, by this thread's own subscriber.
fn heard(level: tracing::Level, body: impl FnOnce()) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, body);
    lines.text()
}

#[test]
fn failures_and_the_end_are_told_within_the_span_of_the_map() {
    let text = heard(tracing::Level::INFO, || {
        let job = over(0..100)
            .observe(&Tracing::new())
            .map(|i| assert!(i != 7, "this one"));
        job.try_run(&Serial).expect("it ran");
    });
    println!("{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let span = "map{executor=\"serial\" workers=1 items=100}: partools: ";
    assert!(lines.iter().all(|line| line.contains(span)), "{text}");
    assert!(
        lines[0].contains("WARN") && lines[0].contains("item failed item=7"),
        "{text}"
    );
    assert!(
        lines[1].contains("INFO") && lines[1].contains("map ended"),
        "{text}"
    );
}

#[test]
fn an_error_is_told_as_one() {
    let text = heard(tracing::Level::ERROR, || {
        let job = over(0..100)
            .observe(&Tracing::new())
            .map(|i| assert!(i < 7));
        job.run(&Serial).unwrap_err();
    });
    assert!(
        text.contains("ERROR") && text.contains("map ended") && text.contains("item 7 panicked"),
        "{text}"
    );
}

#[test]
fn chunks_on_other_threads_are_told_to_the_subscriber_of_the_caller() {
    let text = heard(tracing::Level::TRACE, || {
        // Cheap items would all be done before the other thread comes.
        let job = over(0..100)
            .chunk(Chunks::of(10))
            .observe(&Tracing::new())
            .map(|_| std::thread::sleep(std::time::Duration::from_millis(1)));
        job.run(&Threads::new().workers(2)).expect("it ran");
    });
    assert_eq!(text.matches("chunk done").count(), 10, "{text}");
    assert_eq!(text.matches("chunk worked on").count(), 10, "{text}");
    assert_eq!(text.matches("worker started").count(), 2, "{text}");
    assert!(text.contains("worker=1"), "{text}");
}
