//! What is fed, and to whom. Each kind of task is one byte; what follows is the message.

use super::mutate::Shape;
use partools_core::wire::{
    Gathered, Outlet, Parcel, Record, Request, SegmentBuffer, deliver, request,
};
use partools_core::{
    Caller, Capabilities, Chunks, Cx, Error, Executor, Job, PlainVec, Plan, Portable, PortableTask,
    Run, Serialized, chunks, over, zip,
};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A reader of messages, with honest messages to begin from.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    make: fn() -> Vec<Vec<u8>>,
    made: OnceLock<Vec<Vec<u8>>>,
    /// Was the message taken for an honest one?
    feed: fn(&[u8]) -> bool,
}

/// Behind the kind, a request's header.
const HEADER: usize = 1 + 22;

pub(crate) static TARGETS: [Target; 3] = [
    Target::new("request", Shape::Frames(HEADER), requests, feed_request),
    Target::new("answer", Shape::Records(1), answers, feed_answer),
    Target::new("parcel", Shape::Frames(1 + 2 + 6), parcels, feed_parcel),
];

impl Target {
    const fn new(
        name: &'static str,
        shape: Shape,
        make: fn() -> Vec<Vec<u8>>,
        feed: fn(&[u8]) -> bool,
    ) -> Self {
        let made = OnceLock::new();
        Target {
            name,
            shape,
            make,
            made,
            feed,
        }
    }

    pub(crate) fn seeds(&self) -> &[Vec<u8>] {
        self.made.get_or_init(self.make)
    }

    /// Feeds `message`, and looks at what it did; true where it was taken for an honest one.
    pub(crate) fn check(&self, message: &[u8]) -> bool {
        let mut taken = false;
        let held = super::allocation::peak_of(|| taken = (self.feed)(message));
        let name = self.name;
        assert!(!PANICKED.load(Relaxed), "{name}: {message:?} made us panic");
        // What a map itself holds, and 64 times the message: an element of one byte may be a hundred here.
        let limit = (64 << 10) + 64 * message.len();
        assert!(
            held <= limit,
            "{name}: {message:?} made us hold {held} bytes"
        );
        taken
    }
}

static PANICKED: AtomicBool = AtomicBool::new(false);

/// No panic is expected; those in code that the library calls would be caught there, and be a failed item.
pub(crate) fn watch() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICKED.store(true, Relaxed);
        default(info);
    }));
}

// ---- the tasks

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nested {
    named: Vec<(u8, Option<String>)>,
    raw: PlainVec<f32>,
    kind: Kind,
    nothing: BTreeMap<u16, Vec<()>>,
    hollow: Vec<Hollow>,
    deep: Vec<Vec<Vec<u16>>>,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Pair(i64, bool),
    Named {
        letter: char,
        inner: Option<Box<Nested>>,
    },
}
/// Of no bytes on the wire, and many here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Hollow {
    #[serde(skip)]
    room: [u64; 16],
}

struct Made {
    numbers: Vec<u64>,
    words: Vec<String>,
    nested: Vec<Nested>,
    points: Vec<[f32; 4]>,
    prices: BTreeMap<String, u16>,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let nested = |n: u16| Nested {
            named: vec![(1, None), (2, Some("two".repeat(n.into())))],
            raw: vec![0.5; 3].into(),
            kind: match n % 3 {
                0 => Kind::Unit,
                1 => Kind::Pair(-1, true),
                _ => Kind::Named {
                    letter: 'ß',
                    inner: None,
                },
            },
            nothing: BTreeMap::from([(n, vec![(); 3])]),
            hollow: vec![Hollow::default(); 2],
            deep: vec![vec![vec![n; 2]; 2]; 2],
        };
        Made {
            numbers: (0..7).map(|n| n * 1_000_003).collect(),
            words: (0..7).map(|n| "x".repeat(n * 5)).collect(),
            nested: (0..5).map(nested).collect(),
            points: vec![[1.0, 2.0, 3.0, 4.0]; 6],
            prices: BTreeMap::from([("pear".to_owned(), 4)]),
        }
    })
}

