//! The journal's file, held by one process: opened and locked, appended to in batches, never in the way of the map.
//!
//! ```text
//! output -> gathered (4 KB: a record) -> buffer (64 KB, or all that is ready) -> one write -> sync, now and then
//! ```
//!
//! Invariant: in front of `end` the file holds whole records alone, as far as this process wrote them. After the first write that
//! fails nothing more is written: `trouble` says why.

use crate::account::Account;
use crate::fingerprint::{Fingerprint, Leave};
use crate::layout::{self, Beginning, Kind};
use crate::scan::{Record, scan};
use partools_core::wire::FrameWriter;
use partools_core::{Error, Portable, decode, encode};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// A record holds outputs of so many bytes, or one.
const GATHER: usize = 4 << 10;
/// So much is written at once.
const WRITE: usize = 64 << 10;
/// The children of a killed process hold its lock until the system has ended them, too.
const PATIENCE: Duration = Duration::from_secs(1);
/// Who refuses, in error texts.
const WHO: &str = "the journal";

pub(crate) struct Store {
    file: File,
    salt: u64,
    /// The number of the next record.
    next: u64,
    end: u64,
    /// Outputs of consecutive items that are no record yet: the first one's index, and how many.
    first: usize,
    count: usize,
    gathered: FrameWriter,
    /// Records that are not written yet, and how many outputs they hold.
    buffer: Vec<u8>,
    buffered: usize,
    synced: Instant,
    sync_every: Duration,
    pub(crate) account: Account,
}

impl Store {
    /// Opens the journal of the map with `fingerprint`, or makes one, and hands the records of its outputs to `take`.
    pub(crate) fn open(
        path: &Path,
        fingerprint: &Fingerprint,
        leave: Leave,
        sync_every: Duration,
        take: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<Store, Error> {
        let os = |what: &str, why| Error::os(format!("{what} the journal {}", path.display()), why);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|why| os("opening", why))?;
        lock(&file, path)?;
        let mut store = Store {
            file,
            salt: 0,
            next: 0,
            end: 0,
            first: 0,
            count: 0,
            gathered: FrameWriter::new(),
            buffer: Vec::new(),
            buffered: 0,
            synced: Instant::now(),
            sync_every,
            account: Account::default(),
        };
        let mut bytes = Vec::new();
        let len = store
            .file
            .metadata()
            .map_err(|why| os("reading", why))?
            .len();
        (&store.file)
            .take(len.min(layout::MOST as u64))
            .read_to_end(&mut bytes)
            .map_err(|why| os("reading", why))?;
        let mut scratch = Vec::new();
        let mine = encode(fingerprint, &mut scratch)
            .map_err(|why| Error::executor(format!("a journal's fingerprint: {why}")))?;
        let found = match layout::beginning(&bytes) {
            Beginning::CutOff => {
                // Nothing was in it yet.
                if let Err(why) = store.cut() {
                    store.give_up(&why);
                }
                store.salt = layout::put_head(&mut store.buffer, mine);
                store.write();
                return Ok(store);
            }
            Beginning::Damaged(why) => {
                let why = format!(
                    "{} is not a journal that can be read: {why}",
                    path.display()
                );
                let instead = "use another path, or delete the file if nothing in it is needed";
                return Err(Error::refused(WHO, why, instead));
            }
            Beginning::Whole { salt, fingerprint } => {
                store.salt = salt;
                fingerprint
            }
        };
        let from = (found.end + layout::SUM) as u64;
        store.read(
            path,
            (&bytes[found], mine),
            (fingerprint, leave),
            from,
            take,
        )?;
        Ok(store)
    }

