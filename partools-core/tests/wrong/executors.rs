//! Executors that stop short, stop others, hide errors, or let chunks wander between threads.

use crate::{Doing, contract, doing, within};
use partools_core::{Chunk, Chunks, Error, Failed, Job, Plan, Serial, Task, over};

fn strings(count: usize) -> Job<impl Task<Output = String> + Sync> {
    over(0..count).map(|i| i.to_string())
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|i| i.to_string()).collect()
}

#[test]
fn an_executor_that_does_nothing_is_told_so() {
    let job = strings(10);
    let idle = doing(&job, |_, _, _| Ok(()));
    let text = contract(&job.run(&idle).expect_err("nothing was done"));
    assert!(
        text.contains("doing") && text.contains("items 0..10"),
        "{text}"
    );
    assert!(job.try_run(&idle).is_err());
    let delivered = job.for_each(&idle, |i, _| panic!("item {i} was delivered"));
    contract(&delivered.expect_err("nothing was done"));
}

#[test]
fn an_executor_whose_error_comes_after_the_work_still_gives_its_error() {
    let job = strings(10);
    let gloomy = doing(&job, |task, _, caller| {
        caller.work(task);
        Err(Error::executor("the cable is loose"))
    });
    let error = job.run(&gloomy).expect_err("it said so");
    assert_eq!(error.to_string(), "the cable is loose");
}

#[test]
fn a_run_stopped_before_its_work_is_an_error() {
    let job = strings(10);
    let hasty = doing(&job, |task, run, caller| {
        run.stop();
        caller.work(task);
        Ok(())
    });
    contract(&job.run(&hasty).expect_err("nothing was done"));
}

#[test]
fn a_run_stopped_when_all_was_done_is_whole_under_every_ending() {
    let job = over(0..10).map(|i| if i < 10 { Ok(i) } else { Err(()) });
    let tidy = doing(&job, |task, run, caller| {
        caller.work(task);
        run.stop();
        Ok(())
    });
    assert_eq!(job.run(&tidy).expect("all was done").len(), 10);
    assert_eq!(job.try_run(&tidy).expect("all was done").len(), 10);
    assert_eq!(job.run_ok(&tidy).expect("all was done").len(), 10);
    let mut delivered = 0;
    job.for_each(&tidy, |_, _| delivered += 1)
        .expect("all was done");
    assert_eq!(delivered, 10);
}

#[test]
fn a_run_stopped_behind_an_err_still_gives_that_err() {
    let job = over(0..10).map(|i| if i == 4 { Err("four") } else { Ok(i) });
    let tidy = doing(&job, |task, run, caller| {
        caller.work(task);
        run.stop();
        Ok(())
    });
    let result = job.run_ok(&tidy);
    assert!(
        matches!(
            result,
            Err(Failed::Item {
                index: 4,
                error: "four"
            })
        ),
        "{result:?}"
    );
}

#[test]
fn an_executor_may_ask_to_work_again_when_all_is_over() {
    let job = strings(100);
    let eager = doing(&job, |task, run, caller| {
        for _ in 0..3 {
            caller.work(task);
            run.work(task, 1);
            assert!(!caller.deliver() && !caller.wait());
            assert!(run.try_claim().is_none() && run.claim().is_none());
        }
        Ok(())
    });
    assert_eq!(job.run(&eager).expect("it worked"), expected(100));
}

#[test]
fn an_executor_that_panics_leaves_the_outputs_dropped_and_panics_on() {
    let job = strings(10);
    let clumsy = doing(&job, |_, run, _| {
        let mut chunk = run.claim().expect("a claim");
        chunk.push("half a chunk".into()).expect("room");
        panic!("it tripped")
    });
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run(&clumsy)))
        .expect_err("it tripped");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"it tripped"));
}

#[test]
fn a_callbacks_panic_that_the_executor_swallows_is_an_error() {
    for fatal in [0, 5, 9] {
        let job = strings(10).plan(Plan::new().chunk(Chunks::of(5)));
        let discreet = doing(&job, |task, _, caller| {
            let work = std::panic::AssertUnwindSafe(|| caller.work(task));
            std::panic::catch_unwind(work).expect_err("the callback panicked");
            Ok(())
        });
        let result = job.for_each(&discreet, |i, _| assert_ne!(i, fatal, "the callback"));
        let text = result.expect_err("it panicked").to_string();
        assert!(text.contains("the callback panicked"), "{text}");
    }
}

