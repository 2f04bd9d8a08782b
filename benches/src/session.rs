//! A workload in the process of one contender: inputs that are ready, and rounds that are clocked.
//!
//! The first round is not for the clock: pools start in it, memory is touched for the first time, and somebody outside
//! watches how much. It also tells how often a short map is to be repeated in the later rounds.

use crate::contender::{Contender, Trouble};
use crate::digest::Digest;
use crate::effort::Effort;
use crate::shape::{OutputKind, Shape, times};
use crate::work::Work;
use crate::works::{
    self, Bytes, Convolve, Delays, Flights, Nested, Noop, Number, Stream, Sum, Text, Timed, Words,
};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::ops::Deref;
use std::time::{Duration, Instant};

/// What a round took; of one repetition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// From the call to the result.
    pub seconds: f64,
    /// Processor time of all its processes.
    pub cpu_s: f64,
    /// How often the map was repeated.
    pub repeats: u32,
    /// Of the outputs; none where there are none, or where this round left the look at them to an earlier one.
    pub digest: Option<u64>,
}

/// Inputs that are ready for rounds by `C`.
pub(crate) trait Session<C> {
    /// One round; the contender is started in it if it was not before.
    fn round(&mut self, contender: &mut Seat<C>, watched: bool) -> Result<Taken, Trouble>;
}

/// A contender that is started when it is first needed.
pub(crate) struct Seat<C> {
    workers: usize,
    contender: Option<C>,
}

impl<C: Contender> Seat<C> {
    pub(crate) fn new(workers: usize) -> Self {
        Seat {
            workers,
            contender: None,
        }
    }

    fn get(&mut self) -> &mut C {
        self.contender.get_or_insert_with(|| C::start(self.workers))
    }
}

/// The inputs of `shape`, with rounds that go on for `target` where one map is shorter.
pub(crate) fn open<C: Contender>(
    shape: &Shape,
    target: Duration,
) -> Result<Box<dyn Session<C>>, Trouble> {
    let no_memory = |error: std::io::Error| Trouble::Cannot(format!("no memory: {error}"));
    Ok(match *shape {
        Shape::Noop { count } => {
            let items = (0..count).map(|i| i as f64).collect();
            Maps::<Noop, _>::boxed(items, Vec::new(), target)
        }
        Shape::Timed { ref runs } => Maps::<Timed, _>::boxed(times(runs), Vec::new(), target),
        Shape::First { ref runs } => Box::new(First(times(runs))),
        Shape::Warm { maps, ref runs } => Box::new(Sequence {
            short: (maps, times(runs)),
            long: Vec::new(),
        }),
        Shape::Mixed {
            maps,
            cheap,
            ref runs,
        } => Box::new(Sequence {
            short: (maps, vec![0; cheap]),
            long: times(runs),
        }),
        Shape::Sum {
            len,
            sections,
            memory,
        } => {
            let edge = |i: usize| (i * len / sections) as u64;
            let resting = |rest| {
                (0..sections)
                    .map(move |i| (edge(i), edge(i + 1), rest))
                    .collect()
            };
            let array = works::Array::new(len, memory).map_err(no_memory)?;
            // Read once, so that what workers read is shared with this process and not new.
            black_box(array.iter().sum::<f64>());
            let mut session = Maps::<Sum, _>::new(resting(0), array, target);
            session.watched = Some(resting(5));
            Box::new(session)
        }
        Shape::Output { kind, count, size } => output(kind, count as u64, size as u64, target),
        Shape::Convolve { side, filters } => {
            let items = (0..filters).map(Convolve::filter).collect();
            Maps::<Convolve, _>::boxed(items, Convolve::image(side), target)
        }
        Shape::Words { documents, words } => {
            let items = (0..documents).map(|i| Words::document(i, words)).collect();
            Maps::<Words, _>::boxed(items, Vec::new(), target)
        }
        Shape::Flights { resamples } => {
            let delays = Delays::load().map_err(Trouble::Cannot)?;
            Maps::<Flights, _>::boxed(delays.blocks(resamples), delays.minutes, target)
        }
        Shape::Stream { count } => Box::new(Streaming((0..count as u64).collect())),
    })
}

