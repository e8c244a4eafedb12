//! Who judged which camera when: the account that workers of the tests keep, and what it comes to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Between two lines of an account.
pub(crate) const EVERY_MS: u64 = 100;
/// Two lines of a worker further apart than this don't mean that it judged in between.
const LONGEST_GAP_MS: u64 = 450;

/// A worker judged from the first moment to the second, in milliseconds by the machine's clock.
type Span = (u64, u64);

/// The spans of each camera, of each worker's lease.
#[derive(Debug, Default)]
pub(crate) struct Sightings(BTreeMap<String, BTreeMap<String, Vec<Span>>>);

/// What they come to.
#[derive(Debug)]
pub(crate) struct Sum {
    /// The share of the time in which a camera is judged, over all cameras.
    pub(crate) coverage: f64,
    /// The longest time in which two judged the same camera.
    pub(crate) overlap_ms: u64,
    /// The longest time in which nobody judged a camera.
    pub(crate) gap_ms: u64,
}

impl Sightings {
    /// Reads the accounts of a folder: a file a worker, with a line `CAMERA MILLISECONDS` for each moment at which it judges.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut all = Self::default();
        for file in fs::read_dir(folder).expect("it is there").map(|file| file.expect("it can be read").path()) {
            let worker = file.file_name().expect("a file").to_string_lossy().into_owned();
            let text = fs::read_to_string(&file).expect("it can be read");
            // A worker that was killed may leave half a line.
            for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
                let (camera, moment) = line.split_once(' ').expect("two words");
                all.see(camera, &worker, moment.parse().expect("a number"));
            }
        }
        all
    }

    fn see(&mut self, camera: &str, worker: &str, moment: u64) {
        let spans = self.0.entry(camera.to_owned()).or_default().entry(worker.to_owned()).or_default();
        match spans.last_mut() {
            Some((_, end)) if moment.saturating_sub(*end) <= LONGEST_GAP_MS => *end = moment,
            _ => spans.push((moment, moment)),
        }
    }

    /// What so many cameras come to between two moments.
    pub(crate) fn sum(&self, cameras: usize, from: u64, to: u64) -> Sum {
        let (mut covered, mut overlap_ms, mut gap_ms) = (0, 0, 0);
        for workers in self.0.values() {
            let spans = workers.values().flatten().map(|&(begin, end)| (begin.max(from), (end + EVERY_MS).min(to)));
            let mut spans: Vec<Span> = spans.filter(|(begin, end)| begin < end).collect();
            spans.sort_unstable();
            let mut at = from;
            for (begin, end) in spans {
                gap_ms = gap_ms.max(begin.saturating_sub(at));
                covered += end.saturating_sub(begin.max(at));
                at = at.max(end);
            }
            gap_ms = gap_ms.max(to.saturating_sub(at));
            let all: Vec<(&String, &Span)> =
                workers.iter().flat_map(|(worker, spans)| spans.iter().map(move |span| (worker, span))).collect();
            for (number, (worker, (begin, end))) in all.iter().enumerate() {
                for (_, (begin_2, end_2)) in all[..number].iter().filter(|(other, _)| other != worker) {
                    overlap_ms = overlap_ms.max(end.min(end_2).saturating_sub(*begin.max(begin_2)));
                }
            }
        }
        let coverage = covered as f64 / (cameras as f64 * (to - from) as f64);
        Sum { coverage, overlap_ms, gap_ms }
    }
}

#[test]
fn spans_come_to_coverage_and_overlap() {
    let mut all = Sightings::default();
    for moment in (0..=1000).step_by(100) {
        all.see("a", "one", moment);
    }
    for moment in (800..=1500).step_by(100) {
        all.see("a", "two", moment);
    }
    let sum = all.sum(2, 0, 2000);
    assert_eq!((sum.overlap_ms, sum.gap_ms), (200, 400));
    assert!((sum.coverage - 0.4).abs() < 1e-9, "{sum:?}");
}
