//! The wire seam, looked at from both sides: what user code may do there, what damage does, and what comes round.

mod bench;
mod crossing;
mod damage;
mod faults;
mod lent;
mod segments;
