//! An entry: the function that serves one type of task, as a value that does not name the type.

use super::error::{WireError, broken_by};
use super::parcel::Head;
use super::server::{Far, Server};
use crate::panics::{self, catch};
use crate::portable::Portable;
use crate::remote::PortableTask;
use crate::shared_arg::Attach;
use crate::task::Task;
use crate::worker::Worker;
use std::fmt;

/// Two numbers that nothing but an entry begins with: "partools", and a draw.
const MARK: [u64; 2] = [0x7061_7274_6f6f_6c73, 0x9d1c_5be2_0f3a_6674];

/// The mark is compared through this, so that it stands in no other place: a constant to compare with would lie in
/// read-only memory, too, with anything behind it.
const VEIL: u64 = 0x5a17_93c4_e86b_20df;

type Serve = fn(&[u8], &[&[u8]], usize, &mut dyn FnMut(&mut Server<'_>)) -> Result<(), WireError>;

/// Serves one type of task in any process that runs this executable.
///
/// An entry is a static of the program, made by the compiler for each type of task that is packed somewhere. Its
/// address, taken relative to the image, is the same in every process of the same executable.
///
/// ```
/// use partools_core::{over, wire::Entry};
/// let job = over(0..3).map(|i| i);
/// let entry = Entry::of(job.task());
/// assert!(entry.name().contains("Map")); // of its task's type
/// // SAFETY: the address of an entry.
/// let found = unsafe { Entry::at(entry.address()) };
/// assert_eq!(found.map(|entry| entry.name()), Some(entry.name()));
/// ```
#[derive(Clone, Copy)]
pub struct Entry(&'static Table);

/// The static. It begins with a mark by which a reader of raw memory knows one.
#[repr(C)]
pub(crate) struct Table {
    mark: [u64; 2],
    serve: Serve,
    name: fn() -> &'static str,
}

/// The compiler makes one `Table` for each task type.
struct Of<T>(std::marker::PhantomData<T>);

impl<T: PortableTask<Output: Portable>> Of<T> {
    const TABLE: Table = Table {
        mark: MARK,
        serve: serve::<T>,
        name: std::any::type_name::<T>,
    };
}

impl Entry {
    /// The entry for the type of `task`.
    #[must_use]
    pub fn of<T: PortableTask<Output: Portable>>(_: &T) -> Self {
        Entry(&Of::<T>::TABLE)
    }

    /// The name of the task's type, for messages and checks. Not unique.
    #[must_use]
    pub fn name(&self) -> &'static str {
        (self.0.name)()
    }

    /// Where the static lies. What to send is its offset in the image, not this: addresses differ between processes.
    #[must_use]
    pub fn address(&self) -> *const () {
        std::ptr::from_ref(self.0).cast()
    }

    /// How many bytes there must be at an address for [`at`](Self::at).
    pub const BYTES: usize = size_of::<Table>();
    /// What an address must be aligned to for [`at`](Self::at).
    pub const ALIGN: usize = align_of::<Table>();

    /// The entry at `address`, if there is one. `partools-os` has a safe way: `Image`, which knows what may be read.
    ///
    /// # Safety
    /// `address` is aligned to [`ALIGN`](Self::ALIGN), and from there [`BYTES`](Self::BYTES) can be read and are never
    /// written to: they lie in a read-only part of this executable's image.
    #[must_use]
    pub unsafe fn at(address: *const ()) -> Option<Self> {
        let mark = address.cast::<[u64; 2]>();
        // SAFETY: readable, aligned and never written, as the caller promises; any bytes are numbers.
        let found = unsafe { mark.read() };
        let veil = std::hint::black_box(VEIL);
        if found.map(|word| word ^ veil) != [MARK[0] ^ VEIL, MARK[1] ^ VEIL] {
            return None;
        }
        let table = address.cast::<Table>();
        // SAFETY: as above; and what begins with the mark in a read-only part of the image is a `Table`: nothing else
        // there has it, since only `Of::TABLE` is made with it, and the two functions are then those of that static.
        Some(Entry(unsafe { &*table }))
    }

    /// Serves as worker number `worker`: attaches what [`Parcel`](super::Parcel) packed, and calls `body` with a server that
    /// answers requests. When `body` returns, the worker's state is dropped.
    ///
    /// `segments` are those that the parcel's places name, number 0 first. They begin at a multiple of
    /// [`SegmentBuffer::ALIGN`](super::SegmentBuffer::ALIGN), as mapped memory does; where one does not, pieces whose elements
    /// are therefore not aligned are refused.
    ///
    /// # Errors
    /// Where head or segments are not what a parcel of this task is, or the state's `Drop` panics.
    pub fn serve(
        &self,
        head: &[u8],
        segments: &[&[u8]],
        worker: usize,
        body: &mut dyn FnMut(&mut Server<'_>),
    ) -> Result<(), WireError> {
        (self.0.serve)(head, segments, worker, body)
    }
}

fn serve<T: PortableTask<Output: Portable>>(
    head: &[u8],
    segments: &[&[u8]],
    worker: usize,
    body: &mut dyn FnMut(&mut Server<'_>),
) -> Result<(), WireError> {
    // A worker process runs no map of its own, which would have chained it.
    panics::chain_hook();
    let head = Head::read(head, std::any::type_name::<T>())?;
    let (plan, has_order) = (head.orders.plan(), head.orders.has_order);
    let mut attach = Attach::new(segments, head);
    // The user's own `Deserialize`, `count` and `Drop` may panic.
    let unpacked = catch(|| {
        let task = T::unpack(&mut attach)?;
        attach.finish()?;
        let count = task.count();
        Ok::<_, WireError>((task, count))
    });
    let (task, count) =
        unpacked.map_err(|panic| broken_by("rebuilding it elsewhere", &panic))??;
    let far = Far::<T>::new(Worker::new(task, worker, &plan), count, plan.observed);
    let mut far = far.told_places(has_order);
    body(&mut Server::new(&mut far));
    Ok(far.finish()?)
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn an_entry_is_found_at_its_address_and_nowhere_else() {
        let job = over(0..3).map(|i| i);
        let entry = Entry::of(job.task());
        // SAFETY: the address of a static `Table`.
        let found = unsafe { Entry::at(entry.address()) };
        assert_eq!(found.map(|e| e.name()), Some(entry.name()));
        static NONE: [u64; Entry::BYTES / 8] = [0; Entry::BYTES / 8];
        // SAFETY: a static of as many bytes, aligned for numbers.
        assert!(unsafe { Entry::at((&raw const NONE).cast()) }.is_none());
    }
}
