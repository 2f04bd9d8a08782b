//! A task of one's own says how it is rebuilt.
//! refused: `Powers` cannot be rebuilt in another process
//! refused: implement `PortableTask`

use partools_core::{Job, Loopback, Span, StartError, Task, Writer};

#[derive(serde::Serialize, serde::Deserialize)]
struct Powers {
    base: u64,
    count: usize,
}

impl Task for Powers {
    type State = ();
    type Output = u64;
    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, (): &mut (), span: &Span, out: &mut Writer<'_, u64>) {
        for index in span.range() {
            out.push(self.base.pow(index as u32));
        }
    }
}

#[cfg(not(refused))]
impl partools_core::PortableTask for Powers {
    type Far<'m> = Powers;
    fn pack<'m>(
        &'m self,
        out: &mut partools_core::Layout<'m>,
    ) -> Result<(), partools_core::wire::WireError> {
        out.value(self)
    }
    fn unpack<'m>(
        from: &mut partools_core::Attach<'m>,
    ) -> Result<Powers, partools_core::wire::WireError> {
        from.value()
    }
}

pub fn main() {
    let powers = Powers { base: 3, count: 4 };
    assert_eq!(Job::new(powers).run(&Loopback).unwrap(), [1, 3, 9, 27]);
}
