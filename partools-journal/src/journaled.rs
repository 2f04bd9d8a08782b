//! `job.journal(path, tag)`, its options and its endings.

use crate::account::{Account, Interrupted, Resumed};
use crate::fingerprint::{self, Fingerprint, Leave};
use crate::keep::{Keeping, Replaying};
use crate::replay::Taken;
use crate::store::Store;
use partools_core::wire::FrameWriter;
use partools_core::{
    Cause, Error, Executor, FarItems, Halt, ItemError, Items, Job, Map, OnError, Picked, Portable,
    PortableItems, Task,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

/// Gives a [`Job`] a journal. Implemented for all jobs.
///
/// ```
/// use partools_core::{Serial, over};
/// use partools_journal::Journal;
/// # let path = std::env::temp_dir().join(format!("partools-trait-{}", std::process::id()));
/// let lengths = over(&["a", "bb"]).map(|text| text.len()).journal(&path, "lengths").run(&Serial)?;
/// assert_eq!(lengths.outputs, [1, 2]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Journal<T> {
    /// The same job with its finished outputs kept in the file at `path`, so that a later run takes them from there. `tag`
    /// says in your own words what the outputs depend on: a version, the name of a file that closures read.
    ///
    /// The file is made when the map runs, if it is not there, and locked until the map has ended. Its folder must exist.
    fn journal(self, path: impl Into<PathBuf>, tag: impl Into<String>) -> Journaled<T>;
}

impl<T: Task> Journal<T> for Job<T> {
    fn journal(self, path: impl Into<PathBuf>, tag: impl Into<String>) -> Journaled<T> {
        Journaled {
            job: self,
            path: path.into(),
            tag: tag.into(),
            leave: Leave::default(),
            items: None,
            sync_every: Duration::from_secs(5),
        }
    }
}

/// A job with a journal. Made by [`Journal::journal`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Journaled<T> {
    job: Job<T>,
    path: PathBuf,
    tag: String,
    leave: Leave,
    items: Option<Result<u64, String>>,
    sync_every: Duration,
}

impl<T> Journaled<T> {
    /// Takes outputs that another build of the program has written. Right where the change between the builds changes none of
    /// them, which nobody can see but you.
    pub fn any_build(mut self) -> Self {
        self.leave.build = true;
        self
    }

    /// Takes outputs of a map with another tag, number of items, seed or hash of items: item 7's output is item 7's,
    /// whatever it was made of. Right where items were only appended.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use partools_journal::Journal;
    /// # let path = std::env::temp_dir().join(format!("partools-longer-{}", std::process::id()));
    /// let map = |days| over(0..days).map(|day| day * day).journal(&path, "days");
    /// map(30).run(&Serial)?;
    /// assert!(map(31).run(&Serial).unwrap_err().to_string().contains("30 items, not 31"));
    /// assert_eq!(map(31).any_map().run(&Serial)?.account.taken, 30);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn any_map(mut self) -> Self {
        self.leave.map = true;
        self
    }

    /// Has the system write to the disk itself after so long, and at the end; 5 seconds if not set. It takes a disk some
    /// milliseconds, for which the calling thread waits. Only a machine that loses power needs it; [`Duration::MAX`]
    /// leaves it to the system.
    pub fn sync_every(mut self, time: Duration) -> Self {
        self.sync_every = time;
        self
    }
}

impl<X: PortableItems, S, G, K> Journaled<Map<X, S, G, K>>
where
    Map<X, S, G, K>: Task,
{
    /// Hashes the items, all of them, now, and refuses the outputs of others. For items that can be sent to another process
    /// (slices of serde types, ranges, ..), each of which is encoded once for it.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use partools_journal::Journal;
    /// # let path = std::env::temp_dir().join(format!("partools-items-{}", std::process::id()));
    /// let map = |words: Vec<String>| over(words).map(|word| word.len()).journal(&path, "words").check_items();
    /// map(vec!["a".into(), "bb".into()]).run(&Serial)?;
    /// let error = map(vec!["a".into(), "ccc".into()]).run(&Serial).unwrap_err();
    /// assert!(error.to_string().contains("its items are others"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_items(mut self) -> Self {
        self.items = Some(hash(self.job.task().items()));
        self
    }
}

