//! One worker process, from the parent's side: what it is reached by, and what is kept of it between maps.

use crate::desk::{Desk, MOST};
use crate::freight::Freight;
use crate::message::{CAREFUL, CLOSE, RELEASE, REQUEST, WELCOME};
use crate::terms::Terms;
use crate::welcome::Welcome;
use crate::worker::MARK;
use partools_core::Error;
use partools_core::wire::Request;
use partools_os::image::Image;
use partools_os::{Bell, Child, Inbox, Line, Ring, Watched, again};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

/// The size of a ring: large enough that the parent need not wake often, small enough to stay in cache.
const RING: usize = 1 << 20;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Started,
    /// It said hello, and calls its setup since then.
    SettingUp(Instant),
    /// It serves.
    Ready,
    /// Its setup failed, and it ends.
    Unfit,
}

impl Life {
    pub(crate) fn after_hello(has_setup: bool) -> Life {
        match has_setup {
            true => Life::SettingUp(Instant::now()),
            false => Life::Ready,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) child: Child,
    pub(crate) line: Line,
    pub(crate) ring: Ring,
    pub(crate) inbox: Inbox,
    pub(crate) bell: Bell,
    pub(crate) desk: Desk,
    pub(crate) born: Instant,
    pub(crate) life: Life,
    pub(crate) has_setup: bool,
    /// So many maps were closed of which it did not say yet that it has let go.
    pub(crate) unconfirmed: usize,
    /// What the worker keeps of what was published, by number.
    pub(crate) known: BTreeSet<u64>,
    next_ticket: u64,
}

impl Seat {
    /// Starts a process as worker `number`.
    pub(crate) fn start(number: usize, terms: &Terms) -> Result<Seat, Error> {
        let os = |what: &'static str| move |why: io::Error| Error::os(what, why);
        let (ring, ring_file) = Ring::shared(RING).map_err(os("making the ring of a worker"))?;
        let (desk, desk_file) = Desk::new().map_err(os("making the memory of a worker"))?;
        let bell = Bell::new().map_err(os("making the bell of a worker"))?;
        let bell_file = bell.as_fd().try_clone_to_owned();
        let bell_file = bell_file.map_err(os("making the bell of a worker"))?;
        let welcome = Welcome {
            identity: Image::this()?.identity().clone(),
            idle: terms.idle,
            setup: terms.setup.call()?.cloned(),
            harden: terms.harden.to_bytes()?,
        };
        let prepare = |command: &mut _| terms.prepare(command);
        let (child, mut line) = again::start(MARK, number, terms.stderr, prepare)?;
        let files = vec![ring_file, desk_file, bell_file];
        line.push(WELCOME, &[&welcome.to_bytes()?], files);
        Ok(Seat {
            child,
            line,
            ring,
            inbox: Inbox::new(),
            bell,
            desk,
            born: Instant::now(),
            life: Life::Started,
            has_setup: welcome.has_setup(),
            unconfirmed: 0,
            known: BTreeSet::new(),
            next_ticket: 0,
        })
    }

    /// Begins a map there.
    pub(crate) fn open(&mut self, freight: &Freight) -> io::Result<()> {
        self.desk.set_bound(usize::MAX);
        self.child.forget_words();
        freight.open(&mut self.line, &mut self.known)
    }

    /// Ends it.
    pub(crate) fn close(&mut self) {
        self.line.push(CLOSE, &[], Vec::new());
    }

    /// Between maps: lets go of what it keeps but for what is `needed`.
    pub(crate) fn release(&mut self, needed: impl Fn(u64) -> bool) {
        let line = &mut self.line;
        self.known.retain(|&id| {
            if !needed(id) {
                line.push(RELEASE, &[&id.to_le_bytes()], Vec::new());
            }
            needed(id)
        });
        self.flush();
    }

    /// How many more requests may be sent while the ticket `first` was not answered: their words must not be the same.
    pub(crate) fn room(&self, first: Option<u64>) -> usize {
        let out = first.map_or(0, |first| self.next_ticket - first);
        usize::try_from(out).map_or(0, |out| MOST.saturating_sub(out))
    }

    /// Sends a request; its ticket.
    pub(crate) fn post(&mut self, request: &Request, careful: bool) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.desk.offer(ticket);
        let pieces = [&ticket.to_le_bytes()[..], request.as_bytes()];
        let kind = if careful { CAREFUL } else { REQUEST };
        self.line.push(kind, &pieces, Vec::new());
        ticket
    }

    /// Sends what the line takes. Where nobody reads it any more, the end of the process tells why.
    pub(crate) fn flush(&mut self) {
        let _ = self.line.flush();
    }

    /// Has its process ended?
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_reap().is_some()
    }

    /// What a wait for it looks at.
    pub(crate) fn watched(&self) -> Watched<'_> {
        Watched::new(&self.child, &self.bell, &self.line)
    }
}
