//! Least trimmed squares (P. J. Rousseeuw, "Least median of squares regression", 1984), by the concentration steps of
//! FAST-LTS (Rousseeuw and Van Driessen, 2006): from many lines through two random flights, each is fitted again to the half
//! of the flights that are nearest to it, twice; the best ten until nothing changes.

use partools::AnyExecutor;
use partools_frame::{Frame, FrameError, GroupError, Record};
use rand::{Rng, RngExt};

/// A line `arr_delay = intercept + slope * dep_delay`, in minutes.
#[derive(Debug, Clone, Copy)]
struct Line {
    intercept: f64,
    slope: f64,
}

/// What is found of a route.
#[derive(Record)]
struct Fit {
    flights: u64,
    slope: f64,
    intercept: f64,
    /// The root of the mean square of the kept half's residuals, in minutes.
    spread: f64,
}

/// So many lines are fitted to the end.
const BEST: usize = 10;
/// Fewer flights than this make no line.
const FEW: usize = 10;

/// A row for each route with flights enough, from `starts` random lines each.
pub(crate) fn fits(flights: &Frame, starts: usize, on: &AnyExecutor) -> Result<Frame, FrameError> {
    let routes = flights.group_by(["origin", "dest"]).seed(2013);
    let job = routes.apply_cx(|route, cx| -> Result<Option<Fit>, GroupError> {
        let departures = route.optional::<f64>("dep_delay")?;
        let arrivals = route.optional::<f64>("arr_delay")?;
        let known = departures.iter().zip(arrivals);
        let points: Vec<(f64, f64)> = known.filter_map(|(x, y)| x.zip(*y)).collect();
        if points.len() < FEW {
            return Ok(None);
        }
        let (line, squares) = trimmed(&points, starts, &mut cx.rng());
        Ok(Some(Fit {
            flights: points.len() as u64,
            slope: line.slope,
            intercept: line.intercept,
            spread: (squares / kept(&points) as f64).sqrt(),
        }))
    });
    job.run(on)
}

fn kept(points: &[(f64, f64)]) -> usize {
    points.len() / 2 + 1
}

/// The best line, and the sum of the squares that it keeps.
fn trimmed(points: &[(f64, f64)], starts: usize, rng: &mut impl Rng) -> (Line, f64) {
    let mut squares = Vec::with_capacity(points.len());
    let mut lines: Vec<(Line, f64)> = (0..starts.max(1))
        .map(|_| {
            let mut found = (through_two(points, rng), f64::INFINITY);
            for _ in 0..2 {
                found = concentrate(points, found.0, &mut squares);
            }
            found
        })
        .collect();
    lines.sort_by(|a, b| a.1.total_cmp(&b.1));
    lines.truncate(BEST);
    for found in &mut lines {
        loop {
            let next = concentrate(points, found.0, &mut squares);
            if next.1 >= found.1 {
                break;
            }
            *found = next;
        }
    }
    let best = lines.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
    best.expect("a line at least")
}

/// A line through two flights that left differently late; a level one, where luck finds none.
fn through_two(points: &[(f64, f64)], rng: &mut impl Rng) -> Line {
    let mut draw = || points[rng.random_range(0..points.len())];
    for _ in 0..20 {
        let ((x, y), (u, v)) = (draw(), draw());
        if x != u {
            let slope = (v - y) / (u - x);
            return Line {
                intercept: y - slope * x,
                slope,
            };
        }
    }
    let (_, level) = draw();
    Line {
        intercept: level,
        slope: 0.0,
    }
}

/// The half of the flights that are nearest to `line`, a line by least squares through those, and what they lie off `line`.
fn concentrate(points: &[(f64, f64)], line: Line, squares: &mut Vec<(f64, usize)>) -> (Line, f64) {
    squares.clear();
    let off =
        |(at, (x, y)): (usize, &(f64, f64))| ((y - line.intercept - line.slope * x).powi(2), at);
    squares.extend(points.iter().enumerate().map(off));
    let half = kept(points);
    // By the number of the flight where they are equally far, so that it is the same half everywhere.
    squares.select_nth_unstable_by(half - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let near = &mut squares[..half];
    near.sort_unstable_by_key(|&(_, at)| at);
    let n = half as f64;
    let (mut x, mut y, mut xx, mut xy, mut sum) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &(square, at) in near.iter() {
        let (a, b) = points[at];
        x += a;
        y += b;
        xx += a * a;
        xy += a * b;
        sum += square;
    }
    let spread = n * xx - x * x;
    let slope = if spread > 0.0 {
        (n * xy - x * y) / spread
    } else {
        0.0
    };
    let fitted = Line {
        intercept: (y - slope * x) / n,
        slope,
    };
    (fitted, sum)
}