#[test]
fn chunks_claimed_on_one_thread_may_be_filled_on_another() {
    let job = strings(1000);
    let relay = doing(&job, |_, run, caller| {
        let (send, receive) = std::sync::mpsc::channel::<Chunk<'_, String>>();
        std::thread::scope(|s| {
            s.spawn(move || {
                for mut chunk in receive {
                    for i in chunk.range() {
                        chunk.push(i.to_string()).expect("room");
                    }
                }
            });
            s.spawn(move || {
                while let Some(chunk) = run.claim() {
                    send.send(chunk).expect("the other thread lives");
                }
            });
            while caller.wait() {}
        });
        Ok(())
    });
    assert_eq!(job.run(&relay).expect("it worked"), expected(1000));
    let mut seen = Vec::new();
    job.for_each(&relay, |_, s| seen.push(s))
        .expect("it worked");
    assert_eq!(seen, expected(1000));
}

/// A helper may leave the run whenever it likes. The window that its last chunk held up moves when the caller
/// delivers that, and then nobody but the caller is there to claim.
#[test]
fn a_caller_whose_helper_left_early_does_the_rest() {
    let delivered = within(60, || {
        let job = strings(40).plan(Plan::new().window(4));
        let mut delivered = Vec::new();
        let brief = doing(&job, |task, run, caller| {
            let mut first = run.claim().expect("a claim");
            std::thread::scope(|s| {
                s.spawn(move || {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    for i in first.range() {
                        first.push(i.to_string()).expect("room");
                    }
                });
                caller.work(task);
            });
            Ok(())
        });
        job.for_each(&brief, |_, s| delivered.push(s))
            .expect("it worked");
        delivered
    });
    assert_eq!(delivered, expected(40));
}

#[test]
fn reclaim_on_another_thread_wakes_the_caller() {
    let outputs = within(60, || {
        let job = strings(40);
        let remote = doing(&job, |task, run, caller| {
            run.claims_elsewhere();
            std::thread::scope(|s| {
                s.spawn(move || {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    assert!(run.reclaim());
                });
                caller.work(task);
            });
            Ok(())
        });
        job.run(&remote).expect("it worked")
    });
    assert_eq!(outputs, expected(40));
}

#[test]
fn deliver_wait_and_work_may_be_mixed() {
    let job = strings(500).plan(Plan::new().window(16));
    let fickle = doing(&job, |task, run, caller| {
        std::thread::scope(|s| {
            s.spawn(move || run.work(task, 1));
            for _ in 0..20 {
                caller.deliver();
                std::thread::yield_now();
            }
            for _ in 0..5 {
                caller.wait();
            }
            caller.work(task);
            while caller.wait() {}
        });
        Ok(())
    });
    let mut seen = Vec::new();
    job.for_each(&fickle, |i, s| {
        assert_eq!(i, seen.len());
        seen.push(s);
    })
    .expect("it worked");
    assert_eq!(seen, expected(500));
}

#[test]
fn several_maps_at_once_keep_apart() {
    let job = strings(200);
    let twofold = doing(&job, |task, run, caller| {
        // The executor itself maps, in the middle of its own map, into another run of the same task.
        let inner = Job::new(task).run(&Serial)?;
        assert_eq!(inner.len(), 200);
        let mut chunk = run.claim().expect("a claim");
        let mut inner = inner.into_iter();
        while let (false, Some(output)) = (chunk.is_full(), inner.next()) {
            chunk.push(output).expect("room");
        }
        chunk.commit();
        caller.work(task);
        Ok(())
    });
    assert_eq!(job.run(&twofold).expect("it worked"), expected(200));
}

#[test]
fn boastful_numbers_of_workers_overflow_nothing() {
    for workers in [0, 1 << 63, usize::MAX] {
        let job = strings(10);
        let Doing(_, work) = doing(&job, |task, _, caller| {
            caller.work(task);
            Ok(())
        });
        let boaster = Doing(workers, work);
        assert_eq!(job.run(&boaster).expect("it worked"), expected(10));
        let mut count = 0;
        job.for_each(&boaster, |_, _| count += 1)
            .expect("it worked");
        assert_eq!(count, 10);
    }
}