fn output<C: Contender>(
    kind: OutputKind,
    count: u64,
    size: u64,
    target: Duration,
) -> Box<dyn Session<C>> {
    let items = || (0..count).collect();
    let nothing = Vec::new();
    match kind {
        OutputKind::Number => Maps::<Number, _>::boxed(items(), nothing, target),
        OutputKind::Bytes => {
            let items = (0..count).map(|i| (i, size)).collect();
            Maps::<Bytes, _>::boxed(items, nothing, target)
        }
        OutputKind::Text => Maps::<Text, _>::boxed(items(), nothing, target),
        OutputKind::Nested => Maps::<Nested, _>::boxed(items(), nothing, target),
    }
}

/// So many outputs are looked at once, and not in every round.
const MANY: usize = 2_000_000;

/// One map, repeated where it is short.
struct Maps<W: Work, S> {
    items: Vec<W::Item>,
    /// The items of the watched round, where they are others.
    watched: Option<Vec<W::Item>>,
    shared: S,
    target: Duration,
    repeats: u32,
    checked: bool,
}

impl<W: Work, S: Deref<Target = [W::Shared]> + 'static> Maps<W, S> {
    fn new(items: Vec<W::Item>, shared: S, target: Duration) -> Self {
        Maps {
            items,
            watched: None,
            shared,
            target,
            repeats: 1,
            checked: false,
        }
    }

    fn boxed<C: Contender>(
        items: Vec<W::Item>,
        shared: S,
        target: Duration,
    ) -> Box<dyn Session<C>> {
        Box::new(Self::new(items, shared, target))
    }
}

impl<C: Contender, W: Work, S: Deref<Target = [W::Shared]> + 'static> Session<C> for Maps<W, S> {
    fn round(&mut self, contender: &mut Seat<C>, watched: bool) -> Result<Taken, Trouble> {
        let contender = contender.get();
        let items = self
            .watched
            .as_ref()
            .filter(|_| watched)
            .unwrap_or(&self.items);
        let shared = self.shared.deref();
        let (effort, begun) = (Effort::now(), Instant::now());
        // The last result is not dropped within the time. Where there are several, the others are.
        for _ in 1..self.repeats {
            black_box(contender.map::<W>(black_box(items), black_box(shared))?);
        }
        let outputs = contender.map::<W>(black_box(items), black_box(shared))?;
        let spent = begun.elapsed();
        let cpu = effort.spent();

        let repeats = self.repeats;
        let each = spent / repeats;
        if !watched {
            let wanted = self.target.as_nanos() / each.as_nanos().max(1);
            self.repeats = u32::try_from(wanted.clamp(1, 20_000)).unwrap_or(1);
        }
        let look = !self.checked || outputs.len() <= MANY;
        self.checked = true;
        if outputs.len() != items.len() {
            let (got, asked) = (outputs.len(), items.len());
            return Err(Trouble::Failed(format!("{got} outputs for {asked} items")));
        }
        let mut digest = Digest::new();
        if look {
            outputs
                .iter()
                .for_each(|output| digest.add(W::digest(output)));
        }
        Ok(Taken {
            seconds: spent.as_secs_f64() / f64::from(repeats),
            cpu_s: cpu / f64::from(repeats),
            repeats,
            digest: look.then(|| digest.value()),
        })
    }
}

/// The time to the first result; everything that a contender needs for it is started within the time.
struct First(Vec<u64>);

impl<C: Contender> Session<C> for First {
    fn round(&mut self, contender: &mut Seat<C>, _: bool) -> Result<Taken, Trouble> {
        let (mut first, mut digest) = (None, Digest::new());
        let (effort, begun) = (Effort::now(), Instant::now());
        contender.get().for_each::<Timed>(&self.0, &[], |output| {
            first.get_or_insert_with(|| begun.elapsed());
            digest.add(output);
        })?;
        let cpu_s = effort.spent();
        let first = first.ok_or_else(|| Trouble::Failed("no result came".to_owned()))?;
        Ok(Taken {
            seconds: first.as_secs_f64(),
            cpu_s,
            repeats: 1,
            digest: Some(digest.value()),
        })
    }
}

