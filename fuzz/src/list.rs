//! A list of photos: an error that names the list, or for each line a photo or an error that names the line.

use std::path::Path;

use cyborg_edge::photo_list::{self, PhotoList};

use super::check_message;

/// Reads a list; whether each of its lines is good.
pub fn holds(text: &[u8]) -> bool {
    let photos = read(text);
    if !text.starts_with(b"\xef\xbb\xbf") {
        let marked = [b"\xef\xbb\xbf", text].concat();
        assert_eq!(read(&marked), photos, "a byte order mark makes no difference");
    }
    let Some(photos) = photos else { return false };
    let lines = text.split(|&byte| byte == b'\n' || byte == b'\r').count() as u64;
    assert!(!photos.is_empty() && photos.len() as u64 <= lines);
    let mut before = 0;
    for photo in &photos {
        match photo {
            Ok(photo) => {
                assert!(!photo.path.as_os_str().is_empty() && !photo.source.is_empty(), "{photo:?}");
                assert_eq!(photo.label.name().parse(), Ok(photo.label));
                let Some(face) = photo.face else { continue };
                let [x, y, width, height] = [face.bounds.left, face.bounds.top, face.bounds.width, face.bounds.height];
                assert!([x, y, width, height].iter().all(|number| number.is_finite()), "{photo:?}");
                assert!(width > 0.0 && height > 0.0, "{photo:?}");
                let marks = face.landmarks.iter().flatten().flat_map(|mark| [mark.x, mark.y]);
                assert!(marks.into_iter().all(f32::is_finite), "{photo:?}");
            }
            Err(error) => {
                check_message(error, &format!("list.csv, line {}", error.line));
                assert!(before < error.line && error.line <= lines, "{error} after {before}, of {lines}");
                before = error.line;
            }
        }
    }
    photos.iter().all(Result::is_ok)
}

fn read(text: &[u8]) -> Option<PhotoList> {
    match photo_list::parse(text, Path::new("list.csv"), Path::new("root")) {
        Ok(photos) => Some(photos),
        Err(error) => {
            check_message(&error, "list.csv");
            None
        }
    }
}
