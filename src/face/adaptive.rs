//! The size of the picture in which faces are looked for, by what is there: for screens, where a face may fill the picture or a
//! tile of a call.
//!
//! A thorough look finds all faces that are large enough to be judged: the first one, one each second, and one when the picture has changed or
//! somebody is missing. The looks between are as cheap as the smallest face allows that is known.

use super::follow::Signature;
use super::{Face, Locate};
use crate::BoxError;
use crate::frame::{Frame, PresentationTime};

/// Finds the faces of a frame in a picture whose size the caller chooses.
pub trait LocateAt: Send {
    /// Shorter side of a face's box in that picture, in pixels, from which it is found reliably.
    fn found_from(&self) -> f32;

    /// As [`Locate::locate`], in a picture whose longer side is `longest` pixels, or the frame's where that is less.
    ///
    /// # Errors
    ///
    /// When the detector itself fails.
    fn locate_at(&mut self, frame: &Frame, longest: usize, faces: &mut Vec<Face>) -> Result<(), BoxError>;
}

/// Shorter side of the smallest faces that a thorough look finds, in pixels of the frame, unless others are asked for. Hardly
/// smaller ones can be judged, and a look for them takes twice the time.
pub const SMALLEST: f32 = 40.0;
/// Longer side of the largest picture that faces are looked for in: a look takes time by its area.
pub const MOST_SIDE: usize = 1280;
/// The same of the smallest one. All sizes are multiples of the step, for each new size costs a network time and memory.
const LEAST_SIDE: usize = 320;
/// See [`LEAST_SIDE`].
const STEP: usize = 160;
/// A thorough look in a picture of this longer side or less is cheap.
const CHEAP: usize = 640;
/// Known faces are looked for in a picture in which the smallest one is so many times as large as it need be.
const COMFORT: f32 = 1.2;
/// A face that was missed is looked for in a picture whose sides are so many times as long.
const LARGER: f32 = 1.3;
/// Microseconds from one thorough look to the next.
const THOROUGH_EVERY: u64 = 1_000_000;
/// At least so many lie between two of them, whatever happens: a film on a screen changes all the time.
const THOROUGH_NOT_BEFORE: u64 = 500_000;
/// So long a face that was missed in a picture of some size is looked for in larger ones.
const MISSED_FOR: u64 = 10_000_000;
/// So long the size is kept that the smallest face needed.
const NEEDED_FOR: u64 = 2_000_000;
/// A part of the picture whose greys differ from those in the frame before by more than this, of 1, shows something else: a tile
/// has another person in it.
const PART_CHANGED: f32 = 0.08;

/// A detector with its eye on what is there.
#[derive(Debug)]
pub struct Adaptive<L> {
    locate: L,
    smallest: f32,
    before: Option<Before>,
    /// When the last thorough look at a whole picture was.
    thorough: Option<PresentationTime>,
    /// The longer side of whole pictures, and when there was one: smaller ones are parts of it.
    whole: (usize, PresentationTime),
    /// Whether there is a reason for one.
    has_changed: bool,
    somebody_is_missing: bool,
    /// The share of the frame's side that the picture must have for the known faces to be found, and when that was last needed.
    scale: (f32, PresentationTime),
    /// The share at which a known face was missed, and when.
    missed: Option<(f32, PresentationTime)>,
}

/// The frame before.
#[derive(Debug)]
struct Before {
    /// Its width and height.
    size: (usize, usize),
    signature: Signature,
    /// How many faces were found in it, and in a picture of which share of its side.
    faces: usize,
    scale: f32,
}

impl<L: LocateAt> Adaptive<L> {
    /// A detector that finds faces whose box has a shorter side of `smallest` pixels in the frame, or more, where a picture of
    /// [`MOST_SIDE`] is enough for that.
    pub fn new(locate: L, smallest: f32) -> Self {
        Self {
            locate,
            smallest,
            before: None,
            thorough: None,
            whole: (0, PresentationTime(0)),
            has_changed: false,
            somebody_is_missing: false,
            scale: (0.0, PresentationTime(0)),
            missed: None,
        }
    }

    /// Whether it is time for a thorough look, which is in a picture of this size.
    fn is_due(&mut self, frame: &Frame, signature: &Signature, most: usize) -> bool {
        let (Some(before), Some(thorough)) = (&self.before, self.thorough) else { return true };
        // Of a screen only the part that changed may be shown, each time another one.
        let is_another = before.size != (frame.width, frame.height);
        self.has_changed |= is_another || signature.greatest_difference(&before.signature) > PART_CHANGED;
        let passed = frame.running().0.abs_diff(thorough.0);
        passed >= THOROUGH_EVERY
            || passed >= THOROUGH_NOT_BEFORE && (self.has_changed || self.somebody_is_missing)
            // As are further parts of a frame that is looked at thoroughly, and what costs little.
            || is_another && (passed == 0 || most <= CHEAP)
    }

