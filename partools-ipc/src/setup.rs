//! What a worker process does once, before its first item: a function of the user's, called there as a task of one item.
//!
//! ```text
//!   near: Setup::of(f) ── entry, head: in the welcome ──>  far: run(worker) ── READY, or UNFIT and why, then its end ──>
//! ```
//! Like every function that crosses, it is known there by an entry of this executable: nothing of it is sent. It is called as
//! items are, so a panic is caught with its place. A worker that is not set up serves nothing.

use partools_core::wire::{Outlet, Parcel, Record, Request, WireError};
use partools_core::{
    Attach, Error, ItemError, Layout, Plan, PortableTask, Remote, Span, StartError, Task,
    WorkerError, Writer, decode,
};
use partools_os::image::Image;
use std::time::Duration;

/// What a setup has, where nothing else was said.
const WITHIN: Duration = Duration::from_secs(60);

/// The setup of the workers of a pool; none, if nothing was said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// What to call; or why that cannot be sent, which is told when a map needs it.
    call: Option<Result<Call, String>>,
    within: Option<Duration>,
}

/// A function, as it crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// The entry's offset in the image.
    pub(crate) entry: u64,
    /// The head of its parcel, which has nothing else.
    pub(crate) head: Vec<u8>,
}

impl Setup {
    pub(crate) fn set<F>(&mut self, f: F)
    where
        F: Remote + Fn(usize) -> Result<(), StartError>,
    {
        self.call = Some(Call::of(f).map_err(|why| why.to_string()));
    }

    pub(crate) fn set_within(&mut self, limit: Duration) {
        self.within = Some(limit);
    }

    /// How long it may take.
    pub(crate) fn within(&self) -> Duration {
        self.within.unwrap_or(WITHIN)
    }

    /// What is to be called, if anything is.
    pub(crate) fn call(&self) -> Result<Option<&Call>, Error> {
        let call = self.call.as_ref().map(Result::as_ref).transpose();
        call.map_err(|why| Error::executor(format!("the setup of workers cannot be sent: {why}")))
    }
}

impl Call {
    fn of<F>(f: F) -> Result<Call, Error>
    where
        F: Remote + Fn(usize) -> Result<(), StartError>,
    {
        let task = Once(f);
        let parcel = Parcel::pack(&task, &Plan::new())?;
        Ok(Call {
            entry: Image::this()?.offset_of_entry(parcel.entry())?,
            head: parcel.head().to_vec(),
        })
    }

    /// Calls it, in worker number `worker`: nothing, or what went wrong, in words.
    pub(crate) fn run(&self, worker: usize) -> Result<(), String> {
        let entry = Image::this().and_then(|image| image.entry_at(self.entry));
        let entry = entry.map_err(|why| why.to_string())?;
        let (mut ear, mut asked) = (Ear(None), Ok(()));
        let request = Request::for_items(0..1);
        let served = entry.serve(&self.head, &[&[]], worker, &mut |server| {
            asked = server.answer(request.as_bytes(), &mut ear);
        });
        asked.and(served).map_err(|why| why.to_string())?;
        ear.0.unwrap_or_else(|| Err("it gave no answer".to_owned()))
    }
}

/// A task of one item: to call the function, with the worker's number.
struct Once<F>(F);

impl<F: Remote + Fn(usize) -> Result<(), StartError>> Task for Once<F> {
    type State = usize;
    type Output = Result<(), String>;

    fn count(&self) -> usize {
        1
    }

    fn start(&self, worker: usize) -> Result<usize, StartError> {
        Ok(worker)
    }

    fn call_chunk(&self, worker: &mut usize, _: &Span, out: &mut Writer<'_, Self::Output>) {
        out.push((self.0)(*worker).map_err(|why| with_sources(&*why)));
    }
}

impl<F: Remote + Fn(usize) -> Result<(), StartError>> PortableTask for Once<F> {
    type Far<'m> = Once<F>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.function(&self.0);
        Ok(())
    }

    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Once<F>, WireError> {
        from.function().map(Once)
    }
}

/// Only words cross.
fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Hears the one answer.
struct Ear(Option<Result<(), String>>);

impl Outlet for Ear {
    fn send(&mut self, record: Record, payload: &[u8]) {
        let unreadable = || Err("its answer cannot be read".to_owned());
        let heard = match record {
            Record::Output => decode(payload).unwrap_or_else(|_| unreadable()),
            Record::Failed => match decode::<ItemError>(payload) {
                Ok(failure) => Err(format!("it {}", failure.cause())),
                Err(_) => unreadable(),
            },
            Record::Broken => match decode::<WorkerError>(payload) {
                Ok(failure) => Err(failure.to_string()),
                Err(_) => unreadable(),
            },
            // It gathers no rows.
            Record::Begin | Record::Row | Record::End | Record::Worked => return,
        };
        self.0.get_or_insert(heard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(f: impl Remote + Fn(usize) -> Result<(), StartError>) -> Result<(), String> {
        Call::of(f).unwrap().run(3)
    }

    #[test]
    fn it_is_told_the_number_of_its_worker() {
        let told = run(|worker| Err(format!("I am {worker}").into()));
        assert_eq!(told, Err("I am 3".to_owned()));
        assert_eq!(run(|_| Ok(())), Ok(()));
    }

    #[test]
    fn an_error_crosses_with_its_causes() {
        let failed = run(|_| Err(std::fs::File::open("/no/such/license").unwrap_err().into()));
        assert!(failed.unwrap_err().starts_with("No such file"));
    }

    #[test]
    fn a_panic_crosses_with_its_place() {
        let why = run(|_| panic!("no license")).unwrap_err();
        assert!(why.starts_with("it panicked at "), "{why}");
        assert!(
            why.contains("setup.rs") && why.ends_with("no license"),
            "{why}"
        );
    }

    #[test]
    fn an_entry_that_is_none_is_refused() {
        let head = Vec::new();
        assert!(Call { entry: 8, head }.run(0).is_err());
    }
}
