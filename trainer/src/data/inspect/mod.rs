//! Looks at all photos of a list before anything is trained or measured: reads each of them, finds its face, and gathers
//! all that is wrong, so that it can be mended in one go.

mod overlap;
mod problem;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cyborg_edge::capture::stills;
use cyborg_edge::explain::explain;
use cyborg_edge::face::crop::CropSquare;
use cyborg_edge::face::detector::Detector;
use cyborg_edge::face::{Face, Locate};
use cyborg_edge::frame::PixelBox;
use cyborg_models::contract::CropRule;
use cyborg_models::digest;
use cyborg_models::name;
use rayon::prelude::*;

use self::problem::Problem;
use crate::data::faces::{CropMode, Cutter, FaceSettings, Faces, Found, ROOM, SaliencySource, read_map};
use crate::data::list::{FaceList, Row, Split};

/// A face of the detector is the face of the list when their boxes overlap at least so much.
const SAME_FACE: f32 = 0.3;

/// What is to be looked at, and how.
pub struct Inspection<'a> {
    /// Sizes and sources.
    pub settings: FaceSettings,
    /// Parts of the data that will be used, the first of which must have faces. Of the others only the presence of the
    /// files is checked, and that none of their photos is also in another part.
    pub splits: &'a [Split],
    /// Whether forged fakes will be made, which needs landmarks.
    pub landmarks: Need,
    /// Opens a detector; called for each thread, and only when one is needed.
    pub detector: &'a (dyn Fn() -> anyhow::Result<Detector> + Sync),
    /// Called with the number of photos done and of all.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Ends the work early when it becomes true.
    pub stop: &'a AtomicBool,
}

/// Whether something is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is.
    Needed,
    /// It is not.
    Unneeded,
}

/// A list whose photos can't be used as they are.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// All that is wrong, a line each.
    #[error("{} of {} can't be used:\n{}", count(problems.len()), name::of(list), problems.join("\n"))]
    Problems {
        /// The list.
        list: PathBuf,
        /// What is wrong.
        problems: Vec<String>,
        /// Whether a photo isn't where the list says.
        missing: bool,
        /// Whether a photo shows no face, and the list gives no box.
        faceless: bool,
    },
    /// No line is for what is to be done.
    #[error("{} has no rows of split {split}", name::of(list))]
    Empty {
        /// The list.
        list: PathBuf,
        /// The split.
        split: Split,
    },
    /// The detector can't be opened.
    #[error("{0:#}")]
    Detector(anyhow::Error),
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
}

/// Faces that can be used, and what identifies them.
#[derive(Debug)]
pub struct Inspected {
    /// The faces of the splits that were asked for.
    pub faces: Faces,
    /// SHA-256 of each photo.
    pub contents: Vec<String>,
    /// SHA-256 of the photos' and maps' contents with their labels and splits, whatever their order and names.
    pub digest: String,
    /// SHA-256 of the same in the order of the list, with sources, videos, groups and boxes: what is kept out, what an epoch
    /// is made of and what is cut out depend on these too.
    pub list_digest: String,
}

impl Inspected {
    /// Faces of a split, by their index.
    #[must_use]
    pub fn of_split(&self, split: Split) -> Vec<usize> {
        let rows = self.faces.rows.iter().enumerate();
        rows.filter(|(_, row)| row.split == split).map(|(index, _)| index).collect()
    }
}