/// Many short maps, then a long one, by the same function.
struct Sequence {
    short: (usize, Vec<u64>),
    long: Vec<u64>,
}

impl<C: Contender> Session<C> for Sequence {
    fn round(&mut self, contender: &mut Seat<C>, _: bool) -> Result<Taken, Trouble> {
        let contender = contender.get();
        let (maps, items) = &self.short;
        let mut outputs = Vec::new();
        let (effort, begun) = (Effort::now(), Instant::now());
        for _ in 0..*maps {
            outputs = contender.map::<Timed>(black_box(items), &[])?;
        }
        if !self.long.is_empty() {
            outputs = contender.map::<Timed>(black_box(&self.long), &[])?;
        }
        let (spent, cpu_s) = (begun.elapsed(), effort.spent());
        let mut digest = Digest::new();
        outputs.iter().for_each(|output| digest.add(*output));
        Ok(Taken {
            seconds: spent.as_secs_f64(),
            cpu_s,
            repeats: 1,
            digest: Some(digest.value()),
        })
    }
}

/// Outputs that nobody keeps, unless the contender must.
struct Streaming(Vec<u64>);

impl<C: Contender> Session<C> for Streaming {
    fn round(&mut self, contender: &mut Seat<C>, _: bool) -> Result<Taken, Trouble> {
        let mut digest = Digest::new();
        let (effort, begun) = (Effort::now(), Instant::now());
        contender
            .get()
            .for_each::<Stream>(&self.0, &[], |output| digest.add(Stream::digest(&output)))?;
        let (spent, cpu_s) = (begun.elapsed(), effort.spent());
        Ok(Taken {
            seconds: spent.as_secs_f64(),
            cpu_s,
            repeats: 1,
            digest: Some(digest.value()),
        })
    }
}

/// So many bytes, copied into fresh memory: what outputs can at best cost that have to be somewhere.
pub(crate) struct Copying {
    source: Vec<u8>,
    target: Duration,
    repeats: u32,
}

impl Copying {
    pub(crate) fn of(shape: &Shape, target: Duration) -> Result<Self, Trouble> {
        let Shape::Output { kind, count, size } = *shape else {
            return Err(Trouble::Cannot(
                "memcpy copies bytes and maps nothing".to_owned(),
            ));
        };
        let bytes = match kind {
            OutputKind::Number => count * size_of::<f64>(),
            OutputKind::Bytes => count * size,
            OutputKind::Text => (0..count as u64).map(|i| works::text(i).len() + 24).sum(),
            OutputKind::Nested => {
                let encoded =
                    |i| serde_json::to_vec(&works::nested(i, 1)).map_or(0, |text| text.len());
                count * encoded(count as u64 / 2)
            }
        };
        Ok(Copying {
            source: vec![1; bytes],
            target,
            repeats: 1,
        })
    }
}

impl<C> Session<C> for Copying {
    fn round(&mut self, _: &mut Seat<C>, _: bool) -> Result<Taken, Trouble> {
        let (effort, begun) = (Effort::now(), Instant::now());
        for _ in 1..self.repeats {
            drop(black_box(black_box(&self.source).clone()));
        }
        let copy = black_box(black_box(&self.source).clone());
        let (spent, cpu) = (begun.elapsed(), effort.spent());
        drop(copy);
        let repeats = self.repeats;
        let wanted = self.target.as_nanos() / (spent / repeats).as_nanos().max(1);
        self.repeats = u32::try_from(wanted.clamp(1, 20_000)).unwrap_or(1);
        Ok(Taken {
            seconds: spent.as_secs_f64() / f64::from(repeats),
            cpu_s: cpu / f64::from(repeats),
            repeats,
            digest: None,
        })
    }
}
