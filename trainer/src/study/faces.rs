//! The faces of a study: its list, which `--data` reads as any other, and the names that answers call photos by.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cyborg_edge::photo_list::{BOX, LANDMARKS};
use cyborg_models::name;

use super::FACES;
use crate::checkpoint::replace;
use crate::data::config::absolute;
use crate::data::list::{self, Place, Row};

/// Columns before those of the face, as `cyborg-train locate` has them.
const COLUMNS: [&str; 8] = ["file", "label", "split", "source", "video", "group", "pair", "map"];
/// Number of annotators whose paintings are in the map.
const ANNOTATORS: &str = "annotators";
/// The name that answers call the photo by.
const PHOTO: &str = "photo";
/// Lists look for photos in a folder of this name beside them, where there is one.
const FACES_FOLDER: &str = "faces";

/// A face of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// The name that answers call its photo by, as [`name_in`] has it.
    pub photo: String,
    /// Its row; the path is whole, and so is that of the map.
    pub row: Row,
    /// Number of annotators whose paintings are in its map.
    pub annotators: usize,
}

impl Face {
    /// The face of a row, without a map. `root` is the folder that the photos' names start from.
    #[must_use]
    pub fn new(row: &Row, root: &Path) -> Self {
        Self { photo: name_in(root, &row.path), row: Row { map: None, ..row.clone() }, annotators: 0 }
    }

    /// Where its map lies in the folder of the study: the photo's name with the ending `png`, and of a photo from outside the
    /// root the last part of it alone.
    #[must_use]
    pub fn map_name(&self) -> PathBuf {
        map_name(&self.photo)
    }
}

/// The name of a photo in answers: its path below the list's root with `/` between the parts, or the whole path of one that
/// lies elsewhere. `root.join(name)` is the photo.
#[must_use]
pub fn name_in(root: &Path, photo: &Path) -> String {
    let whole = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
    };
    let photo = whole(photo);
    let below = photo.strip_prefix(whole(root)).ok();
    match below.filter(|below| below.components().all(|part| matches!(part, Component::Normal(_)))) {
        Some(below) => below.iter().map(name::of).collect::<Vec<_>>().join("/"),
        None => name::of(photo),
    }
}

fn map_name(photo: &str) -> PathBuf {
    let path = Path::new(photo);
    let below = if path.is_absolute() { path.file_name().map_or(path, Path::new) } else { path };
    below.with_extension("png")
}

/// Writes the list of a new study, with no maps yet. `root` is the folder that the photos' names start from.
///
/// # Errors
///
/// When the maps of two photos would have one name, a map or the list would take the place of a photo or of another list, a path
/// isn't UTF-8, or the list can't be written.
pub fn write(study: &Path, rows: &[Row], root: &Path) -> anyhow::Result<()> {
    rewrite(study, &rows.iter().map(|row| Face::new(row, root)).collect::<Vec<_>>())
}

/// Writes the list of a study anew. One that says the same already is left alone.
///
/// # Errors
///
/// As [`write()`].
pub fn rewrite(study: &Path, faces: &[Face]) -> anyhow::Result<()> {
    check(study, faces)?;
    // Where the list's reader would look for them in a folder `faces`, maps are named by their whole paths.
    let whole_maps = faces.iter().any(|face| face.map_name().starts_with(FACES_FOLDER));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.into_iter().chain(BOX).chain(LANDMARKS).chain([ANNOTATORS, PHOTO]))?;
    for face in faces {
        let row = &face.row;
        let map = match &row.map {
            None => String::new(),
            Some(_) if whole_maps => text(&study.join(face.map_name()))?,
            Some(_) => face.map_name().to_string_lossy().into_owned(),
        };
        let mut record = vec![
            text(&row.path)?,
            row.label.name().to_owned(),
            row.split.to_string(),
            row.source.clone(),
            row.video.clone().unwrap_or_default(),
            row.group.clone().unwrap_or_default(),
            row.pair.as_deref().map(text).transpose()?.unwrap_or_default(),
            map,
        ];
        let numbers = |numbers: Option<Vec<f32>>, count: usize| match numbers {
            Some(numbers) => numbers.iter().map(ToString::to_string).collect(),
            None => vec![String::new(); count],
        };
        let bounds = row.face.map(|face| face.bounds);
        let points = row.face.and_then(|face| face.landmarks);
        record.extend(numbers(bounds.map(|b| vec![b.left, b.top, b.width, b.height]), BOX.len()));
        let flat = |points: [cyborg_edge::frame::PixelPoint; 5]| points.iter().flat_map(|at| [at.x, at.y]).collect();
        record.extend(numbers(points.map(flat), LANDMARKS.len()));
        record.extend([face.annotators.to_string(), face.photo.clone()]);
        writer.write_record(&record)?;
    }
    let bytes = writer.into_inner().context("the list can't be put together")?;
    let path = study.join(FACES);
    put(&path, &bytes)?;
    Ok(())
}

