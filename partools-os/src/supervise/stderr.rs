//! The standard error of a child, through a pipe: the last of it is kept, for the error of an item, and all of it is passed on or
//! dropped.
//!
//! ```text
//!   child: 2 ──> pipe ──> hear(): the last 4 KB stay ──> this process's standard error, or nowhere
//! ```
//!
//! A pipe that is full holds up the child, so it is emptied whenever the parent is awake, and wakes it
//! ([`wait_any`](super::wait_any)). Nobody ever waits for the *end* of what a child writes: a program that it started may have
//! the pipe open for as long as it likes.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::pipe::PipeFlags;

use crate::descriptors::above_streams;

/// So many bytes of text are kept.
const KEPT: usize = 4096;
/// So much is read at a time, and in one go before others have their turn: more than a pipe holds.
const PIECE: usize = 16 << 10;
const PIECES: usize = 128;

/// What becomes of what a worker writes to standard error, by Rust, by C or by a program that it starts.
///
/// ```
/// use partools_os::Capture;
/// assert_eq!(Capture::default(), Capture::Off);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capture {
    /// It goes where this process's goes; nothing is kept.
    #[default]
    Off,
    /// The last 4 KB are kept, and all of it is passed on to this process's standard error, by whole lines.
    PassOn,
    /// The last 4 KB are kept, and nothing is passed on.
    Swallow,
}

/// Both ends of the pipe, before the fork.
#[derive(Debug)]
pub(crate) struct Pipe {
    near: OwnedFd,
    far: OwnedFd,
    capture: Capture,
}

impl Pipe {
    /// `None` where nothing is to be kept.
    pub(crate) fn new(capture: Capture) -> io::Result<Option<Pipe>> {
        if capture == Capture::Off {
            return Ok(None);
        }
        let (near, far) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (near, far) = (above_streams(near)?, above_streams(far)?);
        rustix::fs::fcntl_setfl(&near, OFlags::NONBLOCK)?;
        Ok(Some(Pipe { near, far, capture }))
    }

    /// In the parent: what is heard. The far end is closed here.
    pub(super) fn near(self) -> Heard {
        Heard::new(self.near, self.capture)
    }

    /// For a child that is not forked but started: what is heard, and what is to be its standard error.
    pub(crate) fn apart(self) -> (Heard, OwnedFd) {
        let heard = Heard::new(self.near, self.capture);
        (heard, self.far)
    }

    /// In the child: standard error goes there from now on.
    pub(super) fn far(self) -> io::Result<()> {
        Ok(rustix::stdio::dup2_stderr(&self.far)?)
    }
}

/// What is known of what a child wrote.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Until the last one who could write has closed it.
    pipe: Option<OwnedFd>,
    /// Where it is passed on: what there is of the line that is not at its end yet. Lines are passed on whole, so that those
    /// of several children do not mix.
    line: Option<Vec<u8>>,
    /// The last of it, and some more in front.
    kept: Vec<u8>,
}

impl Heard {
    fn new(pipe: OwnedFd, capture: Capture) -> Heard {
        Heard {
            pipe: Some(pipe),
            line: (capture == Capture::PassOn).then(Vec::new),
            kept: Vec::new(),
        }
    }

    /// What was heard so far counts no more.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
    }

    /// What becomes readable when there is something to hear.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Takes in what has been written, without waiting for more. `is_over`: the child has ended.
    pub(super) fn hear(&mut self, is_over: bool) {
        self.empty();
        if let (Some(line), true) = (&mut self.line, is_over || self.pipe.is_none()) {
            pass_on(&std::mem::take(line));
        }
    }

    fn empty(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        let mut piece = [0; PIECE];
        for _ in 0..PIECES {
            match rustix::io::read(pipe, &mut piece[..]) {
                Ok(0) => {
                    self.pipe = None;
                    return;
                }
                Ok(length) => {
                    let heard = &piece[..length];
                    if let Some(line) = &mut self.line {
                        line.extend_from_slice(heard);
                        pass_on(&line.drain(..whole_lines(line)).collect::<Vec<_>>());
                    }
                    keep(&mut self.kept, heard);
                }
                Err(rustix::io::Errno::INTR) => {}
                // Nothing for now. (Nothing else can go wrong with a pipe.)
                Err(_) => return,
            }
        }
    }

    /// The last 4 KB as text; `None` where nothing was written.
    pub(super) fn text(&self) -> Option<String> {
        Some(text(&self.kept)).filter(|text| !text.is_empty())
    }
}

