//! Attempts of hardened workers, which must fail: `cargo test -p partools-ipc --features harden --test harden`.

use libtest_mimic::{Arguments, Trial};
use partools_core::{Cause, Chunks, StartError, over};
use partools_ipc::{Hardening, Ipc};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

fn main() -> ExitCode {
    partools_ipc::init();
    let trials: [(&str, fn()); 8] = [
        (
            "what_is_not_listed_cannot_be_opened_made_or_run",
            not_listed,
        ),
        ("what_is_listed_is_there", listed),
        ("a_thread_of_an_item_is_held_back_too", threads),
        ("what_the_setup_opened_stays_open", opened_before),
        ("limits_of_the_system_hold", limits),
        ("there_are_no_new_privileges", privileges),
        ("nobody_else_is_signalled", signals),
        ("a_path_that_is_not_there_is_told", missing),
    ];
    let trials = trials.map(|(name, trial)| {
        Trial::test(name, move || {
            trial();
            Ok(())
        })
    });
    // One after the other: their workers are told apart by their statics alone.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn hardened(hardening: Hardening) -> Ipc {
    Ipc::new().workers(2).harden(hardening)
}

#[expect(clippy::print_stderr, reason = "what is left out says so")]
fn has_landlock() -> bool {
    let (nothing, version) = (std::ptr::null::<u8>(), 1);
    // SAFETY: asks for the version, which touches no memory.
    let found = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0, version) };
    if found < 1 {
        eprintln!("SKIPPED in part: this kernel has no Landlock");
    }
    found >= 1
}

/// An attempt succeeded, or why it did not.
fn outcome<T>(attempt: io::Result<T>) -> Result<(), i32> {
    attempt
        .map(drop)
        .map_err(|why| why.raw_os_error().unwrap_or(-1))
}

fn not_listed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("here"), "text").unwrap();
    let path = folder.path().to_str().unwrap();
    let job = over(0..6).shared(path).map(|i, path| match i {
        0 => outcome(File::open("/etc/passwd")),
        1 => outcome(File::open(format!("{path}/here"))),
        2 => outcome(File::create(format!("{path}/new"))),
        3 => outcome(fs::read_dir(path)),
        4 => outcome(fs::remove_file(format!("{path}/here"))),
        _ => outcome(Command::new("/bin/true").status()),
    });
    // Without rules, each succeeds: the attempts are attempts.
    let free = job.run(&Ipc::new().workers(1)).unwrap();
    assert_eq!(free, [Ok(()); 6]);
    fs::write(folder.path().join("here"), "text").unwrap();
    fs::remove_file(folder.path().join("new")).unwrap();
    if has_landlock() {
        assert_eq!(
            job.run(&hardened(Hardening::new())).unwrap(),
            [Err(libc::EACCES); 6]
        );
        assert!(folder.path().join("here").exists() && !folder.path().join("new").exists());
    } else {
        let error = job
            .run(&hardened(Hardening::new()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("this kernel has no Landlock"), "{error}");
    }
    let fallback = hardened(Hardening::new().even_without_landlock());
    assert_eq!(over(0..3).map(|i| i).run(&fallback).unwrap(), [0, 1, 2]);
}

fn listed() {
    let folder = tempfile::tempdir().unwrap();
    let (read, write) = (folder.path().join("read"), folder.path().join("write"));
    fs::create_dir(&read).unwrap();
    fs::create_dir(&write).unwrap();
    fs::write(read.join("here"), "text").unwrap();
    let one = folder.path().join("one");
    fs::write(&one, "text").unwrap();
    let hardening = Hardening::new().reads(&read).reads(&one).writes(&write);
    let job = over(0..5)
        .shared(folder.path().to_str().unwrap())
        .map(|i, path| match i {
            0 => outcome(fs::read(format!("{path}/read/here"))),
            1 => outcome(fs::read(format!("{path}/one"))),
            2 => outcome(fs::write(format!("{path}/write/new"), "text")),
            3 => outcome(fs::write(format!("{path}/read/new"), "text")),
            _ => outcome(fs::write(format!("{path}/one"), "text")),
        });
    let denied = if has_landlock() {
        Err(libc::EACCES)
    } else {
        Ok(())
    };
    let results = job
        .run(&hardened(hardening.even_without_landlock()))
        .unwrap();
    assert_eq!(results, [Ok(()), Ok(()), Ok(()), denied, denied]);
    assert!(write.join("new").exists());
}

