//! Each synthetic source against each real one: a pooled number hides on which of them a model fails.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Serialize;

use super::ScoredFace;
use crate::data::list::Label;
use crate::metrics::{Scored, auc};

/// The AUC of a synthetic source against a real one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Against {
    /// The real one.
    pub real: String,
    /// The synthetic one.
    pub synthetic: String,
    /// Area under the ROC curve.
    pub auc: f64,
}

/// Measures all pairs of sources that aren't kept apart, by one score a face. A source of both classes is measured as two.
#[must_use]
pub fn against(faces: &[ScoredFace], scores: &[f64], apart: &[String]) -> Vec<Against> {
    let sources = |label| -> BTreeSet<&str> {
        let known = faces.iter().filter(|face| face.label == label && !apart.contains(&face.source));
        known.map(|face| face.source.as_str()).collect()
    };
    let (real, synthetic) = (sources(Label::Authentic), sources(Label::Synthetic));
    let mut found = Vec::with_capacity(real.len() * synthetic.len());
    for fakes in &synthetic {
        for photos in &real {
            let is_of = |face: &ScoredFace| match face.label {
                Label::Authentic => face.source == *photos,
                Label::Synthetic => face.source == *fakes,
            };
            let both = faces.iter().zip(scores).filter(|(face, _)| is_of(face));
            let scored: Vec<Scored> = both.map(|(face, &score)| Scored { score, label: face.label }).collect();
            let Some(auc) = auc(&scored) else { continue };
            found.push(Against { real: (*photos).to_owned(), synthetic: (*fakes).to_owned(), auc });
        }
    }
    found
}

/// Writes all pairs as a table: a line a synthetic source, a column a real one. Nothing where there is but one real source.
pub(super) fn write_against(page: &mut String, name: &str, pairs: &[Against]) -> std::fmt::Result {
    let real: BTreeSet<&str> = pairs.iter().map(|pair| pair.real.as_str()).collect();
    if real.len() < 2 {
        return Ok(());
    }
    writeln!(page, "\nAUC of {name} for each synthetic source (lines) against each real one (columns):\n")?;
    write!(page, "| |")?;
    real.iter().try_for_each(|source| write!(page, " {source} |"))?;
    write!(page, "\n|---|{}", "---|".repeat(real.len()))?;
    let mut line = "";
    for Against { synthetic, auc, .. } in pairs {
        if synthetic != line {
            write!(page, "\n| {synthetic} |")?;
            line = synthetic;
        }
        write!(page, " {auc:.3} |")?;
    }
    writeln!(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(source: &str, label: Label) -> ScoredFace {
        ScoredFace { path: String::new(), label, source: source.into(), video: None, group: None, pair: None }
    }

    #[test]
    fn each_source_stands_against_each() {
        let (real, synthetic) = (Label::Authentic, Label::Synthetic);
        let faces = [
            face("web", real),
            face("stock", real),
            face("gan", synthetic),
            face("both", real),
            face("both", synthetic),
            face("composites", synthetic),
        ];
        let found = against(&faces, &[0.1, 0.6, 0.5, 0.5, 0.9, 0.0], &["composites".to_owned()]);
        let found: Vec<_> = found.iter().map(|pair| (&*pair.synthetic, &*pair.real, pair.auc)).collect();
        let expected = [
            ("both", "both", 1.0),
            ("both", "stock", 1.0),
            ("both", "web", 1.0),
            ("gan", "both", 0.5),
            ("gan", "stock", 0.0),
            ("gan", "web", 1.0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_has_a_number_for_each_real_source() {
        let pair = |synthetic: &str, real: &str, auc| Against { real: real.into(), synthetic: synthetic.into(), auc };
        let pairs = [pair("flux", "a", 0.5), pair("flux", "b", 0.75), pair("gan", "a", 1.0), pair("gan", "b", 0.0)];
        let mut page = String::new();
        write_against(&mut page, "seed-1", &pairs).expect("a text can be written to");
        let table = "| | a | b |\n|---|---|---|\n| flux | 0.500 | 0.750 |\n| gan | 1.000 | 0.000 |\n";
        assert!(page.ends_with(table), "{page}");
        page.clear();
        write_against(&mut page, "seed-1", &pairs[..1]).expect("a text can be written to");
        assert_eq!(page, "", "one real source is in the table of sources already");
    }
}
