//! Fakes beside the real faces that they were made from, and clips as wholes: what the columns `pair` and `group` of a list
//! are for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use serde::Serialize;

use super::{RunScores, ScoredFace};
use crate::data::list::Label;
use crate::metrics::{AucInterval, ClipAuc, ClipFrame, InOrder, PairScores, Scored, auc_interval, by_clip, in_order};

/// Fakes against the real faces of their own groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Matched {
    /// Faces one by one.
    pub faces: Option<AucInterval>,
    /// A score for all faces of a group and label.
    pub clips: Option<ClipAuc>,
    /// Pairs of a fake and its own real face; nothing where the list names none.
    pub pairs: Option<InOrder>,
}

/// By source of the fakes, and `all` of those that are pooled; empty where no group has faces of both labels.
pub type MatchedSources = BTreeMap<String, Matched>;

/// The name of the line over all sources.
pub const ALL: &str = "all";

/// What a run comes to on groups with faces of both labels.
#[must_use]
pub fn matched(faces: &[ScoredFace], run: &RunScores, apart: &[String]) -> MatchedSources {
    let groups_with = |label| -> BTreeSet<&str> {
        faces.iter().filter(|face| face.label == label).filter_map(|face| face.group.as_deref()).collect()
    };
    let real = groups_with(Label::Authentic);
    let fakes = |face: &&ScoredFace| {
        face.label == Label::Synthetic && face.group.as_deref().is_some_and(|group| real.contains(group))
    };
    let sources: BTreeSet<&str> = faces.iter().filter(fakes).map(|face| face.source.as_str()).collect();
    let of = |wanted: &dyn Fn(&str) -> bool| of_sources(faces, run, wanted);
    let mut found: MatchedSources =
        sources.iter().map(|&source| (source.to_owned(), of(&|other| other == source))).collect();
    if sources.len() > 1 {
        found.insert(ALL.to_owned(), of(&|source| !apart.iter().any(|apart| apart == source)));
    }
    found
}

/// Fakes of some sources, with the real faces of the same groups.
fn of_sources(faces: &[ScoredFace], run: &RunScores, wanted: &dyn Fn(&str) -> bool) -> Matched {
    let is_fake = |face: &ScoredFace| face.label == Label::Synthetic && wanted(&face.source);
    let groups: BTreeSet<&str> =
        faces.iter().filter(|face| is_fake(face)).filter_map(|face| face.group.as_deref()).collect();
    let mut frames = Vec::new();
    for (face, logits) in faces.iter().zip(&run.logits) {
        let Some(group) = face.group.as_deref().filter(|group| groups.contains(group)) else { continue };
        if is_fake(face) || face.label == Label::Authentic {
            let difference = f64::from(logits.synthetic) - f64::from(logits.authentic);
            frames.push((face, ClipFrame { group, difference, label: face.label }));
        }
    }
    // A fake without a real face in its group is matched by nothing.
    let with_real: BTreeSet<&str> =
        frames.iter().filter(|(face, _)| face.label == Label::Authentic).map(|(_, frame)| frame.group).collect();
    frames.retain(|(_, frame)| with_real.contains(frame.group));
    let by_path: HashMap<&str, &ClipFrame<'_>> =
        frames.iter().map(|(face, frame)| (face.path.as_str(), frame)).collect();
    // Either half may name the other; both together are one pair.
    let mut pairs: BTreeMap<(&str, &str), PairScores<'_>> = BTreeMap::new();
    for (face, frame) in &frames {
        let Some((path, other)) = face.pair.as_deref().and_then(|path| by_path.get_key_value(path)) else { continue };
        let (fake, real, names) = match (frame.label, other.label) {
            (Label::Synthetic, Label::Authentic) => (frame, *other, (face.path.as_str(), *path)),
            (Label::Authentic, Label::Synthetic) => (*other, frame, (*path, face.path.as_str())),
            _ => continue,
        };
        pairs.insert(names, PairScores { group: fake.group, fake: fake.difference, real: real.difference });
    }
    let scored = frames.iter().map(|(_, frame)| Scored { score: frame.difference, label: frame.label });
    Matched {
        faces: auc_interval(&scored.collect::<Vec<_>>()),
        clips: by_clip(&frames.iter().map(|&(_, frame)| frame).collect::<Vec<_>>()),
        pairs: in_order(&pairs.into_values().collect::<Vec<_>>()),
    }
}

