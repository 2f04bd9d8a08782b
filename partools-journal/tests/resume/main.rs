//! Journals under fire: processes killed at random points, files cut off at every byte and changed at every byte, full disks, two
//! processes on one file; on each local executor.
//!
//! On the main thread, one trial after the other. The process that is killed is this program, started again.

use libtest_mimic::{Arguments, Failed, Trial};
use partools_conformance::leaks::Snapshot;
use partools_core::{
    Chunks, Executor, Job, OnError, Picked, Plan, Serial, Span, StartError, Task, Writer, over,
};
use partools_fork::Fork;
use partools_journal::{Account, Journal};
use partools_threads::Threads;
use rand::RngExt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// With this in the environment, the program runs a journaled map on the executor that it names, in the folder that the next
/// one names.
const ROLE: &str = "PARTOOLS_RESUME_ROLE";
const FOLDER: &str = "PARTOOLS_RESUME_FOLDER";
const ITEMS: usize = 400;

mod behind;
mod parent;

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    partools_ipc::init();
    if let Ok(role) = std::env::var(ROLE) {
        return match role.strip_prefix(behind::PLAYS) {
            Some(how) => behind::play(how),
            None if role == parent::ROLE => parent::play(),
            None => play(&role),
        };
    }
    // A backtrace would leave the program's file mapped.
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "{panic}");
    }));
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let mut trials = vec![
        trial("a_killed_run_is_continued_on_serial", || killed("serial")),
        trial("a_killed_run_is_continued_on_threads", || killed("threads")),
        trial("a_killed_run_is_continued_on_fork", || killed("fork")),
        trial(
            "a_journal_goes_from_one_executor_to_another",
            changes_executors,
        ),
        trial(
            "a_journal_cut_off_at_any_byte_loses_what_was_cut_off",
            cut_off,
        ),
        trial(
            "a_changed_byte_loses_its_record_or_refuses_the_file",
            changed,
        ),
        trial("a_full_disk_is_told_and_the_map_goes_on", full_disk),
        trial("a_second_process_is_refused", second_process),
        trial(
            "a_folder_that_is_not_there_is_an_error_before_the_first_item",
            no_folder,
        ),
        trial("failed_items_are_run_again", failures),
        trial("a_map_that_is_stopped_keeps_what_it_has", stopped),
        trial(
            "indices_labels_and_random_numbers_are_those_of_the_whole",
            identities,
        ),
        trial("outputs_of_each_kind_come_back", kinds),
        trial("for_each_puts_each_output_in_its_place", in_place),
        trial("a_map_of_nothing_is_journaled", empty),
        trial("for_each_in_any_order_gives_each_output_once", in_any_order),
        trial(
            "what_the_callback_was_given_is_kept_where_it_panics",
            callback_panics,
        ),
        trial("what_is_finished_above_a_failure_is_kept", above_a_failure),
    ];
    trials.extend(behind::trials());
    trials.extend(parent::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, test: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let before = Snapshot::take();
        test()?;
        before.assert_unchanged();
        Ok(())
    })
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn output(index: usize) -> String {
    // Of uneven lengths, so that records are, too.
    format!("{index}:{}", "x".repeat(index % 97))
}

/// Items that note each call in a file, and take their time.
struct Noted<'p> {
    calls: &'p Path,
    pause: Duration,
}

impl Task for Noted<'_> {
    type State = ();
    type Output = String;
    fn count(&self) -> usize {
        ITEMS
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, String>) {
        for index in span.range() {
            note(self.calls, index);
            std::thread::sleep(self.pause);
            out.push(output(index));
        }
    }
}

/// Notes the call of item `index`.
fn note(calls: &Path, index: usize) {
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(calls)
        .expect("a file for the calls");
    file.write_all(&[b'0' + u8::try_from(index % 10).expect("a digit"), b'\n'])
        .expect("a note");
}

fn noted(calls: &Path) -> Job<Noted<'_>> {
    let pause = Duration::from_micros(300);
    Job::new(Noted { calls, pause }).plan(Plan::new().chunk(Chunks::of(3)))
}

fn calls(path: &Path) -> usize {
    std::fs::read(path).map_or(0, |bytes| bytes.len() / 2)
}

