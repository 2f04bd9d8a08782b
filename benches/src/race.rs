//! One workload, all contenders: rounds in which they take turns, so that a busy neighbour hits them alike.
//!
//! All are started, each makes its inputs and is stopped; then comes a watched round each, then the rounds that count,
//! begun by another contender each time. Where their inputs would not fit into memory side by side, or a round has to be
//! a process's first, each is started anew for every turn.

use crate::catalogue::Workload;
use crate::contender::{Entry, Launch, Trouble};
use crate::neighbours::Neighbours;
use crate::processes::available_memory;
use crate::record::{Findings, Status};
use crate::rival::Rival;
use crate::serve::{Answer, Order};
use crate::session::Taken;
use std::io;
use std::time::Duration;

/// How contenders are compared.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) workers: usize,
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// For how long a round goes on where one map is shorter.
    pub(crate) target: Duration,
    /// The longest that a round, or the making of inputs, may take.
    pub(crate) limit: Duration,
    /// After so much time in rounds that count, a contender has been seen enough: its next rounds are left out, and its
    /// record says how many there were.
    pub(crate) patience: Duration,
}

/// The rounds of `workload` by `entries`; findings in their order.
pub(crate) fn run(
    workload: &Workload,
    entries: &[&Entry],
    rules: &Rules,
) -> io::Result<Vec<Findings>> {
    let neighbours = if workload.busy {
        Some(Neighbours::start()?)
    } else {
        None
    };
    let together = workload.bytes.saturating_mul(entries.len() as u64);
    let fits = available_memory().is_none_or(|available| together < available / 2);
    let mut racers: Vec<Racer<'_>> = entries
        .iter()
        .map(|entry| Racer::new(entry, workload, rules))
        .collect();
    let each_anew = workload.fresh || !fits;
    if !each_anew {
        racers.iter_mut().for_each(Racer::watched);
    }
    for round in 0..rules.rounds {
        for turn in 0..racers.len() {
            let racer = &mut racers[(round + turn) % entries.len()];
            if each_anew && round == 0 {
                racer.watched();
            }
            racer.round();
            if each_anew {
                racer.rival = None;
            }
        }
    }
    drop(neighbours);
    // All at once, since each is waited for then.
    let rivals = racers.iter_mut().filter_map(|racer| racer.rival.as_mut());
    rivals.for_each(Rival::dismiss);
    Ok(racers.into_iter().map(Racer::end).collect())
}

struct Racer<'w> {
    entry: &'w Entry,
    order: Order,
    limit: Duration,
    patience: Duration,
    fresh: bool,
    rival: Option<Rival>,
    findings: Findings,
}

impl<'w> Racer<'w> {
    fn new(entry: &'w Entry, workload: &'w Workload, rules: &Rules) -> Self {
        let trouble = match &entry.launch {
            Launch::Missing(why) => Some((Status::Missing, why.clone())),
            Launch::Again(_) | Launch::Command(_) => None,
        };
        Racer {
            entry,
            order: Order {
                who: entry.name.clone(),
                workers: rules.workers,
                shape: workload.shape.clone(),
                target_s: rules.target.as_secs_f64(),
            },
            limit: rules.limit,
            patience: rules.patience,
            fresh: workload.fresh,
            rival: None,
            findings: Findings {
                rounds: Vec::new(),
                added: None,
                digests: Vec::new(),
                trouble,
            },
        }
    }

    /// The first round: for memory, for the digest, and to get warm. Rounds that have to be a process's first have none.
    fn watched(&mut self) {
        if self.fresh {
            return;
        }
        let limit = self.limit;
        let answer = self.rival().and_then(|rival| rival.watched_round(limit));
        if let Some((answer, added)) = self.keep(answer) {
            self.findings.added = added;
            self.take(answer, false);
        }
    }

    /// A round that counts. What has just been started first does one that does not, to get warm.
    fn round(&mut self) {
        let took =
            |taken: &Taken| Duration::from_secs_f64(taken.seconds * f64::from(taken.repeats));
        if self.findings.rounds.iter().map(took).sum::<Duration>() > self.patience {
            return;
        }
        let cold = self.rival.is_none() && !self.fresh;
        for counts in [false, true].into_iter().skip(usize::from(!cold)) {
            let limit = self.limit;
            let answer = self.rival().and_then(|rival| rival.round(limit));
            if let Some(answer) = self.keep(answer) {
                self.take(answer, counts);
            }
        }
    }

    /// Its process, started if there is none.
    fn rival(&mut self) -> io::Result<&mut Rival> {
        if self.findings.trouble.is_some() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let rival = match self.rival.take() {
            Some(rival) => rival,
            None => {
                let (rival, answer) = Rival::start(self.entry, &self.order, self.limit)?;
                self.take(answer, false);
                rival
            }
        };
        Ok(self.rival.insert(rival))
    }

    /// What was answered, or else the trouble; where there was trouble before, that stays.
    fn keep<A>(&mut self, answer: io::Result<A>) -> Option<A> {
        if self.findings.trouble.is_some() {
            self.rival = None;
            return None;
        }
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.findings.trouble = Some((Status::Failed, error.to_string()));
                self.rival = None;
                None
            }
        }
    }

    fn take(&mut self, answer: Answer, counts: bool) {
        let trouble = match answer {
            Answer::Ready { .. } => return,
            Answer::Taken(taken) => {
                self.findings.digests.extend(taken.digest);
                if counts {
                    self.findings.rounds.push(taken);
                }
                return;
            }
            Answer::Cannot { cannot } => Trouble::Cannot(cannot),
            Answer::Failed { failed } => Trouble::Failed(failed),
        };
        self.rival = None;
        self.findings.trouble = Some(match trouble {
            Trouble::Cannot(why) => (Status::Cannot, why),
            Trouble::Failed(why) => (Status::Failed, why),
        });
    }

    fn end(mut self) -> Findings {
        let digests = &self.findings.digests;
        if self.findings.trouble.is_none() && digests.iter().any(|digest| *digest != digests[0]) {
            let why = format!("its outputs differ from round to round: digests {digests:?}");
            self.findings.trouble = Some((Status::Wrong, why));
        }
        self.findings
    }
}
