//! The shared argument, once for each host.
//!
//! ```text
//! rank 0: sealed memory file ==broadcast between hosts==> one rank of each host: a memory file, sealed
//!         the other ranks of a host open it through /proc/PID/fd/N and map it: the same pages
//! ```
//!
//! Nothing has a name in the file system, so nothing can be left there; the pages go with the last process that maps them.

use crate::freight::Part;
use mpi::collective::SystemOperation;
use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use partools_core::Error;
use partools_os::{Attached, SharedVec};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Counts of MPI are C's `int`; smaller pieces let the network and the copying overlap.
const PIECE: usize = 64 << 20;

/// The ranks by host.
pub(crate) struct Hosts {
    /// The ranks of this host. The first is its leader; on rank 0's host that is rank 0.
    host: SimpleCommunicator,
    /// The leaders of all hosts, on each of them; rank 0 is the first.
    leaders: Option<SimpleCommunicator>,
}

impl Hosts {
    /// To be called on all ranks. Where the ranks of a host cannot see each other's memory (they are in containers of their
    /// own, say), each of them is a host to us, and has a copy.
    pub(crate) fn find(world: &SimpleCommunicator) -> Self {
        let mut host = world.split_shared(world.rank());
        if !can_share(&host) {
            let alone = host.split_by_color(Color::with_value(host.rank()));
            host = alone.unwrap_or(host);
        }
        let color = match host.rank() {
            0 => Color::with_value(0),
            _ => Color::undefined(),
        };
        let leaders = world.split_by_color_with_key(color, world.rank());
        Hosts { host, leaders }
    }

    /// Hands the segment out: on rank 0. To be called on all ranks at once, [`receive`](Self::receive) on the others.
    pub(crate) fn hand_out(&self, part: &Part) {
        let Some(leaders) = &self.leaders else { return };
        // Alone, it would only be copied.
        if leaders.size() > 1 && all_have(leaders, true) {
            // It is sent from here; what MPI takes is a buffer that others write to.
            let mut buffer = Vec::new();
            for piece in part.memory.chunks(PIECE) {
                buffer.clear();
                buffer.extend_from_slice(piece);
                leaders.process_at_rank(0).broadcast_into(&mut buffer[..]);
            }
        }
        show(&self.host, Some((part.memory.as_fd(), part.offset)));
    }

    /// Takes a segment of so many bytes.
    pub(crate) fn receive(&self, len: usize) -> Result<Segment, Error> {
        let memory = |why| Error::os("memory for the shared argument", why);
        let Some(leaders) = &self.leaders else {
            let attached = attach(&self.host, len);
            all_have(&self.host, attached.is_ok());
            return attached.map(Segment::Leaders);
        };
        let mut made = SharedVec::<u8>::zeroed(len);
        if !all_have(leaders, made.is_ok()) {
            show(&self.host, None);
            let other = io::Error::other("another host has none");
            return Err(memory(made.err().unwrap_or(other)));
        }
        if let Ok(room) = &mut made {
            for piece in room.chunks_mut(PIECE) {
                leaders.process_at_rank(0).broadcast_into(piece);
            }
        }
        let segment = made.and_then(|room| room.freeze());
        show(
            &self.host,
            segment.as_ref().ok().map(|made| (made.as_fd(), 0)),
        );
        Ok(Segment::Own(segment.map_err(memory)?))
    }
}

/// Tries it with one byte.
fn can_share(host: &SimpleCommunicator) -> bool {
    match host.rank() {
        0 => {
            let byte = SharedVec::from_slice(&[7_u8]);
            show(host, byte.as_ref().ok().map(|byte| (byte.as_fd(), 0)))
        }
        _ => {
            let byte = attach(host, 1);
            all_have(host, byte.is_ok_and(|byte| *byte == [7]))
        }
    }
}

/// Is it so on all of these ranks?
fn all_have(ranks: &SimpleCommunicator, here: bool) -> bool {
    let mut everywhere = 0_i32;
    ranks.all_reduce_into(&i32::from(here), &mut everywhere, SystemOperation::min());
    everywhere == 1
}

/// On a leader: says where the segment is, a file and where in it, and waits until all ranks of the host have it, or one could not
/// get it. Then it is false.
fn show(host: &SimpleCommunicator, segment: Option<(BorrowedFd<'_>, u64)>) -> bool {
    let (file, offset) = segment.map_or((-1, 0), |(file, offset)| (file.as_raw_fd(), offset));
    let mut place = [
        u64::from(std::process::id()),
        i64::from(file).cast_unsigned(),
        offset,
    ];
    host.process_at_rank(0).broadcast_into(&mut place[..]);
    all_have(host, segment.is_some())
}

/// On the other ranks of a host: maps the leader's. To be followed by [`all_have`].
fn attach(host: &SimpleCommunicator, len: usize) -> Result<Attached, Error> {
    let mut place = [0_u64; 3];
    host.process_at_rank(0).broadcast_into(&mut place[..]);
    let [leader, file, offset] = place;
    let attached = match file.cast_signed() {
        ..0 => Err(io::Error::other("it could not get the memory")),
        _ => File::open(format!("/proc/{leader}/fd/{file}"))
            .and_then(|file| Attached::sealed(file.into(), offset, len)),
    };
    attached.map_err(|why| {
        let what = format!("the shared argument, which process {leader} of this host holds");
        Error::os(what, why)
    })
}

/// The shared argument, as a rank holds it.
pub(crate) enum Segment {
    None,
    Own(SharedVec<u8>),
    Leaders(Attached),
}

impl Segment {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Segment::None => &[],
            Segment::Own(bytes) => bytes,
            Segment::Leaders(bytes) => bytes,
        }
    }
}
