//! What comes out: maps of many kinds, and the same bits as `Serial`.

use partools_core::{Chunks, Executor, Job, Portable, PortableTask, Serial, over};
use partools_frame::Frame;
use partools_frame::arrow_array::{ArrayRef, Float64Array, StringArray};
use partools_mpi::Mpi;
use rand::RngExt;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn maps(mpi: &Mpi) {
    fn same<T: PortableTask<Output: Portable + PartialEq + std::fmt::Debug>>(
        task: &Job<T>,
        mpi: &Mpi,
        expected: &[T::Output],
    ) where
        Mpi: Executor<T>,
    {
        assert_eq!(task.run(mpi).expect("a map"), expected);
    }
    for round in 0..50_usize {
        let count = round * 7;
        let expected: Vec<usize> = (0..count).map(|i| i + 1).collect();
        same(&over(0..count).map(|i| i + 1), mpi, &expected);
    }
    // A map inside the callback of a map.
    let mut inner = 0;
    let outer = over(0..20).map(|i| i).for_each(mpi, |_, _| {
        inner += over(0..5).map(|i| i).run(mpi).expect("a map").len();
    });
    assert!(outer.is_ok() && inner == 100);
    // Items and outputs of many pieces, and a failure that is the lowest.
    let items: Vec<Vec<u8>> = (0..12).map(|i| vec![i; 3_000_000]).collect();
    let bytes = over(&items)
        .chunk(Chunks::of(3))
        .map(|item| item.repeat(2))
        .run(mpi)
        .expect("a map");
    assert!(
        bytes
            .iter()
            .zip(0_u8..)
            .all(|(b, i)| b.len() == 6_000_000 && b.iter().all(|&x| x == i))
    );
    let error = over(0..1000)
        .map(|i| assert!(i % 400 != 399, "no"))
        .run(mpi)
        .expect_err("it fails");
    assert_eq!(error.item().expect("an item").index(), 399);
    println!("all is well");
}

/// One output is longer than a count of MPI's can say.
pub(crate) fn huge(mpi: &Mpi) {
    const LONG: usize = 2_500_000_001;
    let outputs = over(0..3)
        .chunk(Chunks::of(1))
        .map(|i| vec![7_u8; if i == 1 { LONG } else { i + 1 }])
        .run(mpi)
        .expect("a map");
    let lengths: Vec<usize> = outputs.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, LONG, 3]);
    assert!(outputs[1].iter().all(|&byte| byte == 7));
    println!("all is well");
}

/// The main job of the example `section_sum`, smaller: numbers whose sums depend on their order.
pub(crate) fn sums(mpi: &Mpi) {
    let element = |index: usize| {
        let mixed = (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let array: Vec<f64> = (0..2_000_000).map(element).collect();
    let sections: Vec<(usize, usize)> = (0..array.len())
        .step_by(7_001)
        .map(|start| (start, array.len().min(start + 7_001)))
        .collect();
    let job = over(&sections)
        .shared(array.as_slice())
        .map(|&(start, end), array| array[start..end].iter().sum::<f64>());
    assert_eq!(
        bits(&job.run(mpi).expect("a map")),
        bits(&job.run(&Serial).expect("a map"))
    );
    let total = |on: &dyn Fn() -> f64| on().to_bits();
    let sum = over(0..array.len())
        .shared(array.as_slice())
        .map(|i, array| array[i]);
    let on_mpi = || {
        sum.fold(mpi, || 0.0, |sum, x| sum + x, |a, b| a + b)
            .expect("a fold")
    };
    let on_serial = || {
        sum.fold(&Serial, || 0.0, |sum, x| sum + x, |a, b| a + b)
            .expect("a fold")
    };
    assert_eq!(total(&on_mpi), total(&on_serial));
    println!("all is well");
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// The bootstrap of the example `flights`, with few resamples: the mean arrival delay of each carrier.
pub(crate) fn flights(mpi: &Mpi) {
    let table = partools_flights::load().expect("the table");
    let mut carriers = BTreeMap::<&str, Vec<i16>>::new();
    let rows = table
        .texts("carrier")
        .iter()
        .zip(table.numbers("arr_delay"));
    for (carrier, delay) in rows {
        if let (Some(carrier), Some(delay)) = (carrier, delay) {
            let delay = i16::try_from(*delay).expect("a delay in minutes");
            carriers.entry(carrier).or_default().push(delay);
        }
    }
    let delays: Vec<i16> = carriers.values().flatten().copied().collect();
    let mut blocks = Vec::new();
    let mut start = 0;
    for of_carrier in carriers.values() {
        let end = start + of_carrier.len();
        blocks.extend((0..8).map(|_| (start, end, 3_usize)));
        start = end;
    }
    let job = over(&blocks).shared(delays.as_slice()).seed(2013).map_cx(
        |&(start, end, resamples), cx| {
            let (delays, mut rng) = (&cx.shared[start..end], cx.rng());
            let means = (0..resamples).map(|_| {
                let draw = |_| i64::from(delays[rng.random_range(0..delays.len())]);
                (0..delays.len()).map(draw).sum::<i64>() as f64 / delays.len() as f64
            });
            means.collect::<Vec<f64>>()
        },
    );
    let [there, here] = [
        job.run(mpi).expect("a map"),
        job.run(&Serial).expect("a map"),
    ];
    assert_eq!(here.len(), 16 * 8);
    assert_eq!(bits(&there.concat()), bits(&here.concat()));
    println!("all is well");
}

/// Groups of flights: several numbers for each, a column as long as the frame, and a group that fails by its key.
pub(crate) fn frame(mpi: &Mpi) {
    let table = partools_flights::load().expect("the table");
    let texts = |name| table.texts(name).iter().collect::<StringArray>();
    let numbers = |name| {
        let numbers = table.numbers(name).iter();
        numbers.map(|n| n.map(f64::from)).collect::<Float64Array>()
    };
    let columns: [(&str, ArrayRef); 4] = [
        ("origin", Arc::new(texts("origin"))),
        ("dest", Arc::new(texts("dest"))),
        ("delay", Arc::new(numbers("arr_delay"))),
        ("distance", Arc::new(numbers("distance"))),
    ];
    let frame = Frame::new(columns).expect("a frame");
    let slopes = frame.group_by(["origin", "dest"]).apply(|group| {
        let (delay, distance) = (
            group.valid::<f64>("delay")?,
            group.valid::<f64>("distance")?,
        );
        let mean = delay.iter().sum::<f64>() / delay.len() as f64;
        let spread = delay.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        Ok((mean, spread.sqrt(), distance.iter().sum::<f64>()))
    });
    let [there, here] = [
        slopes.run(mpi).expect("a map"),
        slopes.run(&Serial).expect("a map"),
    ];
    assert_eq!(there.batch(), here.batch());
    assert!(here.num_rows() > 200);
    let value = |frame: &Frame| bits(frame.values::<f64>("value_1").expect("a column"));
    assert_eq!(value(&there), value(&here));
    let failing = frame.group_by(["dest"]).apply(|group| {
        assert!(!group.key().to_string().contains("BOS"), "no planes");
        Ok(1.0)
    });
    let error = failing.run(mpi).expect_err("it panics").to_string();
    assert!(
        error.contains("BOS") && error.contains("it was with rank "),
        "{error}"
    );
    println!("all is well");
}
