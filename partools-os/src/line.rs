//! A line from one process to another that it started: messages with descriptors, one way, in order.
//!
//! ```text
//!   near: Line ── kind, payload, descriptors ──>  far: FarLine (the worker's standard input, at its start)
//!         last_words <── some text ────────────   say
//! ```
//!
//! A stream socket, made as a pair and inherited: there is no name in any file system, no moment at which somebody else could
//! connect, and no handshake that one side could wait for in vain. The near end never blocks: what the socket does not take
//! waits in memory of this process, and the far end sees the near one's end as the end of the stream.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::cmsg_space;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::descriptors::above_streams;

/// Kind, number of descriptors, nothing, length: in front of each message.
const HEAD: usize = 16;
/// So much is read at a time.
const PIECE: usize = 64 << 10;
/// A buffer that a giant message left behind is not kept.
const KEPT: usize = 1 << 20;
/// Of the words at the end.
const WORDS: usize = 4096;

/// The near end of a line.
///
/// ```
/// use partools_os::{FarLine, Line};
/// use std::{io::Read, os::fd::OwnedFd, fs::File};
///
/// let (mut near, far) = Line::pair()?;
/// let mut far = FarLine::new(far)?;
/// near.push(7, &[b"look ", b"there"], vec![File::open("/dev/zero")?.into()]);
/// assert!(near.flush()?); // all of it is on its way
///
/// let message = far.receive(None)?.expect("there is no limit to the wait");
/// assert_eq!((message.kind, &message.payload[..]), (7, &b"look there"[..]));
/// let mut byte = [1];
/// File::from(message.files.into_iter().next().expect("a descriptor")).read_exact(&mut byte)?;
/// assert_eq!(byte, [0]);
///
/// drop(near);
/// assert_eq!(far.receive(None).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Line {
    socket: OwnedFd,
    parts: VecDeque<Part>,
}

/// Bytes that wait to be sent. The descriptors go with the first of them.
#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    sent: usize,
    files: Vec<OwnedFd>,
}

impl Line {
    /// So many descriptors may go with one message.
    pub const MOST_FILES: usize = 200;

    /// Both ends: this one, and the one to give away.
    ///
    /// # Errors
    /// Where no descriptor is left.
    pub fn pair() -> io::Result<(Line, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (near, far) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let line = Line {
            socket: above_streams(near)?,
            parts: VecDeque::new(),
        };
        Ok((line, above_streams(far)?))
    }

    /// Puts a message in the queue. Its payload is that of `pieces`, one behind the other.
    ///
    /// # Panics
    /// Where it has more than [`MOST_FILES`](Self::MOST_FILES) descriptors.
    pub fn push(&mut self, kind: u8, pieces: &[&[u8]], files: Vec<OwnedFd>) {
        let count = u8::try_from(files.len()).ok();
        let count = count.filter(|&count| usize::from(count) <= Self::MOST_FILES);
        let count = count.expect("no more descriptors than go with a message");
        if self.parts.is_empty() || !files.is_empty() {
            let part = Part::default();
            self.parts.push_back(Part { files, ..part });
        }
        let Some(part) = self.parts.back_mut() else {
            return;
        };
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut head = [0; HEAD];
        head[0] = kind;
        head[1] = count;
        head[8..].copy_from_slice(&(length as u64).to_le_bytes());
        part.bytes.reserve(HEAD + length);
        part.bytes.extend_from_slice(&head);
        pieces
            .iter()
            .for_each(|piece| part.bytes.extend_from_slice(piece));
    }

    /// Sends what the socket takes. True where nothing is left.
    ///
    /// # Errors
    /// Where nobody reads any more, or the system refuses (no memory).
    pub fn flush(&mut self) -> io::Result<bool> {
        while let Some(part) = self.parts.front_mut() {
            let files: Vec<BorrowedFd<'_>> = part.files.iter().map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(Line::MOST_FILES))];
            let mut with = SendAncillaryBuffer::new(&mut space);
            if !files.is_empty() && !with.push(SendAncillaryMessage::ScmRights(&files)) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let rest = [IoSlice::new(&part.bytes[part.sent..])];
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match sendmsg(&self.socket, &rest, &mut with, flags) {
                Ok(sent) => {
                    part.files.clear();
                    part.sent += sent;
                    if part.sent == part.bytes.len() {
                        self.parts.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(true)
    }

    /// Does something wait until the socket takes more?
    pub fn is_blocked(&self) -> bool {
        !self.parts.is_empty()
    }

    /// What the far end said at its end; empty where that is nothing. Does not wait.
    pub fn last_words(&self) -> String {
        let mut words = [0; WORDS];
        let mut heard = 0;
        while heard < WORDS {
            match rustix::net::recv(&self.socket, &mut words[heard..], RecvFlags::DONTWAIT) {
                Ok((more, _)) if more > 0 => heard += more,
                Err(Errno::INTR) => {}
                _ => break,
            }
        }
        String::from_utf8_lossy(&words[..heard]).into_owned()
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The far end of a line.
#[derive(Debug)]
pub struct FarLine {
    socket: OwnedFd,
    bytes: Vec<u8>,
    /// So many of them were handed out.
    taken: usize,
    files: VecDeque<OwnedFd>,
}

/// A message, as it was sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Message {
    /// What it is about, a number of the sender's.
    pub kind: u8,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// The descriptors that came with it, closed on exec.
    pub files: Vec<OwnedFd>,
}

impl FarLine {
    /// The far end, by the descriptor that [`Line::pair`] gave.
    ///
    /// # Errors
    /// Where it must be moved out of the way of the standard streams, and no descriptor is left.
    pub fn new(socket: OwnedFd) -> io::Result<FarLine> {
        Ok(FarLine {
            socket: above_streams(socket)?,
            bytes: Vec::new(),
            taken: 0,
            files: VecDeque::new(),
        })
    }

    /// The next message. `None` where none came within `patience`; without one it waits as long as it takes.
    ///
    /// # Errors
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) where the near end is gone; others where the system refuses.
    pub fn receive(&mut self, patience: Option<Duration>) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = self.take() {
                return Ok(Some(message));
            }
            if let Some(patience) = patience
                && !self.is_readable(patience)?
            {
                return Ok(None);
            }
            self.read()?;
        }
    }

    /// Is another message here already, or on its way? Does not wait.
    pub fn is_waiting(&self) -> bool {
        self.taken < self.bytes.len() || matches!(self.is_readable(Duration::ZERO), Ok(true))
    }

    /// Tells the near end why this one ends. Best effort.
    pub fn say(&self, words: &str) {
        let end = (0..=words.len().min(WORDS)).rfind(|&end| words.is_char_boundary(end));
        let words = &words[..end.unwrap_or(0)];
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let _ = rustix::net::send(&self.socket, words.as_bytes(), flags);
    }

    fn is_readable(&self, patience: Duration) -> io::Result<bool> {
        let patience = Timespec::try_from(patience).ok();
        let mut watched = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut watched, patience.as_ref()) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(refused) => Err(refused.into()),
        }
    }

