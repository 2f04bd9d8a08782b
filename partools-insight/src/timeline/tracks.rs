//! Slices laid out on tracks. A viewer takes two slices of one track that overlap for calls within calls, or draws
//! nonsense; claims of workers that nobody names do overlap, so they get as many tracks as were out at once.

use super::tape::Slice;
use std::collections::BTreeMap;
use std::time::Instant;

/// A worker, or those that nobody names; and which of its tracks, from 0.
pub(super) type Track = (Option<usize>, usize);

/// The track of each slice.
pub(super) fn lay_out(slices: &[Slice]) -> Vec<Track> {
    let mut order: Vec<usize> = (0..slices.len()).collect();
    order.sort_by_key(|&i| (slices[i].begun, slices[i].ended));
    let mut tracks = vec![(None, 0); slices.len()];
    // When the last slice of each track of a worker ends.
    let mut ends: BTreeMap<Option<usize>, Vec<Instant>> = BTreeMap::new();
    for i in order {
        let slice = &slices[i];
        let lanes = ends.entry(slice.worker).or_default();
        let free = lanes.iter().position(|end| *end <= slice.begun);
        let lane = free.unwrap_or(lanes.len());
        match lanes.get_mut(lane) {
            Some(end) => *end = slice.ended,
            None => lanes.push(slice.ended),
        }
        tracks[i] = (slice.worker, lane);
    }
    tracks
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn slices_that_overlap_lie_on_tracks_of_their_own() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let slice = |worker, begun, ended| Slice {
            worker,
            items: 0..1,
            begun: at(begun),
            ended: at(ended),
            failed: 0,
        };
        let slices = [
            slice(None, 5, 9),
            slice(None, 0, 6),
            slice(None, 6, 7),
            slice(Some(3), 0, 4),
            slice(Some(3), 4, 8),
            slice(None, 6, 10),
        ];
        let tracks = lay_out(&slices);
        assert_eq!(tracks[3..5], [(Some(3), 0), (Some(3), 0)]);
        assert_eq!(tracks[..3], [(None, 1), (None, 0), (None, 0)]);
        assert_eq!(tracks[5], (None, 2));
    }
}
