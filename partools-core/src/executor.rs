//! What runs a task somewhere: two methods, and the contract that every executor keeps.

use crate::caller::Caller;
use crate::capability::Capabilities;
use crate::error::Error;
use crate::run::Run;
use crate::task::Task;

/// Runs tasks somewhere. It says only *where* the worker loop runs and *how* filled chunks come back;
/// order, chunks, errors and faults are the core's. Each executor states what it needs of a task on its
/// own `impl` (`Task + Sync`, portable outputs, ...).
///
/// # The contract
/// - **C1** Every index is called, and its output or its failure is delivered, exactly once per
///   successful attempt.
/// - **C2** Outputs come back in item order whatever the arrival order; the result is equal to
///   [`Serial`](crate::Serial)'s for a pure task.
/// - **C3** Outputs are delivered on the calling thread.
/// - **C4** When `execute` returns, normally or not, nothing is left: no thread made for this run (its id
///   is gone, not only joined), no child, no zombie, no descriptor, no mapping, no file. (Kept pools are
///   objects; dropping one leaves nothing.)
/// - **C5** A failing item is named: index or label, attempt, and cause. Only the item in flight is
///   blamed; the others complete, unless the plan says stop.
/// - **C6** A panic keeps its message, and its `file:line` as far as the panic hook allows, across every
///   border.
/// - **C7** Where the plan stops at the first failure, that is the failing item with the lowest index: a
///   failure lowers [`Run::bound`], items above it stop (are killed where the executor can), items below
///   it finish. So the error is the one `Serial` gives.
/// - **C8** A nested call runs serially inside a worker; it never hangs.
/// - **C9** An empty map touches no resource of the system. A map of one cheap item costs about as much
///   as calling it, where items need no worker of their own.
/// - **C10** The host is left alone: its signal handlers, other children, standard streams, `wait(-1)`
///   threads, working directory. (One panic hook is chained, in front of the host's.)
/// - **C11** What a plan asks and an executor cannot do is refused before the first item, with the
///   capability's name.
/// - **C12** A token that is cancelled and a deadline that passes stop the map at once: nothing more is handed
///   out, items under way are killed where the executor can (else they end), nothing more is delivered. What
///   was finished is kept for [`try_run`](crate::Job::try_run); the others say whether they were not run, or
///   stopped. ([`Run::is_stopped`] looks; an executor that sleeps wakes as often as [`Run::look_again`] says.)
/// - **C13** An item is called once for each attempt that the plan gives it, whatever ended the one before: after the
///   plan's wait, and only where the plan [picks](crate::Retries::only_if) the failure. What a worker that died had claimed
///   and not begun goes back and does not count. An item whose worker was killed by SIGKILL, and not by the executor, is
///   called once more for that, uncounted and alone, before it is blamed. Where worker after worker dies and no item gets
///   done, the map [gives up](Run::give_up), and keeps what was finished. ([`Chunk::lost`](crate::Chunk::lost) does all this.)
/// - **C14** Where the plan is [unordered](crate::Plan::unordered), outputs are delivered as soon as they are ready, each
///   once, with its index, on the calling thread, and within the window; the error is still the one of C7.
/// - **C15** Which items a run takes and in which order ([`longest_first`](crate::Plan::longest_first),
///   [`redo`](crate::Job::redo)) changes nothing else: an item keeps its index, label and random numbers, outputs come in item
///   order, and the lowest failure is that of the lowest item. (Executors see [places](Run::item_at); workers know the items.)
///
/// C7's bound, C8, C11, C12's hand-out, C13's books, C14, C15 and the empty map of C9 are kept by the core for all executors; the rest is kept
/// by the executor with the core's help. `partools-conformance` has the cases.
///
/// # Writing one
/// An executor on threads, whole:
///
/// ```
/// use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
///
/// struct Scoped(usize);
/// impl<T: Task + Sync> Executor<T> for Scoped
/// where
///     T::Output: Send,
/// {
///     fn capabilities(&self) -> Capabilities {
///         Capabilities::new("scoped", self.0)
///     }
///     fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
///         std::thread::scope(|s| {
///             for worker in 1..self.0 {
///                 s.spawn(move || run.work(task, worker));
///             }
///             caller.work(task);
///         });
///         Ok(())
///     }
/// }
/// assert_eq!(over(0..100).map(|i| i * i).run(&Scoped(2))?[9], 81);
/// # Ok::<(), Error>(())
/// ```
pub trait Executor<T: Task + ?Sized> {
    /// Its name, its number of workers, and what it can do.
    fn capabilities(&self) -> Capabilities;

    /// Runs `task` until `run` is over. On the calling thread, `caller` works or delivers; workers
    /// elsewhere claim from `run` ([`Run::work`], [`Run::claim`]) or their claims are admitted to it
    /// ([`Run::admit`]). Called only for maps of at least one item.
    ///
    /// # Errors
    /// What kept it from running the map; the failures of items are not its business.
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error>;
}

macro_rules! forward {
    ($($type:ty),*) => {$(
        impl<T: Task + ?Sized, E: Executor<T> + ?Sized> Executor<T> for $type {
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }
            fn execute(
                &self,
                task: &T,
                run: &Run<T::Output>,
                caller: &mut Caller<'_, T::Output>,
            ) -> Result<(), Error> {
                (**self).execute(task, run, caller)
            }
        }
    )*};
}
forward!(&E, Box<E>, std::rc::Rc<E>, std::sync::Arc<E>);
