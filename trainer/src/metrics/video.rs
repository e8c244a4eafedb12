//! From faces to one score a video.

use std::collections::HashMap;

use super::Scored;
use crate::data::list::Label;

/// A face of a video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoFace<'a> {
    /// Which video; any name that tells it from the others.
    pub video: &'a str,
    /// Logit of synthetic minus logit of authentic.
    pub difference: f64,
    /// What the face is.
    pub label: Label,
}

/// A video.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoScore {
    /// Its name.
    pub video: String,
    /// Its faces.
    pub faces: usize,
    /// The mean of its faces' differences of logits, no probability, with their label.
    pub scored: Scored,
}

/// Videos that can't be scored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VideoError {
    /// Videos with authentic and synthetic faces.
    #[error("videos with both labels have no label of their own: {}; give each of them one label, or leave them out", .0.join(", "))]
    BothLabels(Vec<String>),
    /// A logit that is no finite number.
    #[error("a face of the video {0} has logits that aren't finite: check the model")]
    NotFinite(String),
}

/// One score a video, the mean of its logits, in the order in which the videos first appear. The mean of two logits' difference
/// is the difference of their means, so that nothing is lost by taking it first.
///
/// # Errors
///
/// When videos have both labels, all of which are named, or a logit isn't finite.
pub fn by_video(faces: &[VideoFace<'_>]) -> Result<Vec<VideoScore>, VideoError> {
    let mut places = HashMap::new();
    let mut videos: Vec<VideoScore> = Vec::new();
    let mut both = Vec::new();
    for face in faces {
        if !face.difference.is_finite() {
            return Err(VideoError::NotFinite(face.video.to_owned()));
        }
        let place = *places.entry(face.video).or_insert(videos.len());
        if place == videos.len() {
            let scored = Scored { score: 0.0, label: face.label };
            videos.push(VideoScore { video: face.video.to_owned(), faces: 0, scored });
        }
        let video = &mut videos[place];
        if video.scored.label != face.label && !both.contains(&video.video) {
            both.push(video.video.clone());
        }
        video.faces += 1;
        // A running mean, which can't overflow where the faces don't.
        video.scored.score += (face.difference - video.scored.score) / video.faces as f64;
    }
    if !both.is_empty() {
        return Err(VideoError::BothLabels(both));
    }
    Ok(videos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(video: &str, difference: f64, label: Label) -> VideoFace<'_> {
        VideoFace { video, difference, label }
    }

    #[test]
    fn takes_the_mean_of_the_logits() {
        let found = by_video(&[
            face("b", 4.0, Label::Synthetic),
            face("a", -1.0, Label::Authentic),
            face("b", -1.0, Label::Synthetic),
            face("b", 3.0, Label::Synthetic),
        ]);
        let video = |video: &str, faces, score, label| VideoScore {
            video: video.to_owned(),
            faces,
            scored: Scored { score, label },
        };
        assert_eq!(found, Ok(vec![video("b", 3, 2.0, Label::Synthetic), video("a", 1, -1.0, Label::Authentic)]));
        assert_eq!(by_video(&[]), Ok(Vec::new()));
    }

    #[test]
    fn names_all_videos_with_both_labels() {
        let found = by_video(&[
            face("a", 1.0, Label::Synthetic),
            face("b", 1.0, Label::Synthetic),
            face("c", 1.0, Label::Authentic),
            face("a", 1.0, Label::Authentic),
            face("a", 1.0, Label::Authentic),
            face("c", 1.0, Label::Synthetic),
        ]);
        assert_eq!(found, Err(VideoError::BothLabels(vec!["a".to_owned(), "c".to_owned()])));
        let found = by_video(&[face("a", f64::NAN, Label::Synthetic)]);
        assert_eq!(found, Err(VideoError::NotFinite("a".to_owned())));
    }
}