/// How much of it to pass on now. A line that grows long goes as it is.
fn whole_lines(text: &[u8]) -> usize {
    match text.iter().rposition(|&byte| byte == b'\n') {
        Some(end) => end + 1,
        None if text.len() > KEPT => text.len(),
        None => 0,
    }
}

fn pass_on(text: &[u8]) {
    if !text.is_empty() {
        // Where it cannot be written, nobody would see a complaint either.
        let _ = io::stderr().write_all(text);
    }
}

/// Keeps the last bytes; as many again may stand in front, so that not each new one moves all of them.
fn keep(kept: &mut Vec<u8>, heard: &[u8]) {
    let heard = &heard[heard.len().saturating_sub(KEPT)..];
    if kept.len() + heard.len() > 2 * KEPT {
        kept.drain(..kept.len().saturating_sub(KEPT));
    }
    kept.extend_from_slice(heard);
}

/// The last of it, from the beginning of a character to the end of one. What is no text is replaced.
fn text(bytes: &[u8]) -> String {
    let is_inside = |byte: &u8| byte & 0xC0 == 0x80;
    let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
    // A character has three such bytes at most: more are no text anyhow.
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| is_inside(byte))
        .count();
    let bytes = &bytes[cut..];
    let whole = match std::str::from_utf8(bytes) {
        // The last character was not written to its end.
        Err(why) if why.error_len().is_none() => &bytes[..why.valid_up_to()],
        _ => bytes,
    };
    let text = String::from_utf8_lossy(whole);
    // What was replaced may have become longer.
    let from = text.len().saturating_sub(KEPT);
    let from = (from..=text.len()).find(|&at| text.is_char_boundary(at));
    text[from.unwrap_or(0)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_much_is_kept_whatever_the_pieces() {
        let all: Vec<u8> = (0..100_000_u32)
            .flat_map(|n| format!("{n}\n").into_bytes())
            .collect();
        for piece in [1, 7, 1000, 4096, 5000, 70_000] {
            let mut kept = Vec::new();
            all.chunks(piece).for_each(|heard| keep(&mut kept, heard));
            assert!(kept.len() <= 2 * KEPT);
            assert_eq!(text(&kept).as_bytes(), &all[all.len() - KEPT..]);
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        let long = "ä€𝄞".repeat(2000);
        for cut in 0..12 {
            let bytes = &long.as_bytes()[..long.len() - cut];
            let text = text(bytes);
            assert!(text.len() <= KEPT && text.len() > KEPT - 8);
            assert!(!text.contains('\u{FFFD}') && long.contains(&text));
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_and_no_longer_for_that() {
        let text = text(&[0xFF; 10_000]);
        assert!(text.len() <= KEPT && text.chars().all(|c| c == '\u{FFFD}'));
        assert_eq!(super::text(b"a\xFFb\xC3"), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(super::text(b""), "");
    }

    #[test]
    fn lines_are_passed_on_whole_unless_they_are_endless() {
        assert_eq!(whole_lines(b"one\ntwo\nthr"), 8);
        assert_eq!(whole_lines(b"thr"), 0);
        assert_eq!(whole_lines(&[b'x'; 5000]), 5000);
    }

    #[test]
    fn nobody_waits_for_what_is_not_written() {
        let pipe = Pipe::new(Capture::Swallow)
            .expect("a pipe")
            .expect("wanted");
        let far = pipe.far.try_clone().expect("a descriptor");
        let mut words = pipe.near();
        words.hear(false);
        assert_eq!(words.text(), None);
        rustix::io::write(&far, "ach".as_bytes()).expect("written");
        words.hear(false);
        drop(far);
        words.hear(false);
        assert_eq!(words.text().as_deref(), Some("ach"));
        assert!(words.pipe().is_none());
    }
}
