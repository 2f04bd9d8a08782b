//! A server's maps, under tokio: worker processes started from a program that has threads, and kept between requests.
//!
//! ```text
//! cargo run --release --example tokio
//! ```
//!
//! Three things make it right: `partools::init()` comes before the runtime, in a plain `main` (not under `#[tokio::main]`, which
//! starts threads first); a map runs inside `spawn_blocking`, since it waits; and one `Ipc` is cloned into all requests, whose
//! workers they share in turn. `cargo test` runs it, too.
#![allow(clippy::print_stdout)] // a program: it prints what it found

use std::error::Error;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn Error>> {
    partools::init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    runtime.block_on(server::serve())
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("there is no Ipc on this system".into())
}

#[cfg(target_os = "linux")]
mod server {
    use partools::{Ipc, SharedVec, over};
    use std::error::Error;
    use std::sync::Arc;
    use tokio::task::spawn_blocking;

    /// What all requests look at: nobody copies it.
    type Prices = Arc<SharedVec<f64>>;

    /// Answers eight requests at once; one of them kills its worker.
    pub(super) async fn serve() -> Result<(), Box<dyn Error>> {
        let ipc = Ipc::new().workers(2);
        let prices: Prices = Arc::new(SharedVec::from_fn(1_000_000, |i| i as f64)?);
        let requests = (0..8).map(|request| {
            let (ipc, prices) = (ipc.clone(), Arc::clone(&prices));
            spawn_blocking(move || answer(request, &prices, &ipc))
        });
        // All are under way before the first is waited for.
        let requests: Vec<_> = requests.collect();
        for (request, answer) in requests.into_iter().enumerate() {
            match answer.await? {
                Ok(sum) => println!("request {request}: {sum}"),
                Err(error) => println!("request {request}: {error}"),
            }
        }
        // The server lives, and so do its workers, one of which is new.
        let again = spawn_blocking(move || answer(0, &prices, &ipc)).await??;
        println!("request 0 again: {again}");
        assert_eq!(again, 4_995.0);
        Ok(())
    }

    /// The sum of ten prices.
    fn answer(request: usize, prices: &[f64], ipc: &Ipc) -> Result<f64, partools::Error> {
        let places: Vec<usize> = (0..10).map(|i| request * 1000 + i * 111).collect();
        let job = over(&places).shared(prices).map(|place, prices| {
            if *place == 5_555 {
                std::process::abort();
            }
            prices[*place]
        });
        let summed = job.run(ipc).map(|prices| prices.into_iter().sum());
        assert_eq!(summed.is_err(), request == 5, "only that one crashes");
        summed
    }
}