/// What the killed program does: one run, and it says what came of it.
#[expect(clippy::print_stdout, reason = "that is how it answers")]
fn play(executor: &str) -> ExitCode {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("a folder"));
    let calls = folder.join("calls");
    let job = noted(&calls).journal(folder.join("journal"), "noted");
    let resumed = match executor {
        "serial" => job.run(&Serial),
        "threads" => job.run(&Threads::new().workers(2)),
        _ => job.run(&Fork::new().workers(2)),
    };
    match resumed {
        Ok(resumed) => {
            assert!(resumed.outputs.into_iter().eq((0..ITEMS).map(output)));
            println!("{} {}", resumed.account.taken, resumed.account.added);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn program(executor: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .env(ROLE, executor)
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Kills it again and again, a little later each time, until it comes to its end.
fn killed(executor: &'static str) -> Outcome {
    let (mut kills, mut rounds) = (0, 0);
    while kills < 20 {
        rounds += 1;
        assert!(rounds < 40, "it is too fast to be killed: {kills} kills");
        let folder = folder();
        let (calls_path, mut before) = (folder.path().join("calls"), 0);
        for attempt in 0.. {
            let mut child = program(executor, folder.path()).spawn()?;
            std::thread::sleep(Duration::from_millis(
                5 + 7 * ((attempt * 31 + rounds * 17) % 9),
            ));
            let killed = child.try_wait()?.is_none() && attempt < 6;
            if killed {
                child.kill()?;
                kills += 1;
            }
            let answer = child.wait_with_output()?;
            if killed && !answer.status.success() {
                before = calls(&calls_path);
                continue;
            }
            let said = String::from_utf8_lossy(&answer.stdout).into_owned();
            assert!(answer.status.success(), "{executor}: {said}");
            let numbers: Vec<usize> = said.split_whitespace().flat_map(str::parse).collect();
            let [taken, added] = numbers[..] else {
                return Err(format!("it said {said:?}").into());
            };
            assert_eq!(taken + added, ITEMS);
            // Only what is missing was called (a killed child's siblings may have noted a few calls after the count).
            let called = calls(&calls_path) - before;
            assert!(
                (added..=added + 8).contains(&called),
                "{called} calls for {added} outputs"
            );
            // A killed run loses what was under way, and no more.
            assert!(
                calls(&calls_path) <= ITEMS + 7 * 30,
                "{attempt} kills cost too much"
            );
            break;
        }
    }
    Ok(())
}

fn changes_executors() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    let fails_at = |limit: usize| {
        over(0..300_usize)
            .map(move |i| {
                assert!(i < limit, "not yet");
                i * i
            })
            .journal(&path, "squares")
    };
    let first = fails_at(100)
        .run(&Fork::new().workers(2))
        .expect_err("stopped");
    assert_eq!((first.account.taken, first.account.added), (0, 100));
    let second = fails_at(200)
        .run(&Threads::new().workers(2))
        .expect_err("stopped");
    assert_eq!((second.account.taken, second.account.added), (100, 100));
    let third = fails_at(300).run(&Serial)?;
    assert_eq!((third.account.taken, third.account.added), (200, 100));
    assert!(third.outputs.into_iter().eq((0..300).map(|i| i * i)));
    Ok(())
}

/// A small journal of 12 outputs, each a record of its own; and what to run on it.
fn small(path: &Path) -> Result<Account, partools_journal::Interrupted> {
    let job = over(0..12_usize).map(|i| vec![u8::try_from(i).expect("small"); 5000 + i]);
    // Thousands of them: the disk need not follow.
    let job = job.journal(path, "small").sync_every(Duration::MAX);
    let resumed = job.run(&Serial)?;
    let expected = (0..12_u8).map(|i| vec![i; 5000 + usize::from(i)]);
    assert!(resumed.outputs.into_iter().eq(expected));
    Ok(resumed.account)
}

fn cut_off() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    small(&path)?;
    let whole = std::fs::read(&path)?;
    // Every byte of the head and of the heads of records; some of those between.
    let record = (whole.len() - 12 * 5000) / 13;
    let mut last = 0;
    for cut in (0..whole.len()).filter(|cut| cut % 5050 < 2 * record || cut % 61 == 0) {
        std::fs::write(&path, &whole[..cut])?;
        let account = small(&path)?;
        assert!(account.taken >= last && account.added == 12 - account.taken);
        assert!(
            account.damaged <= 1 && account.trouble.is_none(),
            "{account}"
        );
        last = account.taken;
        // And the next run finds all of it.
        let again = small(&path)?;
        assert_eq!((again.taken, again.damaged), (12, 0), "cut at {cut}");
    }
    assert_eq!(last, 11);
    Ok(())
}

fn changed() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    small(&path)?;
    let whole = std::fs::read(&path)?;
    let (mut lost, mut refused) = (0, 0);
    for at in (0..whole.len()).filter(|at| at % 5050 < 400 || at % 61 == 0) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, &bytes)?;
        match small(&path) {
            Ok(account) => {
                assert_eq!(
                    (account.taken, account.added, account.damaged),
                    (11, 1, 1),
                    "{at}"
                );
                // It is told once.
                let again = small(&path)?;
                assert_eq!((again.taken, again.damaged), (12, 0), "{at}");
                lost += 1;
            }
            Err(interrupted) => {
                assert!(interrupted.error.is_refused(), "{at}: {interrupted}");
                assert_eq!(std::fs::read(&path)?, bytes, "a refused file is left alone");
                refused += 1;
            }
        }
    }
    assert!(
        lost > 1000 && (50..400).contains(&refused),
        "{lost} lost, {refused} refused"
    );
    Ok(())
}

