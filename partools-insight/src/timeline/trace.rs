//! Tapes as a Chrome trace (the "Trace Event Format": an object with `traceEvents`, times in microseconds).
//!
//! Each map is a process, its number the map's; threads have numbers that no other map's have. Slices are complete
//! events (`X`), failures and deaths are instants (`i`), finished items are a counter (`C`), names are metadata (`M`).

use super::tape::{Mark, Tape};
use super::tracks::{Track, lay_out};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Instant;

#[derive(Serialize)]
struct Record<'r> {
    name: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'r str>,
    ph: &'r str,
    pid: u64,
    tid: u64,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    /// How far an instant is drawn: a thread, or the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'r str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    args: Value,
}

/// Writes all tapes as one trace.
pub(super) fn write(tapes: &BTreeMap<u64, Tape>, mut out: impl Write) -> io::Result<()> {
    out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")?;
    let mut page = Page {
        out: &mut out,
        // Before all: the first map's beginning is time 0.
        zero: tapes.values().map(|tape| tape.start).min(),
        pid: 0,
        is_first: true,
    };
    let mut threads = 0;
    for (&map, tape) in tapes {
        page.pid = map;
        threads += page.map(tape, threads)?;
    }
    let dropped: u64 = tapes.values().map(Tape::dropped).sum();
    let more = match dropped {
        0 => json!({ "producer": "partools" }),
        n => json!({ "producer": "partools", "not kept": n }),
    };
    writeln!(out, "\n],\"otherData\":{more}}}")
}

struct Page<'o, W> {
    out: &'o mut W,
    zero: Option<Instant>,
    pid: u64,
    is_first: bool,
}

impl<W: Write> Page<'_, W> {
    /// Writes one map, whose threads are numbered behind `before`; how many it has.
    fn map(&mut self, tape: &Tape, before: u64) -> io::Result<u64> {
        let own = before + 1;
        self.name(
            "process_name",
            own,
            &format!("map {}: {}", self.pid, tape.title),
        )?;
        self.name("thread_name", own, "the map")?;
        self.order("thread_sort_index", own)?;
        let tracks = lay_out(&tape.slices);
        let mut ids: BTreeMap<Track, u64> = tracks.iter().map(|track| (*track, 0)).collect();
        // Workers that did nothing but die have a track, too; the named come first.
        let marked = tape.marks.iter().filter_map(|mark| mark.worker);
        ids.extend(marked.map(|worker| ((Some(worker), 0), 0)));
        let mut order: Vec<Track> = ids.keys().copied().collect();
        order.sort_by_key(|&(worker, lane)| (worker.is_none(), worker, lane));
        for (id, track) in (own + 1..).zip(&order) {
            ids.insert(*track, id);
            self.name("thread_name", id, &title(tape, *track))?;
            self.order("thread_sort_index", id)?;
        }
        self.whole(tape, own)?;
        for (slice, track) in tape.slices.iter().zip(&tracks) {
            let items = &slice.items;
            let mut args = json!({ "first": items.start, "items": items.len() });
            if slice.failed > 0 {
                args["failed"] = slice.failed.into();
            }
            let name = match items.len() {
                1 => format!("item {}", items.start),
                _ => format!("items {}..{}", items.start, items.end),
            };
            let cat = if tape.are_claims() { "claim" } else { "chunk" };
            self.span(&name, cat, ids[track], slice.begun, slice.ended, args)?;
        }
        for fork in &tape.forks {
            let args = json!({ "worker": fork.worker, "page tables, bytes": fork.page_tables });
            self.span("fork", "fork", own, fork.begun, fork.ended, args)?;
        }
        for mark in &tape.marks {
            let thread = mark.worker.and_then(|worker| ids.get(&(Some(worker), 0)));
            self.mark(mark, thread.copied().unwrap_or(own))?;
        }
        for (at, sum) in &tape.finished {
            let ts = self.micros(*at);
            let args = json!({ "items": sum });
            self.record("finished", None, "C", own, ts, None, None, args)?;
        }
        Ok(1 + order.len() as u64)
    }

    /// The map itself, from its beginning to its end or to the last that is known.
    fn whole(&mut self, tape: &Tape, thread: u64) -> io::Result<()> {
        let last = tape.finished.last().map_or(tape.start, |(at, _)| *at);
        let end = tape.end.unwrap_or(last);
        let args = json!({ "ending": tape.ending, "not kept": tape.dropped() });
        self.span(&tape.title, "map", thread, tape.start, end, args)
    }

    fn span(
        &mut self,
        name: &str,
        cat: &str,
        thread: u64,
        begun: Instant,
        ended: Instant,
        args: Value,
    ) -> io::Result<()> {
        let (ts, end) = (self.micros(begun), self.micros(ended));
        self.record(name, Some(cat), "X", thread, ts, Some(end - ts), None, args)
    }

    fn mark(&mut self, mark: &Mark, thread: u64) -> io::Result<()> {
        let scope = if mark.worker.is_some() { "t" } else { "p" };
        let (ts, args) = (self.micros(mark.at), json!({ "what": mark.text }));
        self.record(
            mark.name,
            Some("event"),
            "i",
            thread,
            ts,
            None,
            Some(scope),
            args,
        )
    }

    fn name(&mut self, kind: &str, thread: u64, name: &str) -> io::Result<()> {
        self.record(
            kind,
            None,
            "M",
            thread,
            0.0,
            None,
            None,
            json!({ "name": name }),
        )
    }

    fn order(&mut self, kind: &str, thread: u64) -> io::Result<()> {
        self.record(
            kind,
            None,
            "M",
            thread,
            0.0,
            None,
            None,
            json!({ "sort_index": thread }),
        )
    }

    /// Since the zero, in microseconds.
    fn micros(&self, at: Instant) -> f64 {
        let zero = self.zero.unwrap_or(at);
        at.saturating_duration_since(zero).as_nanos() as f64 / 1e3
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of the format, once")]
    fn record(
        &mut self,
        name: &str,
        cat: Option<&str>,
        ph: &str,
        tid: u64,
        ts: f64,
        dur: Option<f64>,
        s: Option<&str>,
        args: Value,
    ) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.write_all(b",\n")?;
        }
        let record = Record {
            name,
            cat,
            ph,
            pid: self.pid,
            tid,
            ts,
            dur,
            s,
            args,
        };
        Ok(serde_json::to_writer(&mut *self.out, &record)?)
    }
}

fn title(tape: &Tape, (worker, lane): Track) -> String {
    let name = worker.map_or_else(|| "workers".to_owned(), |number| format!("worker {number}"));
    let place = worker.and_then(|number| tape.places.get(&number));
    let name = place.map_or(name.clone(), |place| format!("{name}, {place}"));
    let processes = worker.and_then(|number| tape.processes.get(&number));
    let name = match processes.map(Vec::as_slice) {
        Some([one]) => format!("{name} (process {one})"),
        // Others have numbers between them.
        Some([first, last]) => format!("{name} (processes {first}, {last})"),
        Some([first, .., last]) => {
            let between = processes.map_or(0, Vec::len) - 2;
            format!("{name} (processes {first}, {between} more, {last})")
        }
        _ => name,
    };
    match (tape.are_claims(), lane) {
        (true, 0) => format!("{name}: claims"),
        (true, lane) => format!("{name}: claims, {} at once", lane + 1),
        (false, 0) => name,
        (false, lane) => format!("{name}, {} at once", lane + 1),
    }
}
