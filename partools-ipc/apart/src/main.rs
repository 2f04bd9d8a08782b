//! A program whose workers are itself, for builds of every kind: functions must be found by their offset in each of them.
//! `run`, beside this crate, builds it in each way and plays it.
//!
//! It plays twice: as it lies, and as a copy of which the file is replaced by something else before the first worker starts.

use partools_core::{Cause, Chunks, over};
use partools_ipc::Ipc;
use partools_os::image::Image;
use std::error::Error;
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

static SET_UP: OnceLock<usize> = OnceLock::new();

/// With this in the environment, the file of this program is replaced first.
const REPLACED: &str = "PARTOOLS_IPC_APART_REPLACED";

fn main() -> Result<(), Box<dyn Error>> {
    partools_ipc::init();
    if let Some(path) = std::env::var_os(REPLACED) {
        // Under its name, as a package is upgraded while a server of it runs.
        let new = format!("{}.new", path.display());
        fs::write(&new, "#!/bin/sh\necho something else\n")?;
        fs::rename(&new, &path)?;
        play("its file replaced")?;
        return Ok(());
    }
    play("as it lies")?;
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy");
    fs::copy("/proc/self/exe", &copy)?;
    let status = Command::new(&copy).env(REPLACED, &copy).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("the copy: {status}").into()),
    }
}

fn play(how: &str) -> Result<(), Box<dyn Error>> {
    let ipc = Ipc::new()
        .workers(2)
        .setup(|worker| SET_UP.set(worker).map_err(|_| "called twice".into()));
    let numbers: Vec<u64> = (0..100_000).collect();
    // Closures of one shape, which a linker may take for one function where they do the same.
    let plus = over(0..100)
        .shared(&numbers[..])
        .map(|i, numbers| numbers[i] + 1);
    let minus = over(0..100)
        .shared(&numbers[..])
        .map(|i, numbers| numbers[i + 1] - 1);
    let same = over(0..100)
        .shared(&numbers[..])
        .map(|i, numbers| numbers[i] + 1);
    for _ in 0..3 {
        assert!(plus.run(&ipc)?.into_iter().eq(1..=100));
        assert!(minus.run(&ipc)?.into_iter().eq(0..100));
        assert!(same.run(&ipc)?.into_iter().eq(1..=100));
    }
    let texts = over(0..50).state(|_| String::new()).map_cx(|i, cx| {
        cx.state.push('x');
        (i, cx.state.is_empty(), SET_UP.get().copied())
    });
    for (i, (index, is_empty, set_up)) in texts.run(&ipc)?.into_iter().enumerate() {
        assert!(index == i && !is_empty && set_up.is_some_and(|worker| worker < 2));
    }
    let published = ipc.publish(&numbers)?;
    let shared = over(0..10)
        .shared(&published)
        .map(|i, numbers| numbers[i * 9_999]);
    assert_eq!(shared.run(&ipc)?[9], 89_991);
    let crashing = over(0..9).chunk(Chunks::of(1)).map(|i| match i {
        4 => std::process::abort(),
        5 => panic!("no number"),
        _ => i,
    });
    let results = crashing.try_run(&ipc)?;
    let cause = |i: usize| results[i].as_ref().err().map(|error| error.cause());
    assert!(matches!(cause(4), Some(Cause::Killed { name, .. }) if name == "SIGABRT"));
    assert!(matches!(cause(5), Some(Cause::Panicked { message, .. }) if message == "no number"));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7);
    let kind = match fs::read("/proc/self/exe")?.get(16) {
        Some(2) => "at a fixed address",
        _ => "position-independent",
    };
    let linked = match cfg!(target_feature = "crt-static") {
        true => "static",
        false => "dynamic",
    };
    println!(
        "{how}: {kind}, {linked}, {}: all is right",
        Image::this()?.identity()
    );
    Ok(())
}
