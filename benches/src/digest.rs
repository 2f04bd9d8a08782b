//! One number for all outputs of a map, to compare a contender's results with the plain loop's.
//!
//! `sum over i of (d_i mod P) * (i mod 1021 + 1)`, modulo P = 2^31 - 1, where `d_i` is the digest of output i. The
//! weights make the order count; everything stays below 2^53, so that Python and R compute it too.

/// The modulus, the largest prime below 2^31.
pub(crate) const P: u64 = (1 << 31) - 1;

/// A digest in the making.
///
/// ```
/// use partools_bench::Digest;
/// let of = |outputs: &[u64]| {
///     let mut digest = Digest::new();
///     outputs.iter().for_each(|output| digest.add(*output));
///     digest.value()
/// };
/// assert_eq!(of(&[5, 7]), 5 + 2 * 7);
/// assert_ne!(of(&[5, 7]), of(&[7, 5]));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Digest {
    index: u64,
    sum: u64,
}

impl Digest {
    /// Of no outputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The digest of the next output, in item order.
    #[inline]
    pub fn add(&mut self, output: u64) {
        self.sum = (self.sum + (output % P) * (self.index % 1021 + 1)) % P;
        self.index += 1;
    }

    /// Of those so far.
    #[must_use]
    pub fn value(self) -> u64 {
        self.sum
    }
}
