//! How often a layer calls real faces of a collection synthetic that it didn't learn from.
//!
//! Each real collection is left out in turn; those of `validation` are unknown anyway. A threshold means nothing across layers, so false alarms are given where a layer finds
//! a stated share of the same generated faces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use super::features::Described;
use super::generated::{self, Examples, Recipe};
use super::judged::LEAST_FACES;
use super::layer::KindLayer;

/// Shares of the generated faces that are found, at which false alarms are counted.
pub const FOUND: [f64; 7] = [0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2];

/// A real collection that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Its name.
    pub source: String,
    /// Its faces.
    pub faces: usize,
    /// Those that are called synthetic at each of [`FOUND`].
    pub called: [usize; FOUND.len()],
    /// The same of its clips, where it has any with several faces.
    pub clips: Option<Clips>,
}

/// Clips of real people, each with the mean evidence of its faces. Frames of one clip are alike, so a share of frames says little about
/// how many people are called synthetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clips {
    /// How many there are.
    pub count: usize,
    /// Those that are called synthetic at each of [`FOUND`].
    pub called: [usize; FOUND.len()],
}

/// Leaves out each real collection with enough faces in turn. `numbers` are those of the faces in `learnt`, where one may be more than
/// once; `fakes` are generated faces of other collections. Nothing when `stop` became true: each collection may take a minute.
///
/// # Errors
///
/// When nothing can be learnt without a collection, or the numbers don't settle.
pub fn strangers(
    recipe: &Recipe<'_>,
    learnt: &Examples<'_>,
    numbers: &[usize],
    fakes: &Described,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Vec<Stranger>>> {
    let Examples { plain, width, sources, .. } = *learnt;
    let real = sources.iter().zip(&plain.labels).filter(|(_, synthetic)| !**synthetic);
    let names: BTreeSet<&str> = real.map(|(source, _)| *source).collect();
    let mut found = Vec::new();
    for name in names {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut seen = BTreeSet::new();
        let is_new = |at: &usize| sources[*at] == name && !plain.labels[*at] && seen.insert(numbers[*at]);
        let those: Vec<usize> = (0..sources.len()).filter(is_new).collect();
        if those.len() < LEAST_FACES {
            continue;
        }
        let kept = |at: usize| sources[at] != name;
        let rest = generated::only(plain, width, kept);
        let [varied, coded] =
            [learnt.varied, learnt.coded].map(|seen| seen.map(|seen| generated::only(seen, width, kept)));
        let of: Vec<&str> = sources.iter().copied().filter(|source| *source != name).collect();
        let examples =
            Examples { plain: &rest, varied: varied.as_ref(), coded: coded.as_ref(), sources: &of, ..*learnt };
        let layer = generated::learn(recipe, &examples).with_context(|| format!("without {name}"))?;
        let least = thresholds(&layer, fakes, width);
        found.push(stranger(name, &layer, least, those.iter().map(|&at| (plain.of(at, width), None))));
    }
    Ok(Some(found))
}

/// The same of real faces of collections that a layer doesn't know. `sources` says for each face of `seen` where it is from, `clips` which
/// clip it is a frame of, if any.
#[must_use]
pub fn unknown(
    layer: &KindLayer,
    seen: &Described,
    width: usize,
    (sources, clips): (&[&str], &[Option<&str>]),
    fakes: &Described,
) -> Vec<Stranger> {
    let least = thresholds(layer, fakes, width);
    let real = |at: &usize| !seen.labels[*at];
    let names: BTreeSet<&str> = (0..sources.len()).filter(real).map(|at| sources[at]).collect();
    let of = |name: &str| {
        let those = (0..sources.len()).filter(real).filter(|&at| sources[at] == name);
        stranger(name, layer, least, those.map(|at| (seen.of(at, width), clips[at])))
    };
    names.into_iter().map(of).filter(|found| found.faces >= LEAST_FACES).collect()
}

/// The evidence that a layer has of more than each share of [`FOUND`] of the fakes.
fn thresholds(layer: &KindLayer, fakes: &Described, width: usize) -> [f64; FOUND.len()] {
    let mut evidence: Vec<f64> = fakes.features.chunks_exact(width).map(|face| layer.evidence(face)).collect();
    evidence.sort_unstable_by(|one, other| other.total_cmp(one));
    FOUND.map(|share| evidence.get((evidence.len() as f64 * share) as usize).copied().unwrap_or(f64::MAX))
}

fn stranger<'a>(
    name: &str,
    layer: &KindLayer,
    least: [f64; FOUND.len()],
    faces: impl Iterator<Item = (&'a [f32], Option<&'a str>)>,
) -> Stranger {
    let (mut evidence, mut of_clips) = (Vec::new(), BTreeMap::<&str, Vec<f64>>::new());
    for (face, clip) in faces {
        let found = layer.evidence(face);
        evidence.push(found);
        if let Some(clip) = clip {
            of_clips.entry(clip).or_default().push(found);
        }
    }
    let above = |all: &[f64]| least.map(|least| all.iter().filter(|&&evidence| evidence > least).count());
    let clips = of_clips.values().any(|faces| faces.len() > 1).then(|| {
        let means: Vec<f64> = of_clips.values().map(|faces| faces.iter().sum::<f64>() / faces.len() as f64).collect();
        Clips { count: means.len(), called: above(&means) }
    });
    Stranger { source: name.to_owned(), faces: evidence.len(), called: above(&evidence), clips }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::generated::Held;

    /// Two values, of which the second is noise; real faces lie at 0 of the first and fakes at 3, as do those of `odd`, which are real.
    fn faces() -> (Described, Vec<&'static str>) {
        let (mut seen, mut sources) = (Described::default(), Vec::new());
        for at in 0..800 {
            let noise = |times: usize| ((at * times % 17) as f32 - 8.0) / 8.0;
            let (source, value) = [("plain", 0.0), ("other", 0.0), ("odd", 3.0), ("fakes", 3.0)][at % 4];
            seen.features.extend([value + noise(3), noise(5)]);
            seen.labels.push(source == "fakes");
            sources.push(source);
        }
        (seen, sources)
    }

    #[test]
    fn who_looks_like_a_fake_is_called_one_by_those_who_don_t_know_them() {
        let (seen, sources) = faces();
        let fakes = generated::only(&seen, 2, |at| sources[at] == "fakes");
        let recipe = Recipe {
            held: Held { ridge: 0.01, steady: 0.0, steady_ridge: 0.01 },
            video_held: Held { ridge: 0.01, steady: 0.0, steady_ridge: 0.01 },
            part: &[],
            both: &[],
            part_share: "0.5".parse().expect("it is a share"),
            video_share: None,
            gate_ridge: 0.01,
        };
        let learnt = Examples { plain: &seen, varied: None, coded: None, sources: &sources, width: 2, last: 1 };
        // Each face is there twice.
        let numbers: Vec<usize> = (0..800).map(|at| at / 8 * 4 + at % 4).collect();
        let ask =
            |stop: bool| strangers(&recipe, &learnt, &numbers, &fakes, &stop.into()).expect("there are both classes");
        assert_eq!(ask(true), None);
        let found = ask(false).expect("nobody stopped it");
        let of = |name: &str| found.iter().find(|one| one.source == name).expect("it was left out");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().all(|one| one.faces == 100), "{found:?}");
        assert!(of("odd").called[0] > 30, "{found:?}");
        assert_eq!([of("plain").called, of("other").called], [[0; FOUND.len()]; 2]);
        assert!(of("odd").called.is_sorted_by(|more, less| more >= less), "{found:?}");
        // Of a layer that learnt nothing of `odd` the same, whoever asks.
        let known = generated::only(&seen, 2, |at| sources[at] != "odd");
        let of: Vec<&str> = sources.iter().copied().filter(|source| *source != "odd").collect();
        let layer =
            generated::learn(&recipe, &Examples { plain: &known, sources: &of, ..learnt }).expect("both classes");
        // Every fifth face isn't of a clip; the others are of two.
        let clips: Vec<Option<&str>> =
            (0..800).map(|at| [None, Some("a"), Some("a"), Some("b"), Some("b")][at / 4 % 5]).collect();
        let strangers = unknown(&layer, &seen, 2, (&sources, &clips), &fakes);
        let odd = &strangers[0];
        assert_eq!((odd.source.as_str(), odd.faces), ("odd", 200));
        // Noise makes half of the faces pass that half of the fakes pass, but the means of clips hardly differ.
        let counted = odd.clips.as_ref().expect("they are of two clips");
        assert_eq!(counted.count, 2);
        assert_eq!(counted.called[FOUND.len() - 1], 0, "{counted:?}");
        let alone = unknown(&layer, &seen, 2, (&sources, &[None; 800]), &fakes);
        assert!(alone.iter().all(|one| one.clips.is_none()) && alone[0].called == odd.called);
        assert!(odd.called[0] > 60 && odd.called.is_sorted_by(|more, less| more >= less), "{odd:?}");
    }
}
