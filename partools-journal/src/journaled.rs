//! `job.journal(path, tag)`, its options and its endings.

use crate::account::{Account, Interrupted, Resumed};
use crate::fingerprint::{self, Fingerprint, Leave};
use crate::keep::Keeping;
use crate::replay::Taken;
use crate::store::Store;
use partools_core::wire::FrameWriter;
use partools_core::{
    Error, Executor, FarItems, ItemError, Items, Job, Map, Picked, Portable, PortableItems, Task,
};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
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
    /// milliseconds, for which whoever has finished an output waits. Only a machine that loses power needs it;
    /// [`Duration::MAX`] leaves it to the system.
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
        let mut known = self.nothing_yet();
        let (taken, keeping) = self.begin(|index, output| known[index] = Some(output))?;
        let missing = self.job.pick(taken.missing());
        let fresh = missing.kept_by(keeping.clone()).run(executor);
        let account = keeping.finish();
        match fresh {
            Ok(fresh) => {
                let mut fresh = fresh.into_iter();
                let outputs = known.into_iter();
                let outputs = outputs.filter_map(|known| known.or_else(|| fresh.next()));
                Ok(Resumed {
                    outputs: outputs.collect(),
                    account,
                })
            }
            Err(error) => Err(Interrupted { error, account }),
        }
    }

    /// As [`Job::try_run`], for the items that the journal has not. A map that was cancelled or out of time gives what was
    /// finished until then.
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
        let mut known = self.nothing_yet();
        let (taken, keeping) = self.begin(|index, output| known[index] = Some(output))?;
        let missing = self.job.pick(taken.missing());
        let fresh = missing.kept_by(keeping.clone()).try_run(executor);
        let account = keeping.finish();
        match fresh {
            Ok(fresh) => {
                let mut fresh = fresh.into_iter();
                let outputs = known.into_iter();
                let outputs = outputs.filter_map(|known| known.map(Ok).or_else(|| fresh.next()));
                Ok(Resumed {
                    outputs: outputs.collect(),
                    account,
                })
            }
            Err(error) => Err(Interrupted { error, account }),
        }
    }

    /// As [`Job::for_each`], with the outputs that the journal has in their places. They are read when their turn comes, so
    /// memory stays bounded. Where the plan is [unordered](partools_core::Plan::unordered) they come last.
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
    pub fn for_each<'t, E, F>(&'t self, executor: &E, mut f: F) -> Result<Account, Interrupted>
    where
        E: Executor<Picked<&'t T>> + ?Sized,
        F: FnMut(usize, T::Output),
    {
        let (taken, keeping) = self.begin(|_, _| {})?;
        let missing = self.job.pick(taken.missing());
        let plan = self.job.its_plan();
        let (in_order, stops) = (!plan.is_unordered(), !plan.is_collecting());
        let mut replay = taken.replay();
        // Hands on what the journal has below `bound`.
        let mut hand_on = |bound: usize, f: &mut F| loop {
            let next = replay.below(bound, &mut keeping.store());
            match next {
                Ok(Some((index, output))) => f(index, output),
                Ok(None) => return Ok(()),
                Err(why) => return Err(Error::os("reading the journal again", why)),
            }
        };
        let flow = missing
            .kept_by(keeping.clone())
            .try_for_each(executor, |index, output| {
                if in_order && let Err(error) = hand_on(index, &mut f) {
                    return ControlFlow::Break(error);
                }
                f(index, output);
                ControlFlow::Continue(())
            });
        let done = match flow {
            Ok(ControlFlow::Continue(())) => hand_on(usize::MAX, &mut f),
            Ok(ControlFlow::Break(error)) => Err(error),
            Err(error) => {
                // All below the failure is delivered; where the plan goes on, all.
                let bound = match error.item() {
                    Some(item) if stops => item.index(),
                    Some(_) => usize::MAX,
                    None => 0,
                };
                hand_on(bound, &mut f).and(Err(error))
            }
        };
        let account = keeping.finish();
        match done {
            Ok(()) => Ok(account),
            Err(error) => Err(Interrupted { error, account }),
        }
    }

    /// Room for the outputs of the journal.
    fn nothing_yet(&self) -> Vec<Option<T::Output>> {
        std::iter::repeat_with(|| None)
            .take(self.job.task().count())
            .collect()
    }

    /// Opens the journal, and gives each output that it has to `each`.
    fn begin(&self, each: impl FnMut(usize, T::Output)) -> Result<(Taken, Arc<Keeping>), Error> {
        let mut taken = Taken::new(self.job.task().count());
        let mut store = self.open(&mut taken, each)?;
        store.account.taken = taken.len();
        let missing = taken.missing().collect();
        Ok((taken, Arc::new(Keeping::new(store, missing))))
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
