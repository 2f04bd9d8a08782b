//! The helpers of a `Threads`: threads that are kept from map to map, and what they do in between.
//!
//! Helper 1 looks at the gate every 50 µs (some 0.1 ms, as systems wake sleepers late) while maps come often, so that a map of
//! a microsecond pays nothing for it, and one whose first item turns out to take an hour has help soon. After 2 ms
//! without a map it dozes, and the next opening wakes it. A caller who sees that help pays calls it at once. The others
//! sleep until one who is inside wakes them: number n wakes 2n and 2n + 1.

use crate::departure::Departures;
use crate::stage::{Director, Seat};
use partools_core::KeptThread;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, park, park_timeout};
use std::time::{Duration, Instant};

/// Between two looks at the gate.
const NAP: Duration = Duration::from_micros(50);
/// So long without a map, and helper 1 dozes.
const DROWSY: Duration = Duration::from_millis(2);
/// Behind so much work helper 1 stays awake for so long, and comes to a map that is opened meanwhile at once: waking up takes some
/// 30 µs. Behind less it does not come before it is called or has had its nap: to a map of a microsecond it would be a hindrance.
const WORK: Duration = Duration::from_micros(20);
const WATCH: Duration = Duration::from_micros(50);
/// Between two looks while it is awake.
const SPINS: usize = 8;

/// The crews of a `Threads`: one for each map that it ever ran at the same time.
#[derive(Default)]
pub(crate) struct Crews(Mutex<Vec<Crew>>);

/// The helpers of one map at a time. Dropped: they are gone.
pub(crate) struct Crew {
    /// The process that they are threads of: a forked child inherits this value, and not them.
    process: u32,
    director: Director,
    helpers: Vec<JoinHandle<()>>,
    /// Dropped last: they are joined by then.
    departures: Arc<Departures>,
}

impl Crews {
    /// Runs `own` here and `part` on up to `helpers` helpers; see [`Director::play`].
    pub(crate) fn play<R>(
        &self,
        helpers: usize,
        part: &(dyn Fn(usize) + Sync),
        own: impl FnOnce(&dyn Fn()) -> R,
    ) -> R {
        let process = std::process::id();
        let idle = self.idle().pop();
        let crew = idle.filter(|crew| crew.process == process);
        let mut lent = Lent {
            crews: self,
            crew: Some(crew.unwrap_or_else(|| Crew::new(process))),
        };
        let crew = lent.crew.as_mut().expect("it was just put there");
        let helpers = crew.hire(helpers);
        crew.director.play(helpers, part, own)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Crew>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A crew at work, given back when the map is over, also by a panic.
struct Lent<'a> {
    crews: &'a Crews,
    crew: Option<Crew>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.crews.idle().extend(self.crew.take());
    }
}

impl Crew {
    fn new(process: u32) -> Self {
        Crew {
            process,
            director: Director::new(),
            helpers: Vec::new(),
            departures: Arc::new(Departures::none()),
        }
    }

    /// At least `wanted` helpers, or as many as the system starts. How many of those wanted there are.
    fn hire(&mut self, wanted: usize) -> usize {
        while self.helpers.len() < wanted {
            let number = self.helpers.len() + 1;
            let seat = self.director.seat(number);
            let departures = Arc::clone(&self.departures);
            let named = Builder::new().name(format!("partools-{number}"));
            let Ok(helper) = named.spawn(move || live(&seat, &departures)) else {
                // The system has no thread for us now; those we have will do.
                break;
            };
            self.director.joined_by(helper.thread());
            self.helpers.push(helper);
        }
        self.helpers.len().min(wanted)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // A forked child: there is nobody to wait for.
            std::mem::forget(std::mem::take(&mut self.helpers));
            return;
        }
        self.director.dismiss();
        for helper in self.helpers.drain(..) {
            let _ = helper.join();
        }
    }
}

/// A helper's whole life.
fn live(seat: &Seat, departures: &Departures) {
    let kept = departures.note();
    let kept = kept.map(|(process, thread)| KeptThread::enroll(process, thread));
    let rests = || {
        if let Some(kept) = &kept {
            // SAFETY: from here to `works` this thread looks at the gate and the clock and sleeps, which take no lock; and
            // leaves the stage, or takes its seat, with a lock of the stage's own, which no forked child uses: `Crews::play`
            // and `Crew::drop` look at the process. It goes back to work where a map is opened, by that map's caller.
            unsafe { kept.rests() };
        }
    };
    rests();
    seat.take();
    let (mut served, mut last, mut since) = (None, 0, Instant::now());
    let mut awake_until = since;
    loop {
        let look = seat.look();
        if look.is_shut() {
            break;
        }
        if look.is_open() && served != Some(look.map()) {
            if let Some(kept) = &kept {
                kept.works();
            }
            let begun = Instant::now();
            served = seat.serve(rests).or(served);
            let ended = Instant::now();
            if seat.number() == 1 && ended - begun >= WORK {
                awake_until = ended + WATCH;
            }
        } else if seat.number() > 1 {
            park();
        } else if Instant::now() < awake_until {
            (0..SPINS).for_each(|_| std::hint::spin_loop());
        } else if last != look.map() {
            (last, since) = (look.map(), Instant::now());
        } else if since.elapsed() < DROWSY {
            park_timeout(NAP);
        } else if seat.doze() {
            park();
        } else {
            // A map that it has served, or just opened, or the end.
            park_timeout(NAP);
        }
    }
    if let Some(kept) = &kept {
        kept.works();
    }
}