fn full_disk() -> Outcome {
    let job = over(0..1000_usize)
        .map(|i| i)
        .journal("/dev/full", "nowhere");
    let resumed = job.run(&Threads::new().workers(2))?;
    assert!(resumed.outputs.into_iter().eq(0..1000));
    let trouble = resumed.account.trouble.expect("a full disk");
    assert!(trouble.contains("No space left"), "{trouble}");
    assert_eq!((resumed.account.taken, resumed.account.added), (0, 0));
    Ok(())
}

fn second_process() -> Outcome {
    let folder = folder();
    // The first one takes long: its calls are noted in a pipe's place.
    let mut first = program("serial", folder.path()).spawn()?;
    while calls(&folder.path().join("calls")) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    // So that it is there until the second one has given up.
    let stop = |signal: &str| {
        Command::new("kill")
            .args([signal, &first.id().to_string()])
            .status()
    };
    assert!(stop("-STOP")?.success());
    let second = program("serial", folder.path()).output()?;
    assert!(stop("-CONT")?.success());
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    assert!(
        !second.status.success() && said.contains("is in use by another process"),
        "{said}"
    );
    assert!(first.wait()?.success());
    let third = program("serial", folder.path()).output()?;
    assert_eq!(third.stdout, b"400 0\n");
    Ok(())
}

fn no_folder() -> Outcome {
    let job = over(0..3).map(|_| -> usize { panic!("it was called") });
    let interrupted = job
        .journal("/no/such/folder/journal", "x")
        .run(&Serial)
        .expect_err("no folder");
    assert!(interrupted.error.is_os(), "{interrupted}");
    assert!(interrupted.to_string().contains("/no/such/folder/journal"));
    Ok(())
}

fn failures() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    let map = |bad: usize| {
        over(0..100_usize)
            .map(move |i| {
                assert!(i % 10 != bad, "odd");
                i
            })
            .journal(&path, "some fail")
    };
    for on in [1, 2] {
        let resumed = map(3).try_run(&Threads::new().workers(on))?;
        assert_eq!(resumed.outputs.iter().filter(|r| r.is_err()).count(), 10);
        for (index, result) in resumed.outputs.iter().enumerate() {
            match result {
                Ok(output) => assert_eq!(*output, index),
                Err(failure) => assert_eq!((failure.index(), index % 10), (index, 3)),
            }
        }
    }
    let resumed = map(77).try_run(&Serial)?;
    assert_eq!((resumed.account.taken, resumed.account.added), (90, 10));
    assert!(resumed.outputs.iter().all(Result::is_ok));
    Ok(())
}