fn threads() {
    let job = over(0..2).map(|_| {
        let other = std::thread::Builder::new().spawn(|| outcome(File::open("/etc/passwd")));
        other
            .map(|other| other.join().unwrap_or(Ok(())))
            .unwrap_or(Ok(()))
    });
    if has_landlock() {
        assert_eq!(
            job.run(&hardened(Hardening::new())).unwrap(),
            [Err(libc::EACCES); 2]
        );
    }
}

static OPEN: OnceLock<File> = OnceLock::new();

fn opened_before() {
    fn open(_: usize) -> Result<(), StartError> {
        OPEN.set(File::open("/etc/passwd")?)
            .map_err(|_| "twice".into())
    }
    let ipc = hardened(Hardening::new().even_without_landlock()).setup(open);
    let job = over(0..1).map(|_| {
        let mut text = String::new();
        let read = OPEN.get().map(|mut file| file.read_to_string(&mut text));
        read.is_some_and(|read| read.is_ok()) && !text.is_empty()
    });
    assert_eq!(job.run(&ipc).unwrap(), [true]);
}

fn limits() {
    let folder = tempfile::tempdir().unwrap();
    let hardening = Hardening::new()
        .even_without_landlock()
        .writes(folder.path());
    let hardening = hardening
        .address_space(1 << 30)
        .open_files(20)
        .file_size(4096);
    let job = over(0..4)
        .chunk(Chunks::of(1))
        .shared(folder.path().to_str().unwrap());
    let job = job.map(|i, path| match i {
        0 => Vec::<u8>::new().try_reserve_exact(2 << 30).is_err(),
        1 => {
            let files: Vec<_> = (0..30).map(|_| File::open(path)).collect();
            files
                .iter()
                .any(|file| outcome(file.as_ref().map_err(again)) == Err(libc::EMFILE))
        }
        2 => fs::write(format!("{path}/small"), [7; 4096]).is_ok(),
        _ => fs::write(format!("{path}/large"), [7; 4097]).is_ok(),
    });
    let results = job.try_run(&hardened(hardening)).unwrap();
    let kept: Vec<bool> = results[..3]
        .iter()
        .map(|result| *result.as_ref().unwrap())
        .collect();
    assert_eq!(kept, [true; 3]);
    let killed = results[3].as_ref().unwrap_err();
    assert!(
        matches!(killed.cause(), Cause::Killed { name, .. } if name == "SIGXFSZ"),
        "{killed}"
    );
}

/// The same error, to be looked at.
fn again(why: &io::Error) -> io::Error {
    io::Error::from_raw_os_error(why.raw_os_error().unwrap_or(0))
}

fn privileges() {
    let job = over(0..2).map(|_| {
        // SAFETY: plain numbers.
        unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) }
    });
    assert_eq!(job.run(&Ipc::new().workers(1)).unwrap(), [0; 2]);
    let hardening = Hardening::new().even_without_landlock();
    assert_eq!(job.run(&hardened(hardening)).unwrap(), [1; 2]);
}

#[expect(clippy::print_stderr, reason = "what is left out says so")]
fn signals() {
    let job = over(0..1).map(|_| {
        let parent = i32::try_from(std::os::unix::process::parent_id()).unwrap_or(0);
        // SAFETY: asks whether it might be signalled; no signal is sent.
        unsafe { libc::kill(parent, 0) }
    });
    assert_eq!(job.run(&Ipc::new().workers(1)).unwrap(), [0]);
    // SAFETY: asks for the version, which touches no memory.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0,
            1,
        )
    };
    if version < 6 {
        eprintln!("SKIPPED: Landlock knows nothing of signals here (version {version})");
        return;
    }
    assert_eq!(job.run(&hardened(Hardening::new())).unwrap(), [-1]);
}

fn missing() {
    let there = Path::new("/no/such/folder");
    let error = over(0..3)
        .map(|i| i)
        .run(&hardened(Hardening::new().reads(there)));
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("it could not be hardened: /no/such/folder is listed: "),
        "{text}"
    );
}