/// Reads the list of a study.
///
/// # Errors
///
/// When it can't be read, a line is wrong, or it is the list of something else.
pub fn read(study: &Path) -> anyhow::Result<Vec<Face>> {
    let path = study.join(FACES);
    let place = Place { list: path.clone(), root: Some(study.to_owned()), maps: None };
    let (found, problems) = list::read(&place)?;
    ensure!(problems.is_empty(), "{} can't be used:\n{}", name::of(&path), problems.join("\n"));
    let Some((photo, annotators)) = columns(&path)? else {
        bail!(
            "{} has no columns `{PHOTO}` and `{ANNOTATORS}`, so it is not the list of a study: name the folder that \
             `cyborg-train annotate` wrote to",
            name::of(&path)
        );
    };
    let mut reader = csv::Reader::from_path(&path).with_context(|| format!("can't read {}", name::of(&path)))?;
    let mut faces = Vec::with_capacity(found.rows.len());
    for (record, row) in reader.records().zip(found.rows) {
        let record = record.with_context(|| format!("can't read {}", name::of(&path)))?;
        let field = |at: usize| record.get(at).unwrap_or_default().to_owned();
        let count = field(annotators);
        let annotators = count
            .parse()
            .ok()
            .with_context(|| format!("{}, line {}: `{count}` is no number of annotators", name::of(&path), row.line))?;
        faces.push(Face { photo: field(photo), row, annotators });
    }
    Ok(faces)
}

/// Puts bytes at a path in one step, and leaves a file alone that holds them already. Tells whether it was written.
pub(super) fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<bool> {
    if std::fs::read(path).is_ok_and(|before| before == bytes) {
        return Ok(false);
    }
    replace(path, bytes).with_context(|| format!("can't write {}", name::of(path)))?;
    Ok(true)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let path = absolute(path)?;
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| format!("{} is not valid UTF-8, but the study's list must be: rename it", name::of(&path)))
}

/// Whether the folder may hold the list and the maps of these faces.
///
/// # Errors
///
/// When two photos would share a map, a map would take a photo's place, or the list that of a list of something else.
pub(super) fn check(study: &Path, faces: &[Face]) -> anyhow::Result<()> {
    no_shared_maps(faces)?;
    let list = study.join(FACES);
    if list.exists() && columns(&list)?.is_none() {
        bail!(
            "{} is the list of something else, and would be lost: name another folder for the study",
            name::of(&list)
        );
    }
    // Two paths may lead to one file.
    let same = |path: &Path| path.canonicalize().ok();
    let there: Vec<(PathBuf, &Face)> =
        faces.iter().filter_map(|face| Some((same(&study.join(face.map_name()))?, face))).collect();
    if there.is_empty() {
        return Ok(());
    }
    let photos: HashSet<PathBuf> = faces.iter().filter_map(|face| same(&face.row.path)).collect();
    match there.iter().find(|(map, _)| photos.contains(map)) {
        None => Ok(()),
        Some((photo, face)) => bail!(
            "the map of {} would take the place of the photo {}: name another folder for the study",
            face.photo,
            name::of(photo)
        ),
    }
}

/// Where a list has the columns that only a study's has; nothing where it is another list.
fn columns(path: &Path) -> anyhow::Result<Option<(usize, usize)>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("can't read {}", name::of(path)))?;
    let header = reader.headers().with_context(|| format!("can't read {}", name::of(path)))?;
    let column = |wanted: &str| header.iter().position(|column| column == wanted);
    Ok(column(PHOTO).zip(column(ANNOTATORS)))
}

/// Each photo's map must be its own: under its own name, and under that by which trainers look for a map as well, the last
/// part of the photo's path.
fn no_shared_maps(faces: &[Face]) -> anyhow::Result<()> {
    let mut owners: HashMap<PathBuf, &str> = HashMap::new();
    for face in faces {
        if let Some(other) = owners.insert(face.map_name(), &face.photo) {
            shared(other, &face.photo, &face.map_name())?;
        }
    }
    for face in faces {
        let short = face.map_name();
        let short = short.file_name().map(PathBuf::from).unwrap_or_default();
        if let Some(other) = owners.get(&short).filter(|other| **other != face.photo) {
            shared(other, &face.photo, &short)?;
        }
    }
    Ok(())
}

