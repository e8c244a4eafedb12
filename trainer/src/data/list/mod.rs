//! The list of faces: which photo is what, which part of the data it belongs to, and where people looked at it.
//!
//! Two formats are read as they are: the CSV of the CYBORG data (`paper`), and our own with named columns (`header`).
//! Lines are read by the runtime, whose lists these are too; what training needs beyond them is read here.

mod error;
mod header;
mod paper;
mod row;
mod split;
mod write;

use cyborg_models::name;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use cyborg_edge::photo_list::{Label, ListedFace, Split};
pub use error::ListError;
pub use row::Row;
pub use split::{group_name, keep_out};
pub use write::{ListWriter, NewRow, WriteListError};

/// Which of the two formats a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `split,label,path` without a header, as the CYBORG data come.
    Paper,
    /// With a header.
    Header,
}

/// A list that has been read; the photos have not.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceList {
    /// The file.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// In the order of the list.
    pub rows: Vec<Row>,
}

/// Where a list and what it names lie.
#[derive(Clone, Debug)]
pub struct Place {
    /// The list, or a folder with a list `faces.csv`.
    pub list: PathBuf,
    /// Folder that the photos' paths start from; else `faces` beside the list if it is there, and the list's own folder.
    pub root: Option<PathBuf>,
    /// Folder of the human maps, each under the file name of its photo.
    pub maps: Option<PathBuf>,
}

/// A list and what is wrong with its lines, a text each.
pub type Read = (FaceList, Vec<String>);

