//! A map over groups in another process: what is sent of it, and the task that is made of that there.
//!
//! ```text
//! sent once   the frame and the keys (encoded), the lists of rows (as pieces), the functions, the shared argument
//! ```

use super::{Alone, GroupTask, InContext, WithShared};
use crate::frame::Frame;
use crate::group::Group;
use crate::keys::Grouping;
use crate::output::Output;
use partools_core::wire::WireError;
use partools_core::{
    Attach, Cx, Layout, LendView, NoShared, PortableStart, PortableTask, Remote, Shared, SharedArg,
    ViewOf, With,
};
use std::marker::PhantomData;

/// A map over groups on the far side. A worker there has a decoded copy of the frame; the lists of rows it reads where
/// they are mapped.
#[derive(Debug)]
pub struct FarGroups<'m, S, K, G> {
    pub(super) frame: Frame,
    pub(super) groups: Grouping<'m>,
    pub(super) shared: S,
    pub(super) start: G,
    pub(super) call: K,
}

/// A shared argument on the far side: it lends what the near one does.
pub struct FarShared<'m, S: SharedArg>(S::Attached<'m>);

impl<'v, S: SharedArg> LendView<'v> for FarShared<'_, S> {
    type View = ViewOf<'v, S>;
}
impl<S: SharedArg> Shared for FarShared<'_, S> {
    fn view(&self) -> ViewOf<'_, S> {
        S::view_of(&self.0)
    }
}

impl<S: SharedArg> std::fmt::Debug for FarShared<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FarShared").finish_non_exhaustive()
    }
}

impl<'m, S: SharedArg> FarShared<'m, S> {
    pub(crate) fn attach(from: &mut Attach<'m>) -> Result<Self, WireError> {
        S::attach(from).map(FarShared)
    }
}

impl<S, K, G: PortableStart> GroupTask<'_, S, K, G> {
    /// Lays out what all such tasks have: the frame and its groups, and how a worker starts.
    pub(crate) fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.frame.lay(out)?;
        self.groups.keys.lay(out)?;
        out.value(&self.groups.rows.is_some())?;
        if let Some(rows) = &self.groups.rows {
            out.slice(rows);
        }
        out.slice(&self.groups.offsets);
        self.start.lay(out);
        Ok(())
    }
}

impl<'m, S, K, G: PortableStart> FarGroups<'m, S, K, G> {
    /// Finds it again, checked, and what `rest` finds behind it.
    pub(crate) fn attach(
        from: &mut Attach<'m>,
        rest: impl FnOnce(&mut Attach<'m>) -> Result<(K, S), WireError>,
    ) -> Result<Self, WireError> {
        let frame = Frame::attach(from)?;
        let keys = Frame::attach(from)?;
        let rows: Option<&'m [u32]> = match from.value()? {
            true => Some(from.slice()?),
            false => None,
        };
        let offsets: &'m [u32] = from.slice()?;
        let count = frame.num_rows();
        let end = rows.map_or(count, <[u32]>::len);
        let fits = offsets.len() == keys.num_rows() + 1
            && offsets.windows(2).all(|pair| pair[0] <= pair[1])
            && offsets.last().is_some_and(|&last| last as usize <= end)
            && rows.is_none_or(|rows| rows.iter().all(|&row| (row as usize) < count));
        if !fits {
            return Err(WireError::new("groups that are not those of the frame"));
        }
        let groups = Grouping {
            rows: rows.map(Into::into),
            offsets: offsets.into(),
            keys,
        };
        let start = G::attach(from)?;
        let (call, shared) = rest(from)?;
        Ok(FarGroups {
            frame,
            groups,
            shared,
            start,
            call,
        })
    }
}

impl<F, R, G> PortableTask for GroupTask<'_, NoShared, Alone<F, R>, G>
where
    F: Remote + for<'a, 'g> Fn(&'a Group<'g>) -> R,
    R: Output,
    G: PortableStart,
{
    type Far<'m> = FarGroups<'m, NoShared, Alone<F, R>, G>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.lay(out)?;
        out.function(&self.call.0);
        Ok(())
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        FarGroups::attach(from, |from| {
            Ok((Alone(from.function()?, PhantomData), NoShared))
        })
    }
}

impl<S, F, R, G> PortableTask for GroupTask<'_, With<S>, WithShared<F, R>, G>
where
    S: SharedArg,
    F: Remote + for<'a, 'g, 'v> Fn(&'a Group<'g>, ViewOf<'v, S>) -> R,
    R: Output,
    G: PortableStart,
{
    type Far<'m> = FarGroups<'m, With<FarShared<'m, S>>, WithShared<F, R>, G>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.lay(out)?;
        out.function(&self.call.0);
        self.shared.0.lay(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        FarGroups::attach(from, |from| {
            let call = WithShared(from.function()?, PhantomData);
            Ok((call, With(FarShared::attach(from)?)))
        })
    }
}

impl<S, F, R, G> PortableTask for GroupTask<'_, S, InContext<F, R>, G>
where
    S: SharedArg,
    F: Remote + for<'a, 'g, 'b, 'c> Fn(&'a Group<'g>, &'c mut Cx<'b, ViewOf<'b, S>, G::State>) -> R,
    R: Output,
    G: PortableStart,
{
    type Far<'m> = FarGroups<'m, FarShared<'m, S>, InContext<F, R>, G>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.lay(out)?;
        out.function(&self.call.0);
        self.shared.lay(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        FarGroups::attach(from, |from| {
            let call = InContext(from.function()?, PhantomData);
            Ok((call, FarShared::attach(from)?))
        })
    }
}
