//! The tasks of the suite: structs of plain data (`Send`, `Sync`, `Clone`, no borrowed captures), so that
//! threads, forked children and worker processes can all take them.

mod drawn;
mod fallible;
mod nest;
mod probe;
mod products;
mod script;
mod stateful;

pub use drawn::Drawn;
pub use fallible::{Fallible, Refusal, Worded};
pub use nest::Nest;
pub use probe::Probe;
pub use products::{Aligned, Bulk, Counted, Explosive, Nested, NoSpace, Product};
pub use script::{Act, Script};
pub use stateful::{Stateful, Tally, Trouble};