/// Looks at the photos of a list. `problems` are those of the list itself; they are told together.
///
/// The box is the detector's, as in use; where it doesn't find the face of the list, the list's box stands in and the face
/// has no landmarks. A list with landmarks needs no detector.
///
/// # Errors
///
/// When a line, a photo or a map can't be used, when the same photo is in two splits or under both labels, or when there
/// is nothing to use.
pub fn inspect(list: FaceList, problems: Vec<String>, how: &Inspection<'_>) -> Result<Inspected, InspectError> {
    let FaceList { path: list, rows, .. } = list;
    let pool = Mutex::new(Vec::new());
    let broken = Mutex::new(None);
    let done = AtomicUsize::new(0);
    let all = rows.iter().filter(|row| how.splits.contains(&row.split)).count();
    let results: Vec<Result<Option<Seen>, Problem>> = rows
        .par_iter()
        .map_init(Cutter::default, |cutter, row| {
            if how.stop.load(Ordering::Relaxed) || lock(&broken).is_some() {
                return Ok(None);
            }
            if !how.splits.contains(&row.split) {
                return if row.path.is_file() { Ok(None) } else { Err(Problem::missing(row)) };
            }
            let seen = look(row, how, cutter, &pool, &broken);
            (how.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            seen.map(Some)
        })
        .collect();
    if let Some(error) = lock(&broken).take() {
        return Err(InspectError::Detector(error));
    }
    if how.stop.load(Ordering::Relaxed) {
        return Err(InspectError::Interrupted);
    }
    let mut problems = problems;
    let found = || results.iter().filter_map(|result| result.as_ref().err());
    let (missing, faceless) = (found().any(Problem::is_missing), found().any(Problem::is_no_face));
    problems.extend(found().map(ToString::to_string));
    let contents = results.iter().map(|result| Some(result.as_ref().ok()?.as_ref()?.content.as_str()));
    problems.extend(overlap::find(&rows, &contents.collect::<Vec<_>>()));
    if !problems.is_empty() {
        return Err(InspectError::Problems { list, problems, missing, faceless });
    }
    let used = rows.into_iter().zip(results).filter_map(|(row, result)| Some((row, result.ok()??)));
    let (mut kept, mut found, mut lines, mut list_lines) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut contents = Vec::new();
    for (row, seen) in used {
        let line = format!("{} {} {} {}", seen.content, row.label.name(), row.split, seen.map.unwrap_or_default());
        list_lines.push(format!("{line} {:?} {:?} {:?} {:?}", row.source, row.video, row.group, row.face));
        lines.push(line);
        contents.push(seen.content);
        found.push(seen.found);
        kept.push(row);
    }
    if let Some(&split) = how.splits.first().filter(|split| kept.iter().all(|row: &Row| row.split != **split)) {
        return Err(InspectError::Empty { list, split });
    }
    lines.sort();
    let digest = digest::of_bytes(lines.join("\n").as_bytes());
    let list_digest = digest::of_bytes(list_lines.join("\n").as_bytes());
    let faces = Faces::new(kept, found, how.settings).with_contents(&contents);
    Ok(Inspected { faces, contents, digest, list_digest })
}

/// A photo that was looked at.
struct Seen {
    found: Found,
    /// SHA-256 of the photo.
    content: String,
    /// SHA-256 of its map.
    map: Option<String>,
}

type Pool = Mutex<Vec<Detector>>;
type Broken = Mutex<Option<anyhow::Error>>;

fn look(row: &Row, how: &Inspection<'_>, cutter: &mut Cutter, pool: &Pool, broken: &Broken) -> Result<Seen, Problem> {
    if !row.path.is_file() {
        return Err(Problem::missing(row));
    }
    let told = |error: anyhow::Error| format!("line {}: {}", row.line, explain(&error));
    let content =
        fs::read(&row.path).map_err(|error| format!("line {}: {}: {error}", row.line, name::of(&row.path)))?;
    let content = digest::of_bytes(&content);
    stills::read(&row.path, &mut cutter.frame).map_err(|error| told(error.into()))?;
    let found = find(row, how, cutter, pool, broken)?;
    let mut map = None;
    if let Some(path) = &row.map {
        read_map(path, &mut cutter.frame).map_err(told)?;
        let bytes = fs::read(path).map_err(|error| format!("line {}: {}: {error}", row.line, name::of(path)))?;
        map = Some(digest::of_bytes(&bytes));
    }
    Ok(Seen { found, content, map })
}

/// Where the face of a row is in the photo, which lies in the cutter's frame.
fn find(row: &Row, how: &Inspection<'_>, cutter: &mut Cutter, pool: &Pool, broken: &Broken) -> Result<Found, Problem> {
    let photo = (cutter.frame.width, cutter.frame.height);
    let listed = row.face.map(|face| face.bounds);
    if let Some(bounds) = listed {
        plausible(&bounds, photo).map_err(|reason| format!("line {}: {}: {reason}", row.line, name::of(&row.path)))?;
    }
    let known = row.face.and_then(|face| Some((face.bounds, face.landmarks?)));
    let wanted = how.landmarks == Need::Needed || how.settings.saliency != SaliencySource::Maps;
    let looks = known.is_none() && (wanted || matches!(how.settings.crop, CropMode::Face(_)));
    let seen = match looks {
        true => locate(row, how, cutter, pool, broken)?.map(|face| (face.bounds, face.landmarks)),
        false => known,
    };
    let (square, wide) = match how.settings.crop {
        CropMode::Whole => {
            let none = CropSquare { left: 0, top: 0, side: 1 };
            (none, none)
        }
        CropMode::Face(rule) => {
            let bounds = seen.map(|(bounds, _)| bounds).or(listed).ok_or_else(|| Problem::no_face(row))?;
            (CropSquare::around(&bounds, &rule), CropSquare::around(&bounds, &widened(rule)))
        }
    };
    Ok(Found { square, wide, photo, landmarks: seen.map(|(_, landmarks)| landmarks) })
}

/// Smallest side of a listed face in pixels: below it there is nothing to learn from.
const LEAST_FACE: f32 = 8.0;

/// Whether a listed box can be that of a face in a photo of this size.
fn plausible(bounds: &PixelBox, photo: (usize, usize)) -> Result<(), String> {
    let (width, height) = (photo.0 as f32, photo.1 as f32);
    let longer = bounds.width.max(bounds.height);
    let (right, bottom) = (bounds.left + bounds.width, bounds.top + bounds.height);
    let overlaps = bounds.left < width && bounds.top < height && right > 0.0 && bottom > 0.0;
    if longer >= LEAST_FACE && longer <= 4.0 * width.max(height) && overlaps {
        return Ok(());
    }
    Err(format!(
        "its face box ({}, {}, {}, {}) can't be right in a photo of {width} x {height} pixels: boxes are left, top, width and \
         height in pixels",
        bounds.left, bounds.top, bounds.width, bounds.height
    ))
}

/// The rule of the wide crop.
#[must_use]
pub fn widened(rule: CropRule) -> CropRule {
    CropRule { margin: rule.margin * ROOM, ..rule }
}

fn locate(
    row: &Row,
    how: &Inspection<'_>,
    cutter: &mut Cutter,
    pool: &Pool,
    broken: &Broken,
) -> Result<Option<Face>, String> {
    let taken = lock(pool).pop();
    let mut detector = match taken.map_or_else(how.detector, Ok) {
        Ok(detector) => detector,
        Err(error) => {
            *lock(broken) = Some(error);
            return Ok(None);
        }
    };
    let mut faces = Vec::new();
    let located = detector.locate(&cutter.frame, &mut faces);
    lock(pool).push(detector);
    located.map_err(|error| format!("line {}: {}", row.line, explain(&error)))?;
    Ok(choose(&faces, row.face.map(|face| face.bounds).as_ref()).copied())
}

/// The face that the list means, or the largest one where the list has no box.
pub(crate) fn choose<'a>(faces: &'a [Face], listed: Option<&PixelBox>) -> Option<&'a Face> {
    let area = |face: &Face| face.bounds.width * face.bounds.height;
    match listed {
        None => faces.iter().max_by(|a, b| area(a).total_cmp(&area(b))),
        Some(listed) => faces
            .iter()
            .filter(|face| face.bounds.overlap(listed) >= SAME_FACE)
            .max_by(|a, b| a.bounds.overlap(listed).total_cmp(&b.bounds.overlap(listed))),
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "a line".to_owned() } else { format!("{problems} lines") }
}

