//! All aggregates of a group in one call: the ready-made ones, and those of the user behind them.

use super::Agg;
use super::answer::{self, Answer, answer};
use crate::error::FrameError;
use crate::frame::Frame;
use crate::group::Group;
use crate::group_error::GroupError;
use crate::series::Mapped;
use crate::task::{CallGroup, FarGroups, GroupTask};
use arrow_array::ArrayRef;
use partools_core::wire::WireError;
use partools_core::{Attach, Layout, NoShared, PortableStart, PortableTask, Remote, Span};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// Columns under their names.
type Named = Vec<(String, ArrayRef)>;

/// What aggregates say of a group, and the columns that this makes.
pub trait Summary {
    /// What travels from the worker.
    type Part;

    /// Refuses columns that are not there, or that an aggregate has no meaning for.
    ///
    /// # Errors
    /// Which, and why.
    #[doc(hidden)]
    fn check(&self, frame: &Frame) -> Result<(), FrameError>;

    /// What they say of one group.
    ///
    /// # Errors
    /// The group's failure.
    #[doc(hidden)]
    fn of(&self, group: &Group<'_>) -> Result<Self::Part, GroupError>;

    /// Adds the columns of all groups.
    ///
    /// # Errors
    /// Where Arrow cannot make one.
    #[doc(hidden)]
    fn columns(
        &self,
        frame: &Frame,
        parts: Vec<Self::Part>,
        to: &mut Named,
    ) -> Result<(), FrameError>;
}

/// A [`Summary`] that can be called in another process.
pub trait PortableSummary: Summary + Sized {
    /// Notes what it is.
    ///
    /// # Errors
    /// Where it cannot be sent.
    #[doc(hidden)]
    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError>;

    /// The same, made anew.
    ///
    /// # Errors
    /// Where another one was laid.
    #[doc(hidden)]
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError>;
}

/// The ready-made aggregates of [`GroupBy::agg`](crate::GroupBy::agg).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Aggregates(pub(super) Vec<Agg>);

impl Summary for Aggregates {
    type Part = Vec<Option<Answer>>;

    fn check(&self, frame: &Frame) -> Result<(), FrameError> {
        self.0
            .iter()
            .try_for_each(|agg| answer::check(agg.kind, &agg.column, frame.column(&agg.column)?))
    }

    fn of(&self, group: &Group<'_>) -> Result<Self::Part, GroupError> {
        let answers = self.0.iter();
        answers
            .map(|agg| answer(agg.kind, &agg.column, group))
            .collect()
    }

    fn columns(
        &self,
        frame: &Frame,
        parts: Vec<Self::Part>,
        to: &mut Named,
    ) -> Result<(), FrameError> {
        for (at, agg) in self.0.iter().enumerate() {
            let column = frame.column(&agg.column)?;
            let answers = parts.iter().map(|part| part.get(at).cloned().flatten());
            to.push((
                agg.result_name(),
                answer::column(agg.kind, column, answers)?,
            ));
        }
        Ok(())
    }
}

impl PortableSummary for Aggregates {
    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError> {
        out.value(self)
    }
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError> {
        from.value()
    }
}

/// Aggregates, and one of the user's behind them. Made by [`Aggregate::and`](super::Aggregate::and).
#[derive(Debug, Clone)]
pub struct And<K, F, R> {
    others: K,
    /// The name of its column; far from here nobody asks.
    name: String,
    f: F,
    returned: PhantomData<fn() -> R>,
}

impl<K, F, R> And<K, F, R> {
    pub(super) fn new(others: K, name: String, f: F) -> Self {
        And {
            others,
            name,
            f,
            returned: PhantomData,
        }
    }
}

impl<K: Summary, F, R: Mapped> Summary for And<K, F, R>
where
    F: for<'a, 'g> Fn(&'a Group<'g>) -> R,
{
    type Part = (K::Part, Option<R::Part>);

    fn check(&self, frame: &Frame) -> Result<(), FrameError> {
        self.others.check(frame)
    }

    fn of(&self, group: &Group<'_>) -> Result<Self::Part, GroupError> {
        Ok((self.others.of(group)?, (self.f)(group).into_part()?))
    }

    fn columns(
        &self,
        frame: &Frame,
        parts: Vec<Self::Part>,
        to: &mut Named,
    ) -> Result<(), FrameError> {
        let (others, own) = parts.into_iter().unzip();
        self.others.columns(frame, others, to)?;
        to.push((self.name.clone(), R::column(own)));
        Ok(())
    }
}

impl<K: PortableSummary, F, R: Mapped> PortableSummary for And<K, F, R>
where
    F: Remote + for<'a, 'g> Fn(&'a Group<'g>) -> R,
{
    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError> {
        self.others.lay(out)?;
        out.function(&self.f);
        Ok(())
    }
    fn attach(from: &mut Attach<'_>) -> Result<Self, WireError> {
        Ok(And::new(K::attach(from)?, String::new(), from.function()?))
    }
}

impl<A: Summary, W> CallGroup<NoShared, W> for A {
    type Part = A::Part;

    fn call(
        &self,
        group: &Group<'_>,
        _: &NoShared,
        _: &mut W,
        _: &Span,
    ) -> Result<Option<A::Part>, GroupError> {
        self.of(group).map(Some)
    }
}

impl<A: PortableSummary, G: PortableStart> PortableTask for GroupTask<'_, NoShared, A, G> {
    type Far<'m> = FarGroups<'m, NoShared, A, G>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.lay(out)?;
        self.call.lay(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        FarGroups::attach(from, |from| Ok((A::attach(from)?, NoShared)))
    }
}