    /// Learns from a look.
    fn learn(&mut self, frame: &Frame, thorough: bool, faces: &[Face]) {
        let now = frame.running();
        let before = self.before.as_ref().filter(|before| before.size == (frame.width, frame.height));
        let (found_before, scale_before) = before.map_or((0, 0.0), |before| (before.faces, before.scale));
        if thorough {
            if self.somebody_is_missing && faces.len() > found_before {
                // Who is there after all was missed.
                self.missed = Some((scale_before, now));
            }
            (self.has_changed, self.somebody_is_missing) = (false, false);
            // A small part that moves all the time doesn't stand for the picture.
            if frame.width.max(frame.height) >= self.whole.0 {
                self.thorough = Some(now);
            }
        } else {
            self.somebody_is_missing |= faces.len() < found_before;
        }
        self.missed = self.missed.filter(|(_, since)| now.0.abs_diff(since.0) < MISSED_FOR);
        let smallest = faces.iter().map(|face| face.bounds.width.min(face.bounds.height)).fold(f32::INFINITY, f32::min);
        let missed = self.missed.map_or(0.0, |(scale, _)| scale * LARGER);
        let needed = (COMFORT * self.locate.found_from() / smallest.max(1.0)).max(missed);
        // A look that misses somebody is no reason for cheaper ones, nor is one at a part of the picture with larger faces.
        let (known, since) = self.scale;
        if needed >= known || now.0.abs_diff(since.0) >= NEEDED_FOR {
            self.scale = (needed, now);
        }
    }
}

/// The longer side of the picture for frames with this longer side, at this scale.
fn side_at(scale: f32, longest: usize) -> usize {
    // What is no number becomes the smallest.
    ((longest as f32 * scale) as usize).div_ceil(STEP).saturating_mul(STEP).clamp(LEAST_SIDE, MOST_SIDE)
}

impl<L: LocateAt> Locate for Adaptive<L> {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        let longest = frame.width.max(frame.height);
        let most = side_at(self.locate.found_from() / self.smallest.max(1.0), longest);
        let signature = Signature::of(frame);
        let (whole, since) = self.whole;
        if longest >= whole || frame.running().0.abs_diff(since.0) >= NEEDED_FOR {
            self.whole = (longest, frame.running());
        }
        let thorough = self.is_due(frame, &signature, most);
        let side = if thorough { most } else { side_at(self.scale.0, longest).min(most) };
        self.locate.locate_at(frame, side, faces)?;
        let scale = side as f32 / longest.max(1) as f32;
        self.learn(frame, thorough, faces);
        self.before = Some(Before { size: (frame.width, frame.height), signature, faces: faces.len(), scale });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{PixelBox, PixelPoint};

    /// Finds faces of these sides where they are large enough in its picture, and writes down the sizes that it is asked for.
    #[derive(Default)]
    struct Eye {
        faces: Vec<f32>,
        /// Whose side must be so many times as long as others', for they are hard to find.
        hard: f32,
        asked: Vec<usize>,
    }

    impl LocateAt for Eye {
        fn found_from(&self) -> f32 {
            20.0
        }