// Functions with names: a closure would be another one, of another type, wherever the macro below is used.
fn add(n: &u64) -> u64 {
    n.wrapping_add(1)
}
#[expect(clippy::ptr_arg, reason = "it is what a slice of strings lends")]
fn word(word: &String) -> String {
    word.clone()
}
fn nested(nested: &Nested) -> Nested {
    nested.clone()
}
fn piece(piece: &[u64]) -> Vec<u64> {
    piece.to_vec()
}
fn joined((word, words): (&String, &[String])) -> (usize, String) {
    (word.len(), words.concat())
}
fn placed((i, point): (usize, &[f32; 4])) -> (usize, [f32; 4]) {
    (i, *point)
}
fn nothing((): &()) {}
type Shared<'a> = (&'a [u64], &'a str, &'a BTreeMap<String, u16>, u32);
fn looked(i: usize, (numbers, text, prices, seven): Shared<'_>) -> (Option<u64>, usize, u32) {
    (numbers.get(i).copied(), text.len() + prices.len(), seven)
}
type Points<'a> = (&'a [[f32; 4]], &'a [f32; 4]);
fn full(i: usize, cx: &mut Cx<'_, Points<'_>, usize>) -> (Option<[f32; 4]>, f32, usize) {
    (cx.shared.0.get(i).copied(), cx.shared.1[0], *cx.state)
}
fn number(worker: usize) -> usize {
    worker
}

/// Calls `$call` with the job of kind `$kind`, and more arguments.
macro_rules! job {
    ($kind:expr, $call:ident($($more:expr),*)) => {{
        let made = made();
        match $kind % 9 {
            0 => $call(over(&made.numbers).map(add), $($more),*),
            1 => $call(over(&made.words).map(word), $($more),*),
            2 => $call(over(&made.nested).map(nested), $($more),*),
            3 => $call(over(chunks(&made.numbers, 3)).map(piece), $($more),*),
            4 => $call(over(zip(&made.words, chunks(&made.words, 2))).map(joined), $($more),*),
            5 => $call(over(zip(0..6, &made.points)).map(placed), $($more),*),
            6 => $call(over(vec![(); 5]).map(nothing), $($more),*),
            7 => $call(
                over(0..6)
                    .shared((made.numbers.as_slice(), "text", Serialized(&made.prices), 7_u32))
                    .map(looked),
                $($more),*
            ),
            _ => $call(
                over(0..6)
                    .shared((made.points.as_slice(), &made.points[0]))
                    .state(number)
                    .map_cx(full),
                $($more),*
            ),
        }
    }};
}
const KINDS: u8 = 9;

// ---- both sides by hand

struct By<'f, T: partools_core::Task>(Middle<'f, T>);
type Middle<'f, T> = &'f dyn Fn(&T, &Run<<T as partools_core::Task>::Output>) -> Result<(), Error>;

impl<T: PortableTask<Output: Portable>> Executor<T> for By<'_, T> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("by hand", 1)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        _: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        (self.0)(task, run)
    }
}

/// Runs `middle` as the executor; all items are one chunk.
fn by_hand<T: PortableTask<Output: Portable>>(job: Job<T>, middle: Middle<'_, T>) -> bool {
    job.plan(Plan::new().chunk(Chunks::of(1000)))
        .try_run(&By(middle))
        .is_ok()
}