fn stopped() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    let map = |deadline| {
        let job = over(0..200_usize).deadline(deadline).map(|i| {
            std::thread::sleep(Duration::from_millis(1));
            i
        });
        job.journal(&path, "slow")
    };
    let first = map(Duration::from_millis(60)).try_run(&Threads::new().workers(2))?;
    let done = first.outputs.iter().filter(|r| r.is_ok()).count();
    assert!(
        done == first.account.added && (1..150).contains(&done),
        "{done}"
    );
    let late = first.outputs[199].as_ref().expect_err("no time");
    assert!(
        late.to_string()
            .contains("was not run: the map's deadline passed"),
        "{late}"
    );
    let error = map(Duration::from_millis(1))
        .run(&Serial)
        .expect_err("no time");
    assert!(error.error.is_deadline() && error.account.taken == done);
    let last = map(Duration::from_secs(60)).run(&Serial)?;
    assert!(last.account.taken >= done && last.outputs.into_iter().eq(0..200));
    Ok(())
}

/// Its items from this one on fail.
struct Labelled(usize);
impl Task for Labelled {
    type State = ();
    type Output = usize;
    fn count(&self) -> usize {
        50
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, usize>) {
        for index in span.range() {
            assert!(index < self.0, "bad");
            out.push(index);
        }
    }
    fn label(&self, index: usize) -> Option<String> {
        Some(format!("row {index}"))
    }
}

fn identities() -> Outcome {
    fn on<E: for<'t> Executor<Picked<&'t Labelled>>>(executor: &E) -> Outcome {
        let folder = folder();
        let path = folder.path().join("journal");
        let run = |bad| Job::new(Labelled(bad)).journal(&path, "rows").run(executor);
        assert_eq!(run(20).expect_err("item 20 fails").account.added, 20);
        let interrupted = run(40).expect_err("item 40 fails");
        assert!(
            interrupted
                .to_string()
                .starts_with("item 40 (row 40) panicked"),
            "{interrupted}"
        );
        assert_eq!(
            (interrupted.account.taken, interrupted.account.added),
            (20, 20)
        );
        Ok(())
    }
    on(&Serial)?;
    on(&Threads::new().workers(3))?;
    on(&Fork::new().workers(3))?;

    let folder = folder();
    let path = folder.path().join("journal");
    let draw = |limit: usize| {
        over(0..60_usize).seed(9).map_cx(move |i, cx| {
            assert!(i < limit && cx.index == i);
            cx.rng().random::<u64>()
        })
    };
    assert!(draw(30).journal(&path, "drawn").run(&Serial).is_err());
    let resumed = draw(60).journal(&path, "drawn").run(&Serial)?;
    assert_eq!(resumed.account.taken, 30);
    assert_eq!(resumed.outputs, draw(60).run(&Serial)?);
    let other = over(0..60_usize)
        .seed(8)
        .map(|_| 0_u64)
        .journal(&path, "drawn")
        .run(&Serial);
    assert!(
        other
            .expect_err("another seed")
            .to_string()
            .contains("its seed is 9, not 8")
    );
    Ok(())
}

fn kinds() -> Outcome {
    fn twice<O>(make: fn(usize) -> O) -> Outcome
    where
        O: partools_core::Portable + PartialEq + Send,
    {
        let folder = folder();
        let path = folder.path().join("journal");
        for taken in [0, 300] {
            let resumed = over(0..300)
                .map(make)
                .journal(&path, "kinds")
                .run(&Serial)?;
            assert_eq!(
                resumed.account.taken,
                taken,
                "{}",
                std::any::type_name::<O>()
            );
            assert!(resumed.outputs.into_iter().eq((0..300).map(make)));
        }
        Ok(())
    }
    twice(|_| ())?;
    twice(|i| i % 3 == 0)?;
    twice(|i| i as f64 / 3.0)?;
    twice(|i| [i as u64; 3])?;
    twice(|i| vec![i as f64; i % 50])?;
    twice(|i| "ä".repeat(i))?;
    twice(|i| (i % 2 == 0).then(|| vec![(i, i.to_string())]))?;
    // Another type than before is refused, whatever is allowed.
    let folder = folder();
    let path = folder.path().join("journal");
    over(0..3)
        .map(|i| i as u64)
        .journal(&path, "t")
        .run(&Serial)?;
    let other = over(0..3)
        .map(|i| i as f32)
        .journal(&path, "t")
        .any_map()
        .any_build()
        .run(&Serial);
    assert!(
        other
            .expect_err("another type")
            .to_string()
            .contains("of type u64, not f32")
    );
    Ok(())
}