        fn locate_at(&mut self, frame: &Frame, longest: usize, faces: &mut Vec<Face>) -> Result<(), BoxError> {
            self.asked.push(longest);
            faces.clear();
            let least = 20.0 * frame.width as f32 / longest as f32;
            let first = self.faces.first().copied();
            for &side in &self.faces {
                let needs = if Some(side) == first { least * self.hard.max(1.0) } else { least };
                if side >= needs {
                    let bounds = PixelBox { left: 0.0, top: 0.0, width: side, height: side * 1.3 };
                    faces.push(Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 });
                }
            }
            Ok(())
        }
    }

    /// A screen that is looked at ten times a second.
    struct Screen {
        adaptive: Adaptive<Eye>,
        frame: Frame,
        found: Vec<Face>,
    }

    impl Screen {
        fn of(faces: &[f32]) -> Self {
            let mut frame = Frame::empty();
            frame.resize(1920, 1080);
            let eye = Eye { faces: faces.to_vec(), ..Eye::default() };
            Self { adaptive: Adaptive::new(eye, SMALLEST), frame, found: Vec::new() }
        }

        /// The sizes of so many looks.
        fn look(&mut self, count: usize) -> Vec<usize> {
            self.adaptive.locate.asked.clear();
            for _ in 0..count {
                self.adaptive.locate(&self.frame, &mut self.found).expect("it never fails");
                self.frame.time.0 += 100_000;
            }
            self.adaptive.locate.asked.clone()
        }

        /// Paints a tile of 200 pixels.
        fn paint(&mut self, grey: u8) {
            for row in 400..600 {
                self.frame.pixels[(row * 1920 + 900) * 3..(row * 1920 + 1100) * 3].fill(grey);
            }
        }
    }

    fn check(faces: &[f32], then: usize) {
        let looks = Screen::of(faces).look(12);
        let mut expected = vec![then; 12];
        (expected[0], expected[10]) = (960, 960);
        assert_eq!(looks, expected, "{faces:?}");
    }

    #[test]
    fn a_look_is_as_large_as_the_smallest_known_face_needs() {
        check(&[], 320);
        check(&[300.0], 320);
        // 1920 * 20 / 60 * 1.2 = 768.
        check(&[300.0, 60.0], 800);
        check(&[42.0], 960);
        // Too small to be judged, and to be found.
        check(&[15.0], 320);
        check(&[f32::NAN], 320);
    }

    #[test]
    fn who_comes_is_found_within_a_second() {
        let mut screen = Screen::of(&[300.0]);
        screen.look(3);
        screen.adaptive.locate.faces.push(60.0);
        assert_eq!(screen.look(8), [320, 320, 320, 320, 320, 320, 320, 960]);
        assert_eq!(screen.found.len(), 2);
        assert_eq!(screen.look(2), [800, 800]);
    }

    #[test]
    fn looks_become_cheap_again_when_small_faces_have_left() {
        let mut screen = Screen::of(&[300.0, 60.0]);
        screen.look(3);
        screen.adaptive.locate.faces.pop();
        let looks = screen.look(40);
        assert!(looks[..15].iter().all(|&size| size >= 800), "{looks:?}");
        assert_eq!(looks[35..].iter().min(), Some(&320), "{looks:?}");
    }

    #[test]
    fn parts_with_large_faces_leave_small_ones_in_others_found() {
        let mut screen = Screen::of(&[300.0]);
        for number in 0..60 {
            // Of a screen two parts change, in turn.
            let (width, face) = [(1600, 300.0), (1700, 60.0)][number % 2];
            screen.frame.resize(width, 1000);
            screen.adaptive.locate.faces = vec![face];
            screen.look(1);
            assert!(number < 12 || screen.found.len() == 1, "look {number}: {:?}", screen.adaptive.locate.asked);
        }
    }

    #[test]
    fn a_tile_that_changes_is_looked_at_sooner() {
        let mut screen = Screen::of(&[300.0]);
        screen.look(2);
        screen.paint(70);
        assert_eq!(screen.look(4), [320, 320, 320, 960]);
        // However often it changes.
        let sizes: Vec<usize> = (0..20).flat_map(|n| (screen.paint(n % 2 * 70), screen.look(1)).1).collect();
        assert_eq!(sizes.iter().filter(|&&size| size == 960).count(), 4, "{sizes:?}");
    }

    #[test]
    fn another_size_of_the_pictures_is_looked_at_at_once() {
        let mut screen = Screen::of(&[300.0]);
        screen.look(2);
        screen.frame.resize(960, 540);
        assert_eq!(screen.look(2), [480, 320]);
        // Where they are large, not each time.
        screen.frame.resize(1920, 1080);
        assert_eq!(screen.look(1), [320]);
        screen.frame.resize(1900, 1080);
        assert_eq!(screen.look(5), [960, 320, 320, 320, 320]);
    }

    #[test]
    fn a_small_part_that_moves_all_the_time_does_not_stand_for_the_picture() {
        let mut screen = Screen::of(&[300.0]);
        screen.look(1);
        // A part is looked at, again and again; then the whole picture, once a second has passed.
        for _ in 0..11 {
            screen.frame.resize(200, 100);
            screen.look(1);
        }
        screen.frame.resize(1920, 1080);
        assert_eq!(screen.look(2), [960, 320]);
    }

    #[test]
    fn all_parts_of_a_frame_are_looked_at_as_thoroughly() {
        let mut screen = Screen::of(&[300.0]);
        screen.look(1);
        screen.frame.time.0 = 2_000_000;
        let sizes = [1800, 1910, 1800].map(|width| {
            screen.frame.resize(width, 1000);
            screen.look(1);
            screen.frame.time.0 = 2_000_000;
            screen.adaptive.locate.asked[0]
        });
        assert_eq!(sizes, [960, 960, 960]);
    }

    #[test]
    fn a_face_that_is_hard_to_find_gets_a_larger_picture() {
        let mut screen = Screen::of(&[200.0, 300.0]);
        screen.adaptive.locate.hard = 2.5;
        // It is found from 1920 * 20 * 2.5 / 200 = 480 on.
        assert_eq!(screen.look(8), [960, 320, 320, 320, 320, 960, 480, 480]);
        let looks = screen.look(80);
        assert_eq!(looks.iter().filter(|&&size| size == 960).count(), 8, "once a second: {looks:?}");
        assert!(looks.iter().all(|&size| size >= 480), "{looks:?}");
    }
}
