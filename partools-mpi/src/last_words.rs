//! What rank 0 says when it is told to end with a map under way. That is how a job ends one of whose ranks died: Open MPI tells
//! the others a second later (SIGTERM), and another one later ends them. `mpirun` says which rank died; this says what it was at.

use std::io::Write;
use std::time::Instant;

/// So many ranks are named at most, those that have been silent for longest.
const MOST: usize = 16;

/// A worker with something to answer.
pub(crate) struct Silent<'p> {
    pub(crate) place: &'p str,
    pub(crate) since: Instant,
    /// The first item that it has not answered.
    pub(crate) item: usize,
    /// How many those are.
    pub(crate) items: usize,
}

/// Says it, on standard error. Where nobody listens, nothing can be done about it.
pub(crate) fn say(silent: Vec<Silent<'_>>) {
    let _ = std::io::stderr().write_all(text(silent, Instant::now()).as_bytes());
}

fn text(mut silent: Vec<Silent<'_>>, now: Instant) -> String {
    let count = silent.len();
    silent.sort_by_key(|one| one.since);
    let mut text = String::from(
        "partools-mpi: the job is being ended (SIGTERM) with a map under way. What ranks have not answered, and for how long:\n",
    );
    for Silent {
        place,
        since,
        item,
        items,
    } in silent.into_iter().take(MOST)
    {
        let seconds = now.saturating_duration_since(since).as_secs_f64();
        text += &match items {
            1 => format!("  {place}: item {item}, for {seconds:.1} s\n"),
            n => format!(
                "  {place}: item {item} and {} behind it, for {seconds:.1} s\n",
                n - 1
            ),
        };
    }
    if count > MOST {
        text += &format!("  and {} ranks more\n", count - MOST);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn who_has_been_silent_for_longest_comes_first() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let silent = |place, since, item, items| Silent {
            place,
            since,
            item,
            items,
        };
        let both = vec![
            silent("rank 1 on a", at(9), 7, 1),
            silent("rank 2 on b", at(3), 30, 4),
        ];
        let text = text(both, at(10));
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "  rank 2 on b: item 30 and 3 behind it, for 7.0 s",
                "  rank 1 on a: item 7, for 1.0 s"
            ]
        );
    }

    #[test]
    fn sixteen_are_named() {
        let now = Instant::now();
        let silent = (0..20).map(|item| Silent {
            place: "rank",
            since: now,
            item,
            items: 1,
        });
        let text = text(silent.collect(), now);
        assert_eq!(text.lines().count(), 18);
        assert!(text.ends_with("  and 4 ranks more\n"));
    }
}