fn shared(one: &str, other: &str, map: &Path) -> anyhow::Result<()> {
    if one == other {
        bail!("the photo {one} is listed twice: remove a line");
    }
    bail!(
        "{} would be the map of {one} and of {other}: give each photo its own name, or the list a root that holds both",
        name::of(map)
    )
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::{PixelBox, PixelPoint};

    use super::*;
    use crate::data::list::{Label, ListedFace};

    #[test]
    fn a_photo_is_named_below_the_root_or_wholly() {
        let check = |root: &str, photo: &str, expected: &str, map: &str| {
            let found = name_in(Path::new(root), Path::new(photo));
            assert_eq!((found.as_str(), map_name(&found).to_str()), (expected, Some(map)));
        };
        check("/photos", "/photos/gan/1.jpg", "gan/1.jpg", "gan/1.png");
        check("/photos/", "/photos/a.b.jpeg", "a.b.jpeg", "a.b.png");
        check("/photos", "/elsewhere/x/1.jpg", "/elsewhere/x/1.jpg", "1.png");
        check("/photos", "/photos/../other/1.jpg", "/photos/../other/1.jpg", "1.png");
        check("", "gan/1.jpg", "gan/1.jpg", "gan/1.png");
        check("photos", "photos/1.jpg", "1.jpg", "1.png");
    }

    #[test]
    fn what_is_written_is_read_back_by_us_and_as_any_list() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let study = folder.path();
        let root = study.join("photos");
        let bounds = PixelBox { left: 1.5, top: 0.25, width: 10.0, height: 12.0 };
        let landmarks = Some(std::array::from_fn(|at| PixelPoint { x: at as f32 / 3.0, y: 7.0 }));
        let with_face = Row {
            line: 2,
            face: Some(ListedFace { bounds, landmarks }),
            video: Some("clip".to_owned()),
            ..Row::bare(root.join("gan/1.jpg"), Label::Synthetic, "gan, new")
        };
        let bare = Row { line: 3, ..Row::bare(root.join("real/1.jpg"), Label::Authentic, "real") };
        write(study, &[with_face.clone(), bare.clone()], &root).expect("it can be written");
        let mut faces = read(study).expect("it is a study's");
        assert_eq!(faces.iter().map(|face| face.photo.as_str()).collect::<Vec<_>>(), ["gan/1.jpg", "real/1.jpg"]);
        assert_eq!((&faces[0].row, &faces[1].row, faces[0].annotators), (&with_face, &bare, 0));
        faces[0].row.map = Some(study.join("gan/1.png"));
        faces[0].annotators = 3;
        rewrite(study, &faces).expect("it can be written");
        assert_eq!(read(study).expect("it is a study's"), faces);
        let place = Place { list: study.to_owned(), root: None, maps: None };
        let (list, problems) = list::read(&place).expect("it is a list");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(list.rows[0].map, Some(study.join("gan/1.png")));
    }

    #[test]
    fn maps_in_a_folder_of_faces_are_found_all_the_same() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let study = folder.path();
        let row = Row { line: 2, ..Row::bare("/photos/faces/1.jpg", Label::Synthetic, "gan") };
        write(study, &[row], Path::new("/photos")).expect("it can be written");
        let mut faces = read(study).expect("it is a study's");
        faces[0].row.map = Some(study.join("faces/1.png"));
        std::fs::create_dir(study.join("faces")).expect("it can be made");
        rewrite(study, &faces).expect("it can be written");
        let place = Place { list: study.to_owned(), root: None, maps: None };
        assert_eq!(list::read(&place).expect("it is a list").0.rows[0].map, Some(study.join("faces/1.png")));
    }

    #[test]
    fn photos_that_would_share_a_map_are_told() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let check = |photos: [&str; 2], part: &str| {
            let rows = photos.map(|photo| Row::bare(photo, Label::Synthetic, "gan"));
            let error = write(folder.path(), &rows, Path::new("/photos")).expect_err("one map for two").to_string();
            assert!(error.contains(part), "{error}");
        };
        check(["/photos/gan/1.jpg", "/photos/gan/1.png"], "gan/1.png would be the map of gan/1.jpg and of gan/1.png");
        check(["/elsewhere/1.jpg", "/other/1.jpg"], "1.png would be the map of");
        check(["/photos/1.jpg", "/photos/gan/1.jpg"], "1.png would be the map of 1.jpg and of gan/1.jpg");
        check(["/photos/1.jpg", "/photos/1.jpg"], "listed twice");
    }

    #[test]
    fn another_list_is_no_study() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(folder.path().join(FACES), "file,label\na.png,real\n").expect("it can be written");
        assert!(read(folder.path()).expect_err("it is none").to_string().contains("not the list of a study"));
    }

    #[test]
    fn no_photo_and_no_other_list_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let photo = folder.path().join("gan/1.png");
        std::fs::create_dir(folder.path().join("gan")).expect("it can be made");
        std::fs::write(&photo, "a photo").expect("it can be written");
        let rows = [Row::bare(&photo, Label::Synthetic, "gan")];
        let check = |study: &Path, part: &str| {
            let error = write(study, &rows, folder.path()).expect_err("something would be lost").to_string();
            assert!(error.contains(part), "{error}");
        };
        check(folder.path(), "would take the place of the photo");
        let study = folder.path().join("maps");
        std::fs::create_dir(&study).expect("it can be made");
        std::fs::write(study.join(FACES), "file,label\na.png,real\n").expect("it can be written");
        check(&study, "the list of something else");
        std::fs::remove_file(study.join(FACES)).expect("it is there");
        write(&study, &rows, folder.path()).expect("nothing is lost");
        write(&study, &rows, folder.path()).expect("it is a study's list");
    }
}
