//! What makes a task portable: everything of it can be rebuilt in another process that runs the same
//! executable.
//!
//! ```text
//! near (where the map was called)                  far (where its items run)
//! task  ── pack: values, pieces of memory ──────>  unpack: Far task, borrows what was attached
//! item  ── pack_item, chunk by chunk ───────────>  take_item
//! closure, state constructor ── nothing at all ─>  conjured: they capture nothing, so the type is all
//! ```
//!
//! Nothing here knows how bytes travel; that is [`wire`](crate::wire)'s and the executor's.

mod conjure;
mod dealt;
mod items;
mod map;
mod start;
mod task;

pub use conjure::Remote;
pub(crate) use conjure::{conjure, identity};
pub use dealt::Dealt;
pub use items::{FarItems, FarPieces, FarRange, PortableItems};
pub use start::PortableStart;
pub use task::PortableTask;
