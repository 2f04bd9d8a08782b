//! What ideals are computed from: the plain loop, and the copying of bytes.

use crate::contender::{Contender, Trouble};
use crate::work::Work;

/// `iter().map().collect()`, as anyone would write it.
pub(super) struct Loop;

impl Contender for Loop {
    fn start(_: usize) -> Self {
        Loop
    }

    fn map<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
    ) -> Result<Vec<W::Output>, Trouble> {
        Ok(items.iter().map(|item| W::call(item, shared)).collect())
    }

    fn for_each<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
        mut sink: impl FnMut(W::Output),
    ) -> Result<(), Trouble> {
        items.iter().for_each(|item| sink(W::call(item, shared)));
        Ok(())
    }
}

/// Copies as many bytes as the outputs have, into memory that is as fresh as theirs. It maps nothing: workloads
/// whose ideal it is call for the copy themselves.
pub(super) struct Memcpy;

impl Contender for Memcpy {
    fn start(_: usize) -> Self {
        Memcpy
    }

    fn map<W: Work>(&mut self, _: &[W::Item], _: &[W::Shared]) -> Result<Vec<W::Output>, Trouble> {
        Err(Trouble::Cannot(
            "memcpy copies bytes and maps nothing".to_owned(),
        ))
    }
}