fn hash<X: PortableItems>(items: &X) -> Result<u64, String> {
    let (mut hash, mut frame) = (Xxh3::new(), FrameWriter::new());
    frame.value(&items.head()).map_err(|why| why.to_string())?;
    hash.update(frame.as_bytes());
    if X::Far::SENT {
        for index in 0..Items::count(items) {
            frame.clear();
            items
                .pack_item(index, &mut frame)
                .map_err(|why| format!("item {index} cannot be hashed: {why}"))?;
            hash.update(&(frame.as_bytes().len() as u64).to_le_bytes());
            hash.update(frame.as_bytes());
        }
    }
    Ok(hash.digest())
}

impl<T> Journaled<T>
where
    T: Task,
    T::Output: Portable,
{
    /// As [`Job::run`], for the items that the journal has not.
    ///
    /// # Errors
    /// As [`Job::run`], with what is in the journal now; and where the journal is refused (another map's, another build's, in
    /// use) or cannot be opened, before the first item.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Resumed<Vec<T::Output>>, Interrupted>
    where
        E: Executor<Picked<&'t T>> + ?Sized,
    {
        let collected = self.collect(executor, OnError::Stop)?;
        let failures = collected.failures.into_iter();
        let failure = failures.min_by_key(ItemError::index).map(Error::from);
        let account = collected.account;
        match failure.or(collected.error) {
            Some(error) => Err(Interrupted { error, account }),
            None => Ok(Resumed {
                outputs: collected.outputs.into_iter().flatten().collect(),
                account,
            }),
        }
    }

    /// As [`Job::try_run`], for the items that the journal has not. A map that was cancelled or out of time gives what was
    /// delivered until then.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for the failures of items.
    #[expect(
        clippy::type_complexity,
        reason = "a result for each item, and the account"
    )]
    pub fn try_run<'t, E>(
        &'t self,
        executor: &E,
    ) -> Result<Resumed<Vec<Result<T::Output, ItemError>>>, Interrupted>
    where
        E: Executor<Picked<&'t T>> + ?Sized,
    {
        let collected = self.collect(executor, OnError::Collect)?;
        let account = collected.account;
        let halt = match collected.error {
            None => None,
            Some(error) if error.is_cancelled() => Some(Halt::Cancelled),
            Some(error) if error.is_deadline() => Some(Halt::Deadline),
            Some(error) => return Err(Interrupted { error, account }),
        };
        let lowest = collected.failures.iter().map(ItemError::index).min();
        let failures = collected.failures.into_iter();
        let mut failures: BTreeMap<_, _> = failures.map(|f| (f.index(), f)).collect();
        let outputs = collected.outputs.into_iter().enumerate();
        let outputs = outputs.map(|(index, output)| {
            output.ok_or_else(|| {
                let cause = match (halt, lowest) {
                    (Some(halt), _) => Cause::NotRun { halt },
                    (None, Some(failed)) => Cause::NotNeeded { failed },
                    (None, None) => Cause::NoOutput,
                };
                let failed = failures.remove(&index);
                failed.unwrap_or_else(|| ItemError::new(index, 0, cause))
            })
        });
        Ok(Resumed {
            outputs: outputs.collect(),
            account,
        })
    }

    /// As [`Job::for_each`], with the outputs that the journal has in their places. They are read when their turn comes, so
    /// memory stays bounded.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use partools_journal::Journal;
    /// # let path = std::env::temp_dir().join(format!("partools-for-each-{}", std::process::id()));
    /// let flaky = std::cell::Cell::new(true);
    /// let job = over(0..10).map(|i| { assert!(i != 4 || !flaky.take()); i * i }).journal(&path, "squares");
    /// let mut seen = Vec::new();
    /// assert!(job.for_each(&Serial, |index, _| seen.push(index)).is_err());
    /// assert_eq!(seen, [0, 1, 2, 3]);
    /// seen.clear();
    /// let account = job.for_each(&Serial, |index, _| seen.push(index))?;
    /// assert_eq!((seen.len(), account.taken, account.added), (10, 4, 6));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Panics
    /// Where `f` panics; the output that it was given is in the journal then.
    pub fn for_each<'t, E, F>(&'t self, executor: &E, f: F) -> Result<Account, Interrupted>
    where
        E: Executor<Picked<&'t T>> + ?Sized,
        F: FnMut(usize, T::Output),
    {
        let mut taken = Taken::new(self.job.task().count());
        let mut store = self.open(&mut taken, |_, _| {})?;
        store.account.taken = taken.len();
        let missing = self.job.pick(taken.missing());
        let mut replaying = Replaying {
            store,
            replay: taken.replay(),
            f,
            failure: None,
            broken: None,
        };
        let mut done = missing.receive(executor, OnError::Stop, &mut replaying);
        let goes_on = replaying.failure.is_none() || self.job.its_plan().is_collecting();
        if done.is_ok() && goes_on {
            replaying.replay_below(usize::MAX);
        }
        let Replaying {
            store,
            failure,
            broken,
            ..
        } = replaying;
        let account = store.finish();
        if let Some(why) = broken {
            done = Err(Error::os("reading the journal again", why));
        } else if let Some(failure) = failure {
            done = Err(failure.into());
        }
        match done {
            Ok(()) => Ok(account),
            Err(error) => Err(Interrupted { error, account }),
        }
    }

    /// Runs what is missing.
    fn collect<'t, E>(
        &'t self,
        executor: &E,
        otherwise: OnError,
    ) -> Result<Collected<T::Output>, Error>
    where
        E: Executor<Picked<&'t T>> + ?Sized,
    {
        let count = self.job.task().count();
        let mut taken = Taken::new(count);
        let mut outputs: Vec<Option<T::Output>> = Vec::new();
        outputs.resize_with(count, || None);
        let mut store = self.open(&mut taken, |index, output| outputs[index] = Some(output))?;
        store.account.taken = taken.len();
        let mut keeping = Keeping {
            store,
            outputs,
            failures: Vec::new(),
        };
        let missing = self.job.pick(taken.missing());
        let done = missing.receive(executor, otherwise, &mut keeping);
        let Keeping {
            store,
            outputs,
            failures,
        } = keeping;
        Ok(Collected {
            outputs,
            failures,
            error: done.err(),
            account: store.finish(),
        })
    }

    fn open(
        &self,
        taken: &mut Taken,
        mut each: impl FnMut(usize, T::Output),
    ) -> Result<Store, Error> {
        let items = match &self.items {
            None => None,
            Some(Ok(hash)) => Some(*hash),
            Some(Err(why)) => return Err(Error::executor(format!("the journal: {why}"))),
        };
        let fingerprint = Fingerprint {
            tag: self.tag.clone(),
            count: self.job.task().count() as u64,
            seed: self.job.its_plan().the_seed(),
            output: std::any::type_name::<T::Output>().to_owned(),
            image: fingerprint::image(),
            items,
        };
        Store::open(
            &self.path,
            &fingerprint,
            self.leave,
            self.sync_every,
            |record| taken.note::<T::Output>(record, &mut each),
        )
    }
}

/// What came of a map.
struct Collected<O> {
    /// By index: those of the journal, and the new ones.
    outputs: Vec<Option<O>>,
    failures: Vec<ItemError>,
    /// What kept it from running to its end.
    error: Option<Error>,
    account: Account,
}
