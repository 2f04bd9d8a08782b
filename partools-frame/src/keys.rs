//! Grouping: from key columns to groups of rows. See [`codes`] for how keys become numbers, [`pack`] for how several
//! become one, [`dense`] for how those become group numbers, [`Grouping`] for what comes out, and [`parts`] for how several
//! threads do it; [`order`] for where almost every row is a group, and [`room`] for where large arrays lie.

mod codes;
mod dense;
mod grouping;
mod levels;
mod order;
mod pack;
mod parts;
mod room;
mod texts;

pub(crate) use codes::{Nan, Order, codes};
pub(crate) use dense::{Dense, small};
pub(crate) use grouping::{GroupOptions, Grouping, RowsOf};
pub(crate) use parts::group_on;
