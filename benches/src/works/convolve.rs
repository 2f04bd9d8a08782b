//! One image, convolved with filters of 4 x 4, and every fifth pixel of the result in each direction kept: mpire's first
//! benchmark (its scipy call is `convolve2d(image, filter)[::5, ::5]`, which computes all pixels).

use crate::work::Work;
use std::hint::black_box;

const EACH: usize = 5;

/// The image is shared, a filter is an item.
pub(crate) struct Convolve;

impl Convolve {
    /// `side * side` whole numbers below 256.
    pub(crate) fn image(side: usize) -> Vec<f64> {
        (0..side * side)
            .map(|i| ((i * 7919 + 13) % 256) as f64)
            .collect()
    }

    pub(crate) fn filter(number: usize) -> [f64; 16] {
        std::array::from_fn(|k| ((k * 31 + number * 17) % 7) as f64 - 3.0)
    }
}

impl Work for Convolve {
    type Item = [f64; 16];
    type Shared = [f64];
    type Output = Vec<f64>;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_one_corner_moves_the_image() {
        let image = Convolve::image(8);
        let mut filter = [0.0; 16];
        filter[0] = 1.0;
        let kept = Convolve::call(&filter, &image);
        // Every fifth of 11 pixels in each direction: those at 0, 5 and 10.
        let at = |y: usize, x: usize| {
            if y < 8 && x < 8 {
                image[y * 8 + x]
            } else {
                0.0
            }
        };
        let expected: Vec<f64> = [0, 5, 10]
            .iter()
            .flat_map(|&y| [0, 5, 10].map(|x| at(y, x)))
            .collect();
        assert_eq!(kept, expected);
    }
}