/// A poisoned lock only tells that another thread panicked; what it guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cyborg_edge::frame::PixelPoint;
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data::list::{self, Place};

    fn face(left: f32, side: f32) -> Face {
        let bounds = PixelBox { left, top: 0.0, width: side, height: side };
        Face { bounds, landmarks: [PixelPoint { x: 10.0, y: 5.0 }; 5], confidence: 0.9 }
    }

    #[test]
    fn the_lists_box_chooses_the_face() {
        let faces = [face(0.0, 10.0), face(50.0, 40.0)];
        let listed = PixelBox { left: 1.0, top: 0.0, width: 10.0, height: 10.0 };
        assert_eq!(choose(&faces, Some(&listed)), Some(&faces[0]));
        assert_eq!(choose(&faces, None), Some(&faces[1]));
        assert_eq!(choose(&faces, Some(&PixelBox { left: 200.0, ..listed })), None);
    }

    /// Photos of one colour each, by name.
    fn photos(folder: &Path, photos: &[(&str, u8)]) {
        for (name, level) in photos {
            RgbImage::from_pixel(8, 8, Rgb([*level; 3])).save(folder.join(name)).expect("it can be written");
        }
    }

    fn inspect_text(folder: &Path, text: &str) -> Result<Inspected, InspectError> {
        let list = folder.join("faces.csv");
        fs::write(&list, text).expect("it can be written");
        let (list, problems) = list::read(&Place { list, root: None, maps: None }).expect("the list is there");
        let settings =
            FaceSettings { side: 4, cam: 2, crop: CropMode::Whole, saliency: SaliencySource::Maps, memory: 0 };
        let how = Inspection {
            settings,
            splits: &[Split::Train],
            landmarks: Need::Unneeded,
            detector: &|| anyhow::bail!("no detector is needed"),
            progress: &|_, _| {},
            stop: &AtomicBool::new(false),
        };
        inspect(list, problems, &how)
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        photos(folder.path(), &[("a.png", 1), ("same.png", 1), ("b.png", 2), ("twin.png", 2), ("c.png", 3)]);
        RgbImage::from_pixel(8, 8, Rgb([255, 0, 0])).save(folder.path().join("red.png")).expect("it can be written");
        fs::write(folder.path().join("text.png"), "no photo").expect("it can be written");
        let text = "file,label,split,map\na.png,real,train,\ngone.png,real,train,\ntext.png,real,train,\n\
                    c.png,fake,train,\nsame.png,real,test,\nb.png,real,train,\ntwin.png,synthetic,train,\n\
                    c.png,real,train,red.png\nlost.png,real,test,\n";
        let message = inspect_text(folder.path(), text).expect_err("much is wrong").to_string();
        for part in [
            "7 lines of",
            "line 3: ",
            "gone.png is missing",
            "line 4: ",
            "text.png is not a picture",
            "line 5: label `fake`",
            "line 6: ",
            "is the photo of line 2, but for test instead of train",
            "line 8: ",
            "is the photo of line 7, but synthetic instead of real",
            "line 9: ",
            "red.png is in colour",
            "line 10: ",
            "lost.png is missing",
        ] {
            assert!(message.contains(part), "`{part}` is not in `{message}`");
        }
    }

    #[test]
    fn a_box_must_lie_in_its_photo() {
        let check = |left, width, right| {
            let bounds = PixelBox { left, top: 0.0, width, height: 20.0 };
            assert_eq!(plausible(&bounds, (100, 50)).is_ok(), right, "{bounds:?}");
        };
        check(10.0, 20.0, true);
        check(-15.0, 20.0, true);
        check(100.0, 20.0, false);
        check(-20.0, 20.0, false);
        check(3e38, 20.0, false);
        check(0.0, 60_000.0, false);
        assert!(plausible(&PixelBox { left: 0.1, top: 0.1, width: 0.5, height: 0.6 }, (100, 50)).is_err(), "shares");
    }

    #[test]
    fn names_and_order_do_not_change_the_digest_but_contents_do() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        photos(folder.path(), &[("a.png", 1), ("b.png", 2), ("c.png", 2), ("d.png", 4)]);
        let digest = |text: &str| inspect_text(folder.path(), text).expect("all is right").digest;
        let list_digest = |text: &str| inspect_text(folder.path(), text).expect("all is right").list_digest;
        let [plain, turned] = ["a.png,real\nb.png,synthetic", "b.png,synthetic\na.png,real"];
        let of_list = |rows: &str| list_digest(&format!("file,label\n{rows}\n"));
        assert_eq!(of_list(plain), of_list(plain));
        assert_ne!(of_list(plain), of_list(turned), "an epoch's order depends on the list's");
        let first = digest("file,label\na.png,real\nb.png,synthetic\n");
        assert_eq!(digest("label,file\nsynthetic,c.png\nreal,a.png\n"), first);
        assert_ne!(digest("file,label\na.png,real\nd.png,synthetic\n"), first);
        assert_ne!(digest("file,label\na.png,synthetic\nb.png,synthetic\n"), first);
    }

    #[test]
    fn a_list_without_the_split_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        photos(folder.path(), &[("a.png", 1)]);
        let error = inspect_text(folder.path(), "file,label,split\na.png,real,test\n").expect_err("none to train on");
        assert!(error.to_string().contains("no rows of split train"), "{error}");
    }
}