fn in_place() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    // Every third item fails at first.
    let map = |bad: usize| {
        let job = over(0..300_usize).on_error(OnError::Collect).map(move |i| {
            assert!(i % 3 != bad, "odd");
            output(i)
        });
        job.journal(&path, "thirds")
    };
    let first = map(1).try_run(&Threads::new().workers(2))?;
    assert_eq!(first.account.added, 200);
    // One still fails: what is above it comes all the same, as the plan says.
    let one = |i: usize| {
        assert!(i != 100, "odd");
        output(i)
    };
    let job = over(0..300_usize)
        .on_error(OnError::Collect)
        .map(one)
        .journal(&path, "thirds");
    let mut seen = 0;
    let interrupted = job
        .for_each(&Serial, |_, _| seen += 1)
        .expect_err("item 100 fails");
    assert_eq!((seen, interrupted.account.added), (299, 99));
    assert_eq!(
        interrupted
            .error
            .item()
            .map(partools_core::ItemError::index),
        Some(100)
    );
    let mut seen = Vec::new();
    let account = map(7).for_each(&Fork::new().workers(2), |index, text| {
        seen.push((index, text))
    })?;
    assert_eq!((account.taken, account.added), (299, 1));
    assert!(seen.into_iter().eq((0..300).map(|i| (i, output(i)))));
    Ok(())
}

fn in_any_order() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    let map = |bad: usize| {
        let job = over(0..300_usize).unordered().on_error(OnError::Collect);
        job.map(move |i| {
            assert!(i % 3 != bad, "odd");
            output(i)
        })
        .journal(&path, "any order")
    };
    for (bad, expected) in [(1, 200), (7, 300)] {
        let mut seen = std::collections::BTreeMap::new();
        let done = map(bad).for_each(&Threads::new().workers(2), |index, text| {
            assert!(seen.insert(index, text).is_none(), "{index} came twice");
        });
        assert_eq!((seen.len(), done.is_ok()), (expected, bad == 7));
        assert!(seen.into_iter().all(|(index, text)| text == output(index)));
    }
    Ok(())
}

fn callback_panics() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    let job = over(0..300_usize)
        .chunk(Chunks::of(7))
        .map(output)
        .journal(&path, "callback");
    let given = std::cell::Cell::new(0);
    let calls = std::panic::AssertUnwindSafe(|| {
        job.for_each(&Threads::new().workers(2), |index, _| {
            given.set(index + 1);
            assert!(index < 100, "no more");
        })
    });
    assert!(std::panic::catch_unwind(calls).is_err());
    let again = job.run(&Serial)?;
    assert!(again.account.taken >= given.get(), "{}", again.account);
    Ok(())
}

/// Item 3 fails when all that can be finished beside it is.
fn above_a_failure() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    let (marks, limit) = (folder.path().join("marks"), Duration::from_secs(60));
    let map = |fails: bool| {
        let marks = &marks;
        let job = over(0..40_usize).chunk(Chunks::of(1)).map(move |i| {
            let began = std::time::Instant::now();
            while i == 3 && fails && calls(marks) < 39 {
                assert!(began.elapsed() < limit, "nobody did the others");
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(i != 3 || !fails, "it fails");
            note(marks, i);
            output(i)
        });
        job.journal(&path, "above")
    };
    let first = map(true).run(&Fork::new().workers(2));
    let first = first.expect_err("item 3 fails");
    assert_eq!(
        first.error.item().map(partools_core::ItemError::index),
        Some(3)
    );
    let second = map(false).run(&Serial)?;
    assert!(second.account.taken >= 38, "{}", second.account);
    assert!(second.outputs.into_iter().eq((0..40).map(output)));
    Ok(())
}

fn empty() -> Outcome {
    let folder = folder();
    let path = folder.path().join("journal");
    for _ in 0..2 {
        let resumed = over(0..0)
            .map(|i| i)
            .journal(&path, "none")
            .run(&Fork::new())?;
        assert!(resumed.outputs.is_empty());
    }
    Ok(())
}
