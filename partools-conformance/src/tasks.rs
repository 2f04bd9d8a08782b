//! The tasks of the suite: structs of plain data (`Send`, `Sync`, `Clone`, no borrowed captures), so that
//! threads, forked children and worker processes can all take them.

mod drawn;
mod fallible;
mod nest;
mod probe;
mod products;
mod script;
mod stateful;
mod waves;

pub use drawn::Drawn;
pub use fallible::{Fallible, Refusal, Worded};
pub use nest::Nest;
pub(crate) use nest::{Answer, INNER};
pub use probe::Probe;
pub(crate) use products::mix;
pub use products::{Aligned, Bulk, Counted, Explosive, Nested, NoSpace, Product};
pub use script::{Act, Script};
pub use stateful::{Stateful, Tally, Trouble};
pub use waves::{Sum, Waves};

/// Tasks that serde can carry whole.
macro_rules! portable {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> partools_core::PortableTask for $type {
            type Far<'m> = Self;
            fn pack<'m>(
                &'m self,
                out: &mut partools_core::Layout<'m>,
            ) -> Result<(), partools_core::wire::WireError> {
                out.value(self)
            }
            fn unpack<'m>(
                from: &mut partools_core::Attach<'m>,
            ) -> Result<Self, partools_core::wire::WireError> {
                from.value()
            }
        }
    )*};
}
pub(crate) use portable;

portable!([] Drawn, [] Fallible, [] Worded, [O: Product] Probe<O>, [] Script, [] Stateful, [] Waves);
