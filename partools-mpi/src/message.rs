//! What ranks say to one another: a word, and bytes of any length.
//!
//! ```text
//! first message   word, length (8 bytes), the first bytes       further messages: the next ones, where MPI's counts end
//! ```
//!
//! Who sends may be made to wait for who receives, but for messages up to [`EAGER`] bytes, which every MPI sends at once. So
//! that nobody waits in a circle, rank 0 sends longer ones only to ranks that have nothing to answer.

use mpi::point_to_point::{Message, Status};
use mpi::topology::Process;
use mpi::traits::{Destination, MatchedReceiveVec, Source};
use mpi::{Rank, Tag};

/// Orders of rank 0: what to do next. Taken between two chunks.
pub(crate) const ORDERS: Tag = 1;
/// How many items are needed still. Taken between two items.
pub(crate) const NEEDED: Tag = 2;
/// What a rank says.
pub(crate) const ANSWERS: Tag = 3;

/// A message of this length is sent at once, whatever the other side does.
pub(crate) const EAGER: usize = 1024;
/// Counts of MPI are C's `int`.
const PIECE: usize = 1 << 30;
const HEAD: usize = 9;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Order: a map begins. The entry's offset, the length of the segment, the parcel's head.
    Map,
    /// Order: a request.
    Chunk,
    /// Order: the map is over.
    Over,
    /// Order: the job is done.
    Quit,
    /// Answer: some of the records, in the order of the requests.
    Records,
    /// Answer: the rank is done with the map; why it could not go on, if so.
    Done,
    /// Nothing that this build sends.
    Unknown,
}

impl Word {
    const ALL: [Word; 6] = [
        Word::Map,
        Word::Chunk,
        Word::Over,
        Word::Quit,
        Word::Records,
        Word::Done,
    ];
}

/// Sends `bytes` under a word.
pub(crate) fn send(to: &Process<'_>, tag: Tag, word: Word, bytes: &[u8]) {
    let (first, rest) = bytes.split_at(bytes.len().min(PIECE - HEAD));
    let mut message = Vec::with_capacity(HEAD + first.len());
    message.push(word as u8);
    message.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    message.extend_from_slice(first);
    to.send_with_tag(&message[..], tag);
    for piece in rest.chunks(PIECE) {
        to.send_with_tag(piece, tag);
    }
}

/// A message that was begun to be received.
pub(crate) struct Received {
    pub(crate) from: Rank,
    pub(crate) word: Word,
    pub(crate) bytes: Vec<u8>,
}

/// Receives the rest of a message whose first part was matched. `process` makes a process of a rank.
pub(crate) fn receive<'p>(
    matched: (Message, Status),
    process: impl FnOnce(Rank) -> Process<'p>,
) -> Received {
    let (mut message, status) = matched.matched_receive_vec::<u8>();
    let (from, tag) = (status.source_rank(), status.tag());
    let damaged = || Received {
        from,
        word: Word::Unknown,
        bytes: Vec::new(),
    };
    let Some((&[word, ref len @ ..], _)) = message.split_first_chunk::<HEAD>() else {
        return damaged();
    };
    let Ok(len) = usize::try_from(u64::from_le_bytes(*len)) else {
        return damaged();
    };
    let word = Word::ALL.into_iter().find(|known| *known as u8 == word);
    message.drain(..HEAD);
    let sender = process(from);
    while message.len() < len {
        let (piece, _) = sender.receive_vec_with_tag::<u8>(tag);
        message.extend_from_slice(&piece);
    }
    Received {
        from,
        word: word.unwrap_or(Word::Unknown),
        bytes: message,
    }
}
