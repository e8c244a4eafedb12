//! How many parcels may be under way: fewer when pictures are large, so that memory stays bounded.

/// Bytes of pictures that the parcels may hold together: of large pictures fewer are under way.
const MOST_BYTES: usize = 320 << 20;
/// Parcels that there are of the largest pictures too: one each with the source, a worker and the sinks.
const FEWEST: usize = 3;

/// How many of `parcels` may be under way when each holds a picture of this size.
pub(super) fn under_way(parcels: usize, (width, height): (usize, usize)) -> usize {
    let bytes = width.saturating_mul(height).saturating_mul(3).max(1);
    parcels.min((MOST_BYTES / bytes).max(FEWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_fewer() {
        assert_eq!(under_way(6, (1920, 1080)), 6);
        assert_eq!(under_way(34, (3840, 2160)), 13);
        assert_eq!(under_way(34, (7680, 4320)), 3);
        assert_eq!(under_way(6, (usize::MAX, usize::MAX)), 3);
        assert_eq!(under_way(4, (0, 0)), 4);
    }
}