fn packed<R>(
    task: &impl PortableTask<Output: Portable>,
    then: impl FnOnce(&Parcel<'_>, &SegmentBuffer) -> R,
) -> R {
    let parcel = Parcel::pack(task, &Plan::new()).expect("an honest task");
    let segment = parcel.segment().expect("memory");
    then(&parcel, &segment)
}

fn answer_to(
    parcel: &Parcel<'_>,
    segment: &SegmentBuffer,
    message: &[u8],
    out: &mut dyn Outlet,
) -> bool {
    let mut answered = false;
    let served = parcel
        .entry()
        .serve(parcel.head(), &[segment.as_bytes()], 0, &mut |server| {
            answered = server.answer(message, out).is_ok();
        });
    assert!(served.is_ok());
    answered
}

fn honest_request<T: PortableTask<Output: Portable>>(job: Job<T>) -> Vec<u8> {
    let message = RefCell::new(Request::new());
    by_hand(job, &|task, run| {
        let mut chunk = run.try_claim().expect("all items");
        let mut message = message.borrow_mut();
        assert!(request(task, &mut chunk, &mut message)?);
        Ok(())
    });
    message.into_inner().as_bytes().to_vec()
}

/// With small outputs in rows, or each as a record.
fn honest_answer<T>(job: Job<T>, rows: bool) -> Vec<u8>
where
    T: PortableTask<Output: Portable> + Clone,
{
    let message = honest_request(Job::new(job.task().clone()));
    let (mut records, mut gathered) = (Vec::new(), Gathered::new());
    packed(job.task(), |parcel, segment| {
        let answer: &mut dyn Outlet = match rows {
            true => &mut gathered,
            false => &mut records,
        };
        assert!(answer_to(parcel, segment, &message, answer));
    });
    match rows {
        true => gathered.as_bytes().to_vec(),
        false => records,
    }
}

// ---- (a) requests

fn requests() -> Vec<Vec<u8>> {
    (0..KINDS)
        .map(|kind| [vec![kind], job!(kind, honest_request())].concat())
        .collect()
}

/// Counts what is sent, and sees that it is an answer.
#[derive(Default)]
struct Counted(Vec<Record>);

impl Outlet for Counted {
    fn send(&mut self, record: Record, _: &[u8]) {
        self.0.push(record);
    }
}

fn feed_request(message: &[u8]) -> bool {
    fn feed<T: PortableTask<Output: Portable>>(job: Job<T>, message: &[u8]) -> bool {
        packed(job.task(), |parcel, segment| {
            let mut sent = Counted::default();
            let answered = answer_to(parcel, segment, message, &mut sent);
            let ends = sent.0.last() == Some(&Record::End);
            assert_eq!(answered, ends, "an answer ends where it was given");
            assert!(
                sent.0.len() <= job.task().count() + 2,
                "more records than items"
            );
            answered
        })
    }
    match message.split_first() {
        Some((&kind, message)) => job!(kind, feed(message)),
        None => false,
    }
}

// ---- (b) answers

fn answers() -> Vec<Vec<u8>> {
    let kinds = (0..KINDS).flat_map(|kind| [(kind, false), (kind, true)]);
    kinds
        .map(|(kind, rows)| [vec![kind], job!(kind, honest_answer(rows))].concat())
        .collect()
}

fn feed_answer(message: &[u8]) -> bool {
    fn feed<T: PortableTask<Output: Portable>>(job: Job<T>, message: &[u8]) -> bool {
        let whole = Cell::new(false);
        let done = by_hand(job, &|task, run| {
            let mut chunk = run.try_claim().expect("all items");
            whole.set(deliver(message, &mut chunk).is_ok());
            assert!(chunk.position() <= chunk.range().end);
            assert!(
                !whole.get() || chunk.is_full(),
                "an answer that is whole fills the chunk"
            );
            // The rest of the chunk is as good as ever.
            let mut again = Request::new();
            if request(task, &mut chunk, &mut again)? {
                let mut answer = Vec::new();
                packed(task, |parcel, segment| {
                    assert!(answer_to(parcel, segment, again.as_bytes(), &mut answer));
                });
                deliver(&answer, &mut chunk).expect("an honest answer");
            }
            assert!(chunk.is_full());
            Ok(())
        });
        assert!(done, "all items are there");
        whole.get()
    }
    match message.split_first() {
        Some((&kind, message)) => job!(kind, feed(message)),
        None => false,
    }
}

// ---- (c) heads and segments

/// A kind, the length of the segment, a head, and the segment at the end: so a head that changes its length takes nothing
/// from the segment.
fn parcels() -> Vec<Vec<u8>> {
    fn parcel<T: PortableTask<Output: Portable>>(job: Job<T>, kind: u8) -> Vec<u8> {
        packed(job.task(), |parcel, segment| {
            let len = u16::try_from(segment.as_bytes().len()).expect("a small segment");
            [
                &[kind][..],
                &len.to_le_bytes(),
                parcel.head(),
                segment.as_bytes(),
            ]
            .concat()
        })
    }
    (0..KINDS).map(|kind| job!(kind, parcel(kind))).collect()
}

fn feed_parcel(message: &[u8]) -> bool {
    fn feed<T>(job: Job<T>, head: &[u8], segment: &[u8]) -> bool
    where
        T: PortableTask<Output: Portable> + Clone,
    {
        let request = honest_request(Job::new(job.task().clone()));
        let segment = SegmentBuffer::read(&mut &*segment, segment.len() as u64).expect("memory");
        let entry = packed(job.task(), |parcel, _| parcel.entry());
        let served = entry.serve(head, &[segment.as_bytes()], 0, &mut |server| {
            // The task may have another count, or other items, than the request is about.
            let _ = server.answer(&request, &mut Counted::default());
        });
        served.is_ok()
    }
    let Some((&kind, rest)) = message.split_first() else {
        return false;
    };
    let Some((len, rest)) = rest.split_first_chunk() else {
        return false;
    };
    let len = usize::from(u16::from_le_bytes(*len)).min(rest.len());
    let (head, segment) = rest.split_at(rest.len() - len);
    job!(kind, feed(head, segment))
}
