//! The maps of [`over`](crate::over) as portable tasks, one `impl` a call form.

use super::conjure::Remote;
use super::dealt::Dealt;
use super::items::{FarItems, PortableItems};
use super::start::PortableStart;
use super::task::PortableTask;
use crate::items::ItemOf;
use crate::map::{Cx, Full, Map, One, Two};
use crate::portable::CodecError;
use crate::shared::{NoShared, ViewOf, With};
use crate::shared_arg::{Attach, Attached, Layout, SharedArg};
use crate::task::Task;
use crate::wire::{FrameReader, FrameWriter, WireError};
use std::marker::PhantomData;
use std::ops::Range;

macro_rules! portable {
    ([$($generics:tt)*] $kind:ident, $near:ty => $far:ty, |$shared:ident| $attached:expr, where [$($bound:tt)*]) => {
        impl<$($generics)* X, G, F, O> PortableTask for Map<X, $near, G, $kind<F, O>>
        where
            Self: Task<Output = O>,
            X: PortableItems,
            G: PortableStart,
            F: Remote,
            $($bound)*
        {
            type Far<'m> = Map<Dealt<X::Far>, $far, G, $kind<F, O>>;
            const DEALT: bool = X::Far::SENT;

            fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
                out.value(&(Task::count(self), self.items.head()))?;
                self.start.lay(out);
                out.function(&self.kind.0);
                SharedArg::lay(&self.shared, out)
            }
            fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
                let (count, head) = from.value()?;
                let start = G::attach(from)?;
                let f = from.function()?;
                let $shared = <$near as SharedArg>::attach(from)?;
                Ok(Map {
                    items: Dealt::new(head, count),
                    shared: $attached,
                    start,
                    kind: $kind(f, PhantomData),
                })
            }
            fn items_are_plain() -> bool {
                X::Far::are_plain()
            }
            fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
                self.items.pack_item(index, out)
            }
            fn deal(far: &mut Self::Far<'_>, range: Range<usize>) {
                far.items.deal(range);
            }
            fn take_item(far: &mut Self::Far<'_>, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
                far.items.take_item(from)
            }
        }
    };
}

portable!([] One, NoShared => NoShared, |_nothing| NoShared,
    where [F: for<'a> Fn(ItemOf<'a, X::Far>) -> O]);

portable!([S: SharedArg,] Two, With<S> => With<Attached<'m, S>>, |shared| With(Attached::new(shared)),
    where [F: for<'a, 'b> Fn(ItemOf<'a, X::Far>, ViewOf<'b, S>) -> O]);

portable!([S: SharedArg,] Full, S => Attached<'m, S>, |shared| Attached::new(shared),
    where [F: for<'a, 'b, 'c> Fn(ItemOf<'a, X::Far>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> O]);