    /// Reads the records of a journal that is there already, and makes ready to go on behind them.
    fn read(
        &mut self,
        path: &Path,
        (theirs, mine): (&[u8], &[u8]),
        (fingerprint, leave): (&Fingerprint, Leave),
        from: u64,
        mut take: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<(), Error> {
        let check = |writer: &[u8]| {
            let theirs = decode::<Fingerprint>(writer).map_err(|why| {
                Error::refused(
                    WHO,
                    format!("{}: {why}", path.display()),
                    "use another path",
                )
            })?;
            match fingerprint.refuse(&theirs, leave) {
                Some((why, instead)) => {
                    let why = format!("{} is another map's: {why}", path.display());
                    Err(Error::refused(WHO, why, instead))
                }
                None => Ok(()),
            }
        };
        check(theirs)?;
        let mut writers = vec![theirs.to_vec()];
        let found = scan(&self.file, from, self.salt, |record| {
            if record.kind == Kind::Fingerprint {
                writers.push(record.payload.to_vec());
            }
            record.kind != Kind::Outputs || take(record)
        })
        .map_err(|why| Error::os(format!("reading the journal {}", path.display()), why))?;
        writers.iter().try_for_each(|writer| check(writer))?;
        (self.end, self.next) = (found.end, found.next);
        self.account.damaged = found.damaged;
        if let Err(why) = self.cut() {
            self.give_up(&why);
        }
        if found.untold {
            self.record((Kind::Lost, found.lost), &[]);
        }
        if writers.last().is_some_and(|last| last != mine) {
            self.record((Kind::Fingerprint, 0), mine);
        }
        self.write();
        Ok(())
    }

    /// Adds the output of item `index`.
    pub(crate) fn add<O: Portable>(&mut self, index: usize, output: &O) {
        if self.account.trouble.is_some() {
            return;
        }
        if self.count > 0
            && (self.first + self.count != index || self.gathered.as_bytes().len() >= GATHER)
        {
            self.close_record();
        }
        if self.count == 0 {
            self.first = index;
        }
        match self.gathered.value(output) {
            Ok(()) => self.count += 1,
            Err(why) => self.give_up(&why),
        }
        if self.buffer.len() >= WRITE {
            self.write();
        }
    }

    /// Writes all that was added.
    pub(crate) fn settle(&mut self) {
        self.close_record();
        self.write();
        if self.synced.elapsed() >= self.sync_every {
            self.sync();
        }
    }

    /// Writes and syncs all that was added; the account of it.
    pub(crate) fn finish(&mut self) -> Account {
        self.close_record();
        self.write();
        self.sync();
        self.account.clone()
    }

    /// Reads a record's payload again.
    pub(crate) fn payload(&mut self, offset: u64, len: usize, out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        out.resize(len, 0);
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(out)
    }

    fn close_record(&mut self) {
        if self.count > 0 {
            let gathered = std::mem::take(&mut self.gathered);
            self.record((Kind::Outputs, self.first as u64), gathered.as_bytes());
            self.gathered = gathered;
            self.buffered += std::mem::take(&mut self.count);
        }
        self.gathered.clear();
    }

    fn record(&mut self, (kind, index): (Kind, u64), payload: &[u8]) {
        layout::put_record(
            &mut self.buffer,
            self.salt,
            (kind, self.next, index),
            payload,
        );
        self.next += 1;
    }

    fn write(&mut self) {
        if self.account.trouble.is_none() && !self.buffer.is_empty() {
            let written = self
                .file
                .seek(SeekFrom::Start(self.end))
                .and_then(|_| self.file.write_all(&self.buffer));
            match written {
                Ok(()) => {
                    self.end += self.buffer.len() as u64;
                    self.account.added += self.buffered;
                }
                Err(why) => self.give_up(&why),
            }
        }
        self.buffer.clear();
        self.buffered = 0;
    }

    fn sync(&mut self) {
        self.synced = Instant::now();
        if self.sync_every < Duration::MAX
            && self.account.trouble.is_none()
            && let Err(why) = self.file.sync_data()
            // A device or a pipe has nothing to sync.
            && why.kind() != io::ErrorKind::InvalidInput
        {
            self.give_up(&why);
        }
    }

    /// Nothing is left behind the last good record.
    fn cut(&self) -> io::Result<()> {
        match self.file.metadata()?.len() > self.end {
            true => self.file.set_len(self.end),
            false => Ok(()),
        }
    }

    pub(crate) fn give_up(&mut self, why: &dyn std::fmt::Display) {
        self.account.trouble.get_or_insert_with(|| {
            format!("outputs were not written down from some point on, so the next run will call their items again: {why}")
        });
        // Half a record is passed over by the next run, if it stays.
        let _ = self.cut();
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let why = format!(
                    "{} is in use by another process, or by another map of this one",
                    path.display()
                );
                let instead = "wait for it to end, or use another path";
                return Err(Error::refused(WHO, why, instead));
            }
            Err(TryLockError::Error(why)) => {
                let what = format!(
                    "locking the journal {} (a file system without locks?)",
                    path.display()
                );
                return Err(Error::os(what, why));
            }
        }
    }
}