/// Writes what a run comes to as a table.
pub(super) fn write_matched(page: &mut String, name: &str, matched: &MatchedSources) -> std::fmt::Result {
    if matched.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "\nFakes of {name} against the real faces of their own groups, with 95 % intervals. A clip is all faces of a group and\n\
         label; a pair is a fake and its own real face, in order when the fake scores higher:\n"
    )?;
    writeln!(
        page,
        "| source | AUC of faces | clips (real, synthetic) | AUC of clips by mean | by 80th percentile | pairs (groups) | pairs in \
         order |\n|---|---|---|---|---|---|---|"
    )?;
    let auc = |auc: Option<AucInterval>| {
        auc.map_or_else(|| "-".to_owned(), |auc| format!("{:.3} ({:.3} to {:.3})", auc.value, auc.low, auc.high))
    };
    for (source, Matched { faces, clips, pairs }) in matched {
        let counts = clips.map_or_else(|| "-".to_owned(), |clips| format!("{}, {}", clips.authentic, clips.synthetic));
        let (mean, quantile) = (clips.and_then(|clips| clips.mean), clips.and_then(|clips| clips.quantile));
        let (number, share) = pairs.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |pairs| {
                let InOrder { pairs, groups, share, low, high } = pairs;
                (format!("{pairs} ({groups})"), format!("{share:.3} ({low:.3} to {high:.3})"))
            },
        );
        writeln!(
            page,
            "| {source} | {} | {counts} | {} | {} | {number} | {share} |",
            auc(*faces),
            auc(mean),
            auc(quantile)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cyborg_edge::verdict::Logits;
    use cyborg_models::contract::{Calibration, Thresholds};

    use super::*;

    fn face(path: &str, source: &str, group: Option<&str>, pair: Option<&str>) -> ScoredFace {
        let label = if source.starts_with("real") { Label::Authentic } else { Label::Synthetic };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (group, pair) = (owned(group), owned(pair));
        ScoredFace { path: path.into(), label, source: source.into(), video: None, group, pair }
    }

    #[test]
    fn pairs_and_clips_are_counted_by_hand() {
        // Differences of logits beside the faces.
        let listed = [
            (face("r1", "real_a", Some("g1"), Some("f1")), 0.0),
            (face("r2", "real_a", Some("g1"), Some("f2")), 1.0),
            (face("r3", "real_a", Some("g2"), Some("f3")), 2.0),
            (face("f1", "swap", Some("g1"), Some("r1")), 0.5),
            (face("f2", "swap", Some("g1"), Some("r2")), 0.5),
            // Named by its real face alone.
            (face("f3", "swap", Some("g2"), None), 2.0),
            // Of another source, and of no pair.
            (face("f4", "other", Some("g2"), None), 9.0),
            // Neither group nor pair; and a group that has no real face.
            (face("f5", "swap", None, None), -9.0),
            (face("f6", "swap", Some("g9"), Some("gone")), -9.0),
            (face("r4", "real_b", None, None), 9.0),
        ];
        let (faces, differences): (Vec<_>, Vec<f32>) = listed.into_iter().unzip();
        let run = RunScores {
            name: "seed-1".to_owned(),
            calibration: Calibration::NONE,
            thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
            logits: differences.iter().map(|&synthetic| Logits { authentic: 0.0, synthetic }).collect(),
        };
        let found = matched(&faces, &run, &[]);
        assert_eq!(found.keys().collect::<Vec<_>>(), [ALL, "other", "swap"]);
        let swap = &found["swap"];
        // In order, not, and a tie: 1.5 of 3 in two groups.
        let pairs = swap.pairs.expect("there are pairs");
        assert_eq!((pairs.pairs, pairs.groups, pairs.share), (3, 2, 0.5));
        let auc = |auc: Option<AucInterval>| auc.expect("both labels are there").value;
        // Real 0, 1, 2; fakes 0.5, 0.5, 2: in order 1, 1 and 2.5 of 3 each.
        assert!((auc(swap.faces) - 4.5 / 9.0).abs() < 1e-12);
        // Clips: real 0.5 and 2, fakes 0.5 and 2: three of four and two ties in halves.
        let clips = swap.clips.expect("there are clips");
        assert_eq!((clips.authentic, clips.synthetic, auc(clips.mean)), (2, 2, 0.5));
        // 80th percentiles: real 0.8 and 2, fakes 0.5 and 2: 0, and 1 and a half.
        assert_eq!(auc(clips.quantile), 0.375);
        assert_eq!((found["other"].pairs, auc(found["other"].faces)), (None, 1.0));
        let mut page = String::new();
        write_matched(&mut page, "seed-1", &found).expect("a string takes all");
        assert!(page.contains("| swap | 0.500 (") && page.contains("| 3 (2) | 0.500 ("), "{page}");
        assert!(matched(&faces[..3], &run, &[]).is_empty());
    }

    #[test]
    fn sources_apart_are_not_in_the_line_of_all() {
        let faces = [
            face("r1", "real", Some("g"), Some("f1")),
            face("f1", "one", Some("g"), Some("r1")),
            face("f2", "other", Some("g"), Some("r1")),
        ];
        let run = RunScores {
            name: "seed-1".to_owned(),
            calibration: Calibration::NONE,
            thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
            logits: [0.0, 1.0, -1.0].map(|synthetic| Logits { authentic: 0.0, synthetic }).to_vec(),
        };
        let share = |apart: &[String]| matched(&faces, &run, apart)[ALL].pairs.map(|pairs| pairs.share);
        assert_eq!((share(&[]), share(&["other".to_owned()])), (Some(0.5), Some(1.0)));
    }
}
