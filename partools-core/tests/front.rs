//! The front door on `Serial` and on a scoped-threads executor of a few lines.

use partools_core::*;

struct Scoped(usize);
impl<T: Task + Sync> Executor<T> for Scoped
where
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("scoped", self.0)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        std::thread::scope(|s| {
            for worker in 1..self.0 {
                s.spawn(move || run.work(task, worker));
            }
            caller.work(task);
        });
        Ok(())
    }
}

#[test]
fn every_call_form_infers() -> Result<(), Error> {
    let e = Scoped(3);
    let v = vec![1.0f64, 2.0, 3.0, 4.0];
    let names = vec!["a".to_string(), "bb".into(), "c".into(), "d".into()];
    let k = 2.0;
    assert_eq!(over(&v).map(|x| x * k).run(&e)?, [2., 4., 6., 8.]);
    assert_eq!(over(0..3).map(|i| i * 2).run(&e)?, [0, 2, 4]);
    assert_eq!(
        over(chunks(&v, 2)).map(|c| c.iter().sum::<f64>()).run(&e)?,
        [3., 7.]
    );
    assert_eq!(
        over(zip(&v, &names))
            .map(|(x, n)| x.to_string() + n)
            .run(&e)?[1],
        "2bb"
    );
    let zipped = over(zip(chunks(&v, 2), 0..2)).shared(v.as_slice());
    assert_eq!(zipped.map(|(c, i), a| c[0] + a[i]).run(&e)?, [2., 5.]);
    let retried = over(&names).retries(2).shared(&v).chunk(Chunks::of(3));
    assert_eq!(retried.map(|n, a| a.len() + n.len()).run(&e)?[1], 6);
    let states = over(&names)
        .state(|w| vec![w])
        .retries(1)
        .shared(&v)
        .seed(4);
    let lens = states.map_cx(|n, cx| {
        cx.state.push(n.len());
        cx.shared.len() + cx.index
    });
    assert_eq!(lens.run(&e)?, [4, 5, 6, 7]);
    fn half(x: &f64) -> f64 {
        x / 2.0
    }
    assert_eq!(over(&v).map(half).run(&e)?[1], 1.0);
    fn scale(x: &f64, a: &[f64]) -> f64 {
        x * a[0]
    }
    assert_eq!(over(&v).shared(v.as_slice()).map(scale).run(&e)?[1], 2.0);
    assert_eq!(over(vec![1, 2]).map(|x| x + 1).run(&e)?, [2, 3]);
    Ok(())
}

#[test]
fn outputs_come_back_in_order_whatever_the_chunks() -> Result<(), Error> {
    for n in [0usize, 1, 2, 7, 1000, 100_000] {
        for w in [1, 2, 3, 8] {
            for c in [
                Chunks::Auto,
                Chunks::of(3),
                Chunks::per_worker(4),
                Chunks::guided(),
            ] {
                let expected: Vec<String> = (0..n).map(|i| i.to_string()).collect();
                let job = || over(0..n).chunk(c).map(|i| i.to_string());
                assert_eq!(job().run(&Scoped(w))?, expected);
                let mut seen = Vec::new();
                job().for_each(&Scoped(w), |i, s| {
                    assert_eq!(i, seen.len());
                    seen.push(s);
                })?;
                assert_eq!(seen, expected);
            }
        }
    }
    Ok(())
}

#[test]
fn the_lowest_failure_is_the_error() {
    for _ in 0..200 {
        let e = over(0..100)
            .map(|i| {
                if i == 7 {
                    std::thread::sleep(std::time::Duration::from_micros(300));
                }
                if i == 40 || i == 7 {
                    panic!("item {i}")
                }
                i.to_string()
            })
            .run(&Scoped(3))
            .unwrap_err();
        assert_eq!(e.item().unwrap().index(), 7, "{e}");
        assert!(
            e.item()
                .unwrap()
                .location()
                .unwrap()
                .file
                .ends_with("front.rs")
        );
        let r = over(0..100)
            .map(|i| {
                if i % 10 == 3 {
                    Err(format!("e{i}"))
                } else {
                    Ok(i)
                }
            })
            .run_ok(&Scoped(3));
        assert!(matches!(r, Err(Failed::Item { index: 3, error }) if error == "e3"));
    }
    let t = over(0..100).retries(2).map_cx(|i, cx| {
        if i % 10 == 3 && cx.attempt < 2 {
            panic!("again")
        }
        cx.attempt
    });
    let out = t.run(&Scoped(2)).unwrap();
    assert_eq!(out.iter().sum::<u32>(), 20);
    let r = over(0..100)
        .map(|i| if i == 7 { panic!("x") } else { i })
        .try_run(&Scoped(2))
        .unwrap();
    assert_eq!(r.iter().filter(|r| r.is_ok()).count(), 99);
}
