//! One image, convolved with filters of 4 x 4, and every fifth pixel of the result in each direction kept: mpire's first
//! benchmark (its scipy call is `convolve2d(image, filter)[::5, ::5]`, which computes all pixels).

use crate::work::Work;
use std::hint::black_box;

const EACH: usize = 5;

/// The image is shared, a filter is an item.
///
/// ```
/// use partools_bench::{Convolve, Work};
/// let image = Convolve::image(8);
/// // A filter of one corner leaves the image as it is; of 11 x 11 pixels those at 0, 5 and 10 are kept.
/// let mut filter = [0.0; 16];
/// filter[0] = 1.0;
/// let at = |y: usize, x: usize| image[y * 8 + x];
/// let kept = [at(0, 0), at(0, 5), 0.0, at(5, 0), at(5, 5), 0.0, 0.0, 0.0, 0.0];
/// assert_eq!(Convolve::call(&filter, &image), kept);
/// ```
#[derive(Debug)]
pub struct Convolve;

impl Convolve {
    /// `side * side` whole numbers below 256.
    #[must_use]
    pub fn image(side: usize) -> Vec<f64> {
        (0..side * side)
            .map(|i| ((i * 7919 + 13) % 256) as f64)
            .collect()
    }

    /// Filter `number`: whole numbers from -3 to 3.
    #[must_use]
    pub fn filter(number: usize) -> [f64; 16] {
        std::array::from_fn(|k| ((k * 31 + number * 17) % 7) as f64 - 3.0)
    }
}

impl Work for Convolve {
    type Item = [f64; 16];
    type Shared = f64;
    type Output = Vec<f64>;

    const SHARES: bool = true;

    fn call(filter: &[f64; 16], image: &[f64]) -> Vec<f64> {
        let side = image.len().isqrt();
        let full = side + 3;
        let (mut row, mut kept) = (vec![0.0; full], Vec::new());
        for y in 0..full {
            row.fill(0.0);
            for a in (0..4).filter(|a| (*a..side + a).contains(&y)) {
                let source = &image[(y - a) * side..][..side];
                for b in 0..4 {
                    let factor = filter[a * 4 + b];
                    for (sum, pixel) in row[b..b + side].iter_mut().zip(source) {
                        *sum += factor * pixel;
                    }
                }
            }
            // As scipy does, all pixels are computed, also those that nobody keeps.
            let row = black_box(&row);
            if y % EACH == 0 {
                kept.extend(row.iter().step_by(EACH));
            }
        }
        kept
    }

    /// The pixels, each weighed by its place; below zero they count from the modulus down, as in Python.
    fn digest(output: &Vec<f64>) -> u64 {
        let weighed = |(i, pixel): (usize, &f64)| *pixel as i64 * (i as i64 % 13 + 1);
        let sum: i64 = output.iter().enumerate().map(weighed).sum();
        sum.rem_euclid(crate::digest::P as i64) as u64
    }
}
