//! C10: the host is left alone. Signal handlers, masks, standard streams, working directory and panic hook
//! are compared after every case; these look at the host's own children.

use super::List;
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::quiet;
use crate::subject::Subject;
use crate::tasks::{Act, Probe, Script};
use partools_core::{Capabilities, Executor, Job};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add(
        "c10_host::children_of_the_host_are_neither_reaped_nor_killed",
        |s| children(&s),
    );
    list.only_where(cfg!(unix), "this system has no sh");
    list.add("c10_host::the_host_s_panic_hook_stays", |s| {
        s.on(2, |e| {
            err(Job::new(Script::new(10).item(3, Act::Panic)).run(e))?;
            ensure!(
                quiet::is_chained(),
                "the host's panic hook is not called any more"
            );
            Ok(())
        })
    });
}

fn children<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let mut running = shell("exec sleep 600")?;
    let mut ended = shell("exit 7")?;
    // Time to become a zombie.
    std::thread::sleep(Duration::from_millis(100));
    let maps = s.on(3, |e| {
        let capabilities: Capabilities = Executor::<Script>::capabilities(e);
        for _ in 0..5 {
            ok(Job::new(Probe::<String>::new(100)).run(e))?;
            err(Job::new(Script::new(100).item(7, Act::Panic)).run(e))?;
            if capabilities.isolates() {
                err(Job::new(Script::new(100).item(7, Act::Abort)).run(e))?;
            }
        }
        Ok(())
    });
    let alive = running.try_wait();
    let killed = running.kill().and_then(|()| running.wait());
    let code = ended.wait().map(|status| status.code());
    maps?;
    ensure!(
        matches!(alive, Ok(None)),
        "the host's running child is gone: {alive:?}"
    );
    ensure!(
        killed.is_ok(),
        "the host's running child could not be ended: {killed:?}"
    );
    ensure_eq!(ok(code)?, Some(7), "exit code of the host's ended child");
    Ok(())
}

fn shell(command: &str) -> Result<Child, String> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell.spawn().map_err(|why| format!("no shell: {why}"))
}