/// Reads a list. What is wrong with single lines is given beside the rows, so that it can be told together with what is
/// wrong with their photos.
///
/// # Errors
///
/// When the list can't be read at all.
pub fn read(place: &Place) -> Result<Read, ListError> {
    let path = file_of(place);
    let fail = |source| ListError::Read { path: path.clone(), source };
    if let Some(maps) = place.maps.as_ref().filter(|maps| !maps.is_dir()) {
        return Err(ListError::Maps { path: maps.clone() });
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(&path).map_err(fail)?;
    let mut records = Vec::new();
    for record in reader.records() {
        records.push(record.map_err(fail)?);
    }
    let root = root_of(place);
    let names_columns =
        records.first().is_some_and(|first| first.iter().any(|name| name.trim_start_matches('\u{feff}') == "label"));
    let (format, (mut rows, mut problems)) = if names_columns {
        (Format::Header, header::rows(&path, &records, &root)?)
    } else {
        (Format::Paper, paper::rows(&records, &root))
    };
    if let Some(maps) = &place.maps {
        for row in rows.iter_mut().filter(|row| row.map.is_none()) {
            row.map = map_of(maps, &root, &row.path);
        }
        if rows.iter().all(|row| row.map.is_none()) {
            problems.push(format!("no photo of the list has a map in {}", name::of(maps)));
        }
    }
    problems.extend(shared_maps(&rows));
    Ok((FaceList { path, format, rows }, problems))
}

/// The folder that a list's paths start from.
#[must_use]
pub fn root_of(place: &Place) -> PathBuf {
    place.root.clone().unwrap_or_else(|| beside(&file_of(place)))
}

/// The list itself.
fn file_of(place: &Place) -> PathBuf {
    if place.list.is_dir() { place.list.join("faces.csv") } else { place.list.clone() }
}

/// The folder that photos lie in when nobody says otherwise.
fn beside(list: &Path) -> PathBuf {
    let folder = list.parent().unwrap_or(Path::new(""));
    let faces = folder.join("faces");
    if faces.is_dir() { faces } else { folder.to_owned() }
}

/// Maps that stand for two photos, or for the photo itself: photos of one name in two folders, for example.
pub(crate) fn shared_maps(rows: &[Row]) -> Vec<String> {
    let mut of_map: HashMap<&Path, &Row> = HashMap::new();
    let mut problems = Vec::new();
    for row in rows {
        let Some(map) = row.map.as_deref() else { continue };
        if map == row.path {
            problems.push(format!("line {}: {} is its own map", row.line, name::of(map)));
            continue;
        }
        let before = *of_map.entry(map).or_insert(row);
        if before.path != row.path {
            let (line, other, map) = (row.line, before.line, name::of(map));
            problems.push(format!(
                "line {line}: {map} is the map of the photo of line {other} already: give each its own name"
            ));
        }
    }
    problems
}

/// The human map of a photo: under its path below the root, or under its own file name; or as a PNG of that name.
pub(crate) fn map_of(maps: &Path, root: &Path, photo: &Path) -> Option<PathBuf> {
    let below = photo.strip_prefix(root).ok().map(Path::to_owned);
    let names = [below, photo.file_name().map(PathBuf::from)].into_iter().flatten();
    names.flat_map(|name| [maps.join(&name), maps.join(name.with_extension("png"))]).find(|map| map.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cyborg_edge::frame::PixelBox;

    use super::*;

    fn read_text(text: &str, maps: &[&str]) -> (tempfile::TempDir, Result<Read, ListError>) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::create_dir(folder.path().join("maps")).expect("it can be made");
        for map in maps {
            fs::write(folder.path().join("maps").join(map), "").expect("it can be written");
        }
        fs::write(folder.path().join("faces.csv"), text).expect("it can be written");
        let place = Place {
            list: folder.path().to_owned(),
            root: Some("photos".into()),
            maps: (!maps.is_empty()).then(|| folder.path().join("maps")),
        };
        let result = read(&place);
        (folder, result)
    }

    #[test]
    fn the_papers_list_is_read_as_it_is() {
        let text = "train,Real,ffhq/1.png\ntrain,Synthetic,gan/2.jpg\ntest,Real,3.png\n";
        let (folder, result) = read_text(text, &["1.png", "2.png"]);
        let (list, problems) = result.expect("the list is right");
        assert_eq!((list.format, problems), (Format::Paper, Vec::new()));
        let maps = folder.path().join("maps");
        let face = |line, path: &str, label, split, source: &str, map: Option<&str>| Row {
            line,
            path: path.into(),
            label,
            split,
            source: source.to_owned(),
            video: None,
            group: None,
            pair: None,
            map: map.map(|map| maps.join(map)),
            face: None,
        };
        assert_eq!(
            list.rows,
            [
                face(1, "photos/ffhq/1.png", Label::Authentic, Split::Train, "ffhq", Some("1.png")),
                face(2, "photos/gan/2.jpg", Label::Synthetic, Split::Train, "gan", Some("2.png")),
                face(3, "photos/3.png", Label::Authentic, Split::Test, "real", None),
            ]
        );
    }

    #[test]
    fn columns_are_found_by_name() {
        let text = "source,file,label,extra,split,map,video,group,pair,face_x,face_y,face_w,face_h\n\
                    s,a.png,real,?,validation,m/a.png,v1,g1,b.png,1,2,3,4\n";
        let (list, problems) = read_text(text, &[]).1.expect("the list is right");
        assert_eq!((list.format, problems), (Format::Header, Vec::new()));
        let row = &list.rows[0];
        assert_eq!((row.label, row.split, row.source.as_str()), (Label::Authentic, Split::Validation, "s"));
        assert_eq!((row.video.as_deref(), row.group.as_deref()), (Some("v1"), Some("g1")));
        assert_eq!(row.map.as_deref(), Some(Path::new("photos/m/a.png")));
        assert_eq!(row.pair.as_deref(), Some(Path::new("photos/b.png")));
        let bounds = PixelBox { left: 1.0, top: 2.0, width: 3.0, height: 4.0 };
        assert_eq!(row.face, Some(ListedFace { bounds, landmarks: None }));
    }

    #[test]
    fn wrong_lines_are_named_and_the_others_are_read() {
        let text =
            "file,label,split,face_x\na.png,fake,train,\nb.png,real,later,\nc.png,real,train,3\nd.png,real,train,\n";
        let (list, problems) = read_text(text, &[]).1.expect("the list itself is right");
        assert_eq!(list.rows.len(), 1);
        for (problem, (line, part)) in problems.iter().zip([(2, "`fake`"), (3, "`later`"), (4, "face box")]) {
            assert!(problem.starts_with(&format!("line {line}: ")) && problem.contains(part), "{problem}");
        }
        let (list, problems) = read_text("train,Real\nbest,Real,a.png\n", &[]).1.expect("it is read");
        assert_eq!((list.rows.len(), problems.len()), (0, 2));
    }

    #[test]
    fn maps_that_are_missing_or_shared_are_told() {
        let list = "train,Real,real/1.png\ntrain,Synthetic,gan/1.png\n";
        let (_, problems) = read_text(list, &["1.png"]).1.expect("it is read");
        assert!(problems.len() == 1 && problems[0].contains("is the map of the photo of line 1"), "{problems:?}");
        let (_, problems) = read_text(list, &["2.png"]).1.expect("it is read");
        assert!(problems.len() == 1 && problems[0].contains("no photo of the list has a map"), "{problems:?}");
    }

    #[test]
    fn a_list_without_files_or_folder_is_an_error() {
        let error = read_text("label,split\n", &[]).1.expect_err("no column of files").to_string();
        assert!(error.contains("no column `file`"), "{error}");
        let place = Place { list: "no/such.csv".into(), root: None, maps: None };
        assert!(read(&place).expect_err("there is none").to_string().contains("no/such.csv"));
        let place = Place { maps: Some("no/maps".into()), ..place };
        assert!(read(&place).expect_err("there is none").to_string().contains("human saliency maps"));
    }
}