    /// The first message, if all of it is here.
    fn take(&mut self) -> Option<Message> {
        let rest = &self.bytes[self.taken..];
        let (&head, rest) = rest.split_first_chunk::<HEAD>()?;
        let length = u64::from_le_bytes(head[8..].try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        let payload = rest.get(..length)?.to_vec();
        self.taken += HEAD + length;
        if self.taken == self.bytes.len() {
            self.taken = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
        }
        // They came with its first byte at the latest.
        let count = usize::from(head[1]).min(self.files.len());
        let files = self.files.drain(..count).collect();
        Some(Message {
            kind: head[0],
            payload,
            files,
        })
    }

    fn read(&mut self) -> io::Result<()> {
        if self.taken > PIECE {
            self.bytes.drain(..mem::take(&mut self.taken));
        }
        let length = self.bytes.len();
        self.bytes.resize(length + PIECE, 0);
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(Line::MOST_FILES))];
        let mut with = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let mut into = [IoSliceMut::new(&mut self.bytes[length..])];
            match recvmsg(&self.socket, &mut into, &mut with, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                received => break received,
            }
        };
        let came = received.as_ref().map_or(0, |received| received.bytes);
        self.bytes.truncate(length + came);
        for message in with.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                for file in files {
                    self.files.push_back(above_streams(file)?);
                }
            }
        }
        received?;
        match came {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    fn pair() -> (Line, FarLine) {
        let (near, far) = Line::pair().expect("a pair");
        (near, FarLine::new(far).expect("an end"))
    }

    #[test]
    fn messages_come_whole_and_in_order_whatever_their_size() {
        let (mut near, mut far) = pair();
        let sizes = [0, 1, 100, 70_000, 3, 3_000_000, 0, 5];
        for (kind, size) in (0..).zip(sizes) {
            near.push(kind, &[&vec![kind; size]], Vec::new());
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !near.flush().expect("an open line") {
                    std::thread::sleep(Duration::from_micros(100));
                }
            });
            for (kind, size) in (0..).zip(sizes) {
                let message = far.receive(None).expect("an open line").expect("no limit");
                assert_eq!((message.kind, message.payload.len()), (kind, size));
                assert!(message.payload.iter().all(|&byte| byte == kind));
            }
        });
    }

    #[test]
    fn descriptors_come_with_their_message_and_no_other() {
        let (mut near, mut far) = pair();
        let file = |path| OwnedFd::from(File::open(path).expect("a device"));
        near.push(1, &[b"none"], Vec::new());
        near.push(2, &[b"two"], vec![file("/dev/null"), file("/dev/zero")]);
        near.push(3, &[b"none"], Vec::new());
        near.push(4, &[b"one"], vec![file("/dev/null")]);
        assert!(near.flush().expect("an open line"));
        let mut names = Vec::new();
        for _ in 0..4 {
            let message = far.receive(None).expect("an open line").expect("no limit");
            let name = |file: &OwnedFd| {
                let link = format!("/proc/self/fd/{}", file.as_raw_fd());
                std::fs::read_link(link).expect("it is open")
            };
            let files: Vec<_> = message.files.iter().map(name).collect();
            names.push((message.kind, files));
        }
        let (null, zero) = ("/dev/null".into(), "/dev/zero".into());
        assert_eq!(names[1], (2, vec![null, zero]));
        assert_eq!(names[3], (4, vec!["/dev/null".into()]));
        assert!(names[0].1.is_empty() && names[2].1.is_empty());
    }

    #[test]
    fn the_near_end_never_waits_and_the_far_one_as_long_as_it_is_told() {
        let (mut near, mut far) = pair();
        assert!(
            far.receive(Some(Duration::from_millis(1)))
                .expect("open")
                .is_none()
        );
        near.push(1, &[&vec![0; 4 << 20]], Vec::new());
        assert!(!near.flush().expect("an open line") && near.is_blocked());
        drop(far);
        assert!(near.flush().is_err(), "nobody reads any more");
    }

    #[test]
    fn the_last_words_of_the_far_end_are_heard() {
        let (near, far) = pair();
        assert_eq!(near.last_words(), "");
        far.say(&"ä".repeat(4000));
        drop(far);
        assert_eq!(near.last_words(), "ä".repeat(2048));
    }
}
