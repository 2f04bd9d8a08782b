//! The table of the db-benchmark's group-by task, `G1_n_1e2_0_0`, exactly as its script in R makes it: R's generator of random
//! numbers (Mersenne Twister, seeded by `set.seed(108)`), `sample` by rejection, and the columns in the script's order.
//!
//! Its sums are known for 1e7 rows, and asserted here: a table that differs would be another benchmark.

use arrow_array::{ArrayRef, Float64Array, Int32Array, StringArray};
use partools_frame::Frame;
use std::sync::Arc;

/// How many groups the columns of few groups have.
const GROUPS: u32 = 100;
const SEED: u32 = 108;

/// The table of `rows` rows.
pub(crate) fn table(rows: usize) -> Frame {
    let many = u32::try_from(rows).expect("fewer rows than 2^32") / GROUPS;
    let mut random = Random::seeded(SEED);
    let id1 = texts(&random.sample(GROUPS, rows), 3);
    let id2 = texts(&random.sample(GROUPS, rows), 3);
    let id3 = texts(&random.sample(many, rows), 10);
    let mut numbers = |most| -> ArrayRef { Arc::new(Int32Array::from(random.sample(most, rows))) };
    let (id4, id5, id6) = (numbers(GROUPS), numbers(GROUPS), numbers(many));
    let (v1, v2) = (numbers(5), numbers(15));
    let v3: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows).map(|_| {
        let uniform = random.uniform() * 100.0;
        (uniform * 1e6).round_ties_even() / 1e6
    })));
    let columns = [
        ("id1", id1),
        ("id2", id2),
        ("id3", id3),
        ("id4", id4),
        ("id5", id5),
        ("id6", id6),
        ("v1", v1),
        ("v2", v2),
        ("v3", v3),
    ];
    let table = Frame::new(columns).expect("columns of one length");
    if rows == 10_000_000 {
        assert_published(&table);
    }
    table
}

/// `id` and a number filled up with zeros.
fn texts(numbers: &[i32], digits: usize) -> ArrayRef {
    let text = |n: &i32| format!("id{n:0digits$}");
    Arc::new(StringArray::from_iter_values(numbers.iter().map(text)))
}

fn assert_published(table: &Frame) {
    let sum = |name: &str| -> i64 {
        let values = table.values::<i32>(name).expect("integers");
        values.iter().copied().map(i64::from).sum()
    };
    assert_eq!((sum("v1"), sum("v2")), (29_998_789, 79_989_360));
    let v3: f64 = table.values::<f64>("v3").expect("floats").iter().sum();
    assert_eq!(format!("{v3:.3}"), "499976651.408");
}

/// R's default generator: MT19937 (Matsumoto and Nishimura, 1998), seeded by a linear congruence, as R does.
struct Random {
    state: [u32; Self::SIZE],
    next: usize,
}

impl Random {
    const SIZE: usize = 624;
    const AHEAD: usize = 397;

    fn seeded(mut seed: u32) -> Self {
        let mut congruence = || {
            seed = seed.wrapping_mul(69_069).wrapping_add(1);
            seed
        };
        // The first 50 are thrown away; the next one is the position, which is then set to the end.
        for _ in 0..=50 {
            congruence();
        }
        Random {
            state: std::array::from_fn(|_| congruence()),
            next: Self::SIZE,
        }
    }

    fn refill(&mut self) {
        for at in 0..Self::SIZE {
            let high = self.state[at] & 0x8000_0000;
            let low = self.state[(at + 1) % Self::SIZE] & 0x7FFF_FFFF;
            let twist = if low & 1 == 1 { 0x9908_B0DF } else { 0 };
            let ahead = self.state[(at + Self::AHEAD) % Self::SIZE];
            self.state[at] = ahead ^ ((high | low) >> 1) ^ twist;
        }
        self.next = 0;
    }

    /// Between 0 and 1, never at either end.
    fn uniform(&mut self) -> f64 {
        if self.next == Self::SIZE {
            self.refill();
        }
        let mut bits = self.state[self.next];
        self.next += 1;
        bits ^= bits >> 11;
        bits ^= (bits << 7) & 0x9D2C_5680;
        bits ^= (bits << 15) & 0xEFC6_0000;
        bits ^= bits >> 18;
        let unit = 2.328_306_437_080_797e-10; // 1 / (2^32 - 1)
        (f64::from(bits) * 2.328_306_436_538_696_3e-10).clamp(0.5 * unit, 1.0 - 0.5 * unit)
    }

    /// `sample(most, count, replace = TRUE)`: as many random bits as `most` has, 16 at a time, until they are below it.
    fn sample(&mut self, most: u32, count: usize) -> Vec<i32> {
        let bits = u64::from(most).next_power_of_two().trailing_zeros();
        let mask = (1_u64 << bits) - 1;
        let mut draw = || loop {
            let mut drawn = 0_u64;
            for _ in 0..=bits / 16 {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to 65535"
                )]
                let next = (self.uniform() * 65_536.0).floor() as u64;
                drawn = (drawn << 16) + next;
            }
            drawn &= mask;
            if drawn < u64::from(most) {
                return i32::try_from(drawn + 1).expect("fewer than 2^31");
            }
        };
        (0..count).map(|_| draw()).collect()
    }
}
