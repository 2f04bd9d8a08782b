//! What each workload could at best take: what ratios are ratios to.

/// What the best that could be is taken to be. With other processes on all processors it is more: see
/// [`Ideal::seconds`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ideal {
    /// The plain loop's median in the same rounds, shared evenly by the workers. No contender reaches it where memory
    /// or a vector's first touch is what costs: two processors have one memory.
    LoopShare,
    /// So many seconds, from the items' own times: an even share of them, and no less than the longest
    /// ([`least_time`](crate::least_time)).
    Seconds(f64),
    /// The median of copying all output bytes once into fresh memory, on one thread.
    Memcpy,
}

impl Ideal {
    /// The name of the contender whose median it is computed from, if it is.
    #[must_use]
    pub fn reference(self) -> Option<&'static str> {
        match self {
            Ideal::LoopShare => Some("loop"),
            Ideal::Memcpy => Some("memcpy"),
            Ideal::Seconds(_) => None,
        }
    }

    /// The ideal in seconds, where `reference` is the median of its reference, and `neighbours` other processes keep
    /// all of as many processors busy.
    ///
    /// A fair scheduler gives each of `w` workers beside `n` neighbours on `n` processors `n / (w + n)` of one. So
    /// items take `(w + n) / n` times as long; and the plain loop, which has `n / (1 + n)`, was slowed already.
    ///
    /// ```
    /// use partools_bench::Ideal;
    /// assert_eq!(Ideal::LoopShare.seconds(3.0, 2, 0), 1.5);
    /// assert_eq!(Ideal::LoopShare.seconds(3.0, 2, 2), 2.0); // 2 s of work on two halves of processors
    /// assert_eq!(Ideal::Seconds(1.0).seconds(0.0, 2, 2), 2.0);
    /// ```
    #[must_use]
    pub fn seconds(self, reference: f64, workers: usize, neighbours: usize) -> f64 {
        let (w, n) = (workers as f64, neighbours as f64);
        match self {
            Ideal::LoopShare if neighbours == 0 => reference / w,
            Ideal::LoopShare => reference / w * (w + n) / (1.0 + n),
            Ideal::Seconds(seconds) if neighbours == 0 => seconds,
            Ideal::Seconds(seconds) => seconds * (w + n) / n,
            Ideal::Memcpy => reference,
        }
    }
}
