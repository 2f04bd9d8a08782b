//! All aggregates of a group in one call.

use super::Agg;
use super::answer::{Answer, answer};
use crate::group::Group;
use crate::group_error::GroupError;
use crate::task::{CallGroup, FarGroups, GroupTask};
use partools_core::wire::WireError;
use partools_core::{Attach, Layout, NoShared, PortableTask};
use serde::{Deserialize, Serialize};

/// What [`GroupBy::agg`](crate::GroupBy::agg) calls for each group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Aggregates(pub(super) Vec<Agg>);

impl CallGroup<NoShared> for Aggregates {
    type Part = Vec<Option<Answer>>;

    fn call(&self, group: &Group<'_>, _: &NoShared) -> Result<Option<Self::Part>, GroupError> {
        let answers = self
            .0
            .iter()
            .map(|agg| answer(agg.kind, &agg.column, group));
        answers.collect::<Result<_, _>>().map(Some)
    }
}

impl PortableTask for GroupTask<'_, NoShared, Aggregates> {
    type Far<'m> = FarGroups<'m, NoShared, Aggregates>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.lay(out)?;
        out.value(self.call)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        FarGroups::attach(from, |from| Ok((from.value()?, NoShared)))
    }
}
