//! What the benches of partools run: workloads that their contenders share, and the means to time them
//! alike.
//!
//! ```text
//! cargo bench -p partools-bench --bench map_overhead     what a map costs beside a plain loop and rayon
//! cargo bench -p partools-bench --bench balance          how evenly uneven items are spread
//! ```
//!
//! Every contender of a bench is checked once to give the same output before any is timed. Figures are
//! ratios within one run: machines differ and are shared, so a time says little without the plain loop's
//! beside it, taken in the same moment.

mod inner_loop;
mod turns;
mod workload;

pub use inner_loop::FirstToLast;
pub use turns::{Contender, Outcome, take_turns};
pub use workload::{cheap, cheap_items, plain_loop, spin, uneven};
