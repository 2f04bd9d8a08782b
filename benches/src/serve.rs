//! The side of a contender: this process was started for one contender and one workload, and does what it is told.
//!
//! ```text
//!   coordinator                                 contender (a process of its own)
//!   order, one line of JSON  ─────────────────> makes the inputs
//!                            <───────────────── {"ready": true}
//!   "watched" or "round"     ─────────────────> one round
//!                            <───────────────── {"seconds": .., "cpu_s": .., "repeats": .., "digest": ..}
//!   closes                   ─────────────────> ends
//! ```
//!
//! `benches/peers/peers.py` and `peers.R` say the same.

use crate::contender::{Contender, Trouble};
use crate::session::{Copying, Seat, Session, Taken, open};
use crate::shape::Shape;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::time::Duration;

/// What a contender is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Its name, as in the list.
    pub who: String,
    /// How many workers.
    pub workers: usize,
    /// The workload.
    pub shape: Shape,
    /// For how long a round is to go on where one map is shorter, in seconds.
    pub target_s: f64,
}

/// What a contender says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// The inputs are there.
    Ready {
        /// Always true.
        ready: bool,
    },
    /// A round is done.
    Taken(Taken),
    /// It is not made for that, and why.
    Cannot {
        /// What it lacks.
        cannot: String,
    },
    /// It should, and did not.
    Failed {
        /// What happened.
        failed: String,
    },
}

/// Serves `order` as `C`, until standard input ends.
pub(crate) fn serve<C: Contender>(order: &Order) -> Result<(), Trouble> {
    let target = Duration::from_secs_f64(order.target_s);
    let session: Result<Box<dyn Session<C>>, Trouble> = match &*order.who {
        "memcpy" => Copying::of(&order.shape, target).map(|copying| Box::new(copying) as _),
        _ => open::<C>(&order.shape, target),
    };
    let mut session = match session {
        Ok(session) => session,
        Err(trouble) => return say(&trouble.into()),
    };
    say(&Answer::Ready { ready: true })?;
    let mut seat = Seat::new(order.workers);
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let answer = match session.round(&mut seat, line == "watched") {
            Ok(taken) => Answer::Taken(taken),
            Err(trouble) => trouble.into(),
        };
        say(&answer)?;
    }
    Ok(())
}

impl From<Trouble> for Answer {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Cannot(cannot) => Answer::Cannot { cannot },
            Trouble::Failed(failed) => Answer::Failed { failed },
        }
    }
}

fn say(answer: &Answer) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    let lost = |error: io::Error| Trouble::Failed(format!("nobody listens: {error}"));
    let text = serde_json::to_string(answer).map_err(|error| lost(error.into()))?;
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(lost)
}
