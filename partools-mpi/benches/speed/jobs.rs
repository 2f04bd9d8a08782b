//! What runs inside the jobs. Each prints lines of a name, a colon and a number.

use crate::Size;
use crate::own_memory::memory;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use partools_core::{Chunks, over};
use partools_mpi::Mpi;
use partools_os::SharedVec;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

pub(crate) fn inside(job: &str, size: Size) -> Result<(), Box<dyn Error>> {
    if job == "broadcast" {
        return broadcast(size);
    }
    let mpi = partools_mpi::init()?; // every rank but 0 stays here
    match job {
        "items" => items(&mpi, size),
        "noops" => noops(&mpi, size),
        "chunks" => chunks(&mpi, size),
        "published" => published(&mpi, size),
        _ => Err(format!("there is no job {job:?}").into()),
    }
}

/// So much work, whatever else the processor does meanwhile.
fn work(turns: u64) -> u64 {
    (0..turns).fold(1, |x, i| {
        black_box(x).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ i
    })
}

/// How many turns take a millisecond here, where nobody else works: the best of many tries.
fn turns_of_a_millisecond() -> u64 {
    let turns = 100_000_u64;
    let best = (0..50).map(|_| {
        let begun = Instant::now();
        black_box(work(turns));
        begun.elapsed()
    });
    let best = best.min().unwrap_or_default().as_nanos().max(1);
    u64::try_from(u128::from(turns) * 1_000_000 / best).unwrap_or(u64::MAX)
}

fn seconds(map: impl FnOnce() -> Result<(), partools_core::Error>) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    map()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Items of 1 ms; and the same work in two items, which no dealing can hold up.
fn items(mpi: &Mpi, size: Size) -> Result<(), Box<dyn Error>> {
    let turns = turns_of_a_millisecond();
    let items = vec![turns; size.items];
    let halves = [turns * size.items as u64 / 2; 2];
    let of = |items: &[u64]| {
        seconds(|| {
            let map = over(items).map(|&turns| black_box(work(turns)));
            map.run(mpi).map(|_| ())
        })
    };
    of(&items)?; // all is warm
    println!("items s: {}", of(&items)?);
    let whole = seconds(|| {
        let map = over(&halves).chunk(Chunks::of(1));
        map.map(|&turns| black_box(work(turns)))
            .run(mpi)
            .map(|_| ())
    })?;
    println!("ideal s: {whole}");
    Ok(())
}

fn noops(mpi: &Mpi, size: Size) -> Result<(), Box<dyn Error>> {
    let map = || over(0..size.noops).map(|i| i as u64).run(mpi).map(|_| ());
    map()?;
    println!("noops per s: {}", size.noops as f64 / seconds(map)?);
    Ok(())
}

/// Each item a chunk of its own, which does nothing: what rank 0 can deal.
fn chunks(mpi: &Mpi, size: Size) -> Result<(), Box<dyn Error>> {
    let map = || {
        let map = over(0..size.chunks).chunk(Chunks::of(1));
        map.map(|i| i as u64).run(mpi).map(|_| ())
    };
    println!("chunks per s: {}", size.chunks as f64 / seconds(map)?);
    Ok(())
}

/// A vector is handed out, to workers that read nothing of it; a `SharedVec` is, twice; and what each rank has of its own.
fn published(mpi: &Mpi, size: Size) -> Result<(), Box<dyn Error>> {
    let hand_out = |bytes: &[u8]| {
        seconds(|| {
            let map = over(0..mpi.ranks()).shared(bytes);
            map.map(|_, bytes| bytes.len()).run(mpi).map(|_| ())
        })
    };
    // Each worker has one item: they wait for one another.
    let own = |bytes: &[u8]| -> Result<f64, partools_core::Error> {
        let owned = over(0..mpi.ranks() - 1).chunk(Chunks::of(1)).shared(bytes);
        let owned = owned.map(|_, bytes| {
            black_box(bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>());
            std::thread::sleep(Duration::from_millis(20));
            memory(bytes.as_ptr() as usize).1
        });
        let owned = owned.run(mpi)?;
        Ok(owned.into_iter().max().unwrap_or(0) as f64 / 1e6)
    };
    let vector = vec![1_u8; size.bytes];
    let before = own(&vector[..1])?;
    println!("published s: {}", hand_out(&vector)?);
    println!("private before MB: {before}");
    println!("private grown MB: {}", own(&vector)? - before);
    let shared = SharedVec::from_slice(&vector)?;
    drop(vector);
    hand_out(&shared)?;
    println!("published again s: {}", hand_out(&shared)?);
    Ok(())
}

/// A bare broadcast to memory that was written before, and a copy within memory of one process, likewise.
fn broadcast(size: Size) -> Result<(), Box<dyn Error>> {
    let universe = mpi::initialize().ok_or("MPI could not be begun")?;
    let world = universe.world();
    let mut bytes = vec![1_u8; size.bytes];
    let root = world.process_at_rank(0);
    world.barrier();
    let begun = Instant::now();
    root.broadcast_into(&mut bytes[..]);
    world.barrier();
    let took = begun.elapsed().as_secs_f64();
    if world.rank() == 0 {
        println!("broadcast s: {took}");
        let mut other = vec![2_u8; size.bytes];
        let begun = Instant::now();
        other.copy_from_slice(black_box(&bytes));
        black_box(&other);
        println!("memcpy s: {}", begun.elapsed().as_secs_f64());
    }
    world.barrier();
    Ok(())
}
