//! HEIC and AVIF photos, by the system's libheif.
//!
//! Phones store a photo as tiles that together are the picture, which FFmpeg's libraries don't join before version 7; libheif
//! does. It is loaded when the first such photo comes, so that the program runs without it.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use image::metadata::Orientation;
use libloading::Library;

use super::jpeg::MOST_MEMORY;
use super::{heif_boxes, orientation};
use crate::frame::Frame;

/// What the system's loader finds libheif by. Its interface has been the same since version 1.0.
#[cfg(target_os = "macos")]
const NAMES: [&str; 2] = ["libheif.1.dylib", "/opt/homebrew/lib/libheif.1.dylib"];
#[cfg(windows)]
const NAMES: [&str; 2] = ["heif.dll", "libheif.dll"];
#[cfg(not(any(target_os = "macos", windows)))]
const NAMES: [&str; 1] = ["libheif.so.1"];

/// Kinds that a file of these formats says of itself.
const BRANDS: [&[u8; 4]; 9] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"];
/// Enough of a file to tell.
pub(super) const HEAD: usize = 12;

/// Notes beside a photo that are looked at: there are hardly more than two.
const MOST_NOTES: c_int = 64;
/// What the note with an XMP packet says of its content.
const XMP: &[u8] = b"application/rdf+xml";
/// Bytes before an EXIF block: they say where in it the tags begin, which its own beginning does too.
const OFFSET: usize = 4;

// Numbers of libheif's interface.
const RGB: c_int = 1;
const INTERLEAVED_RGB: c_int = 10;
const INTERLEAVED: c_int = 10;

/// A HEIC or AVIF photo that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeifError {
    /// The library is not there.
    #[error("libheif is missing: install it (Debian and Ubuntu: the package libheif1), or save the photo as JPEG")]
    NoLibrary,
    /// The library is another one than its name says.
    #[error("the system's libheif can't be used: {0}; install version 1.15 or newer")]
    Library(#[from] libloading::Error),
    /// It refuses the file.
    #[error(
        "{0}; is the file complete, and does libheif have a decoder for it (on Debian, libheif1 includes HEVC and AV1)?"
    )]
    Decode(String),
    /// Decoding it would need more than the limit.
    #[error("decoding its {width}x{height} pixels needs more than {} MiB; shrink it", MOST_MEMORY >> 20)]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
}

/// Whether a file that begins so is a HEIC or AVIF photo.
pub(super) fn is_heif(head: &[u8]) -> bool {
    head.len() >= HEAD && &head[4..8] == b"ftyp" && BRANDS.iter().any(|brand| brand[..] == head[8..12])
}

/// Decodes the photo in `coded` into the frame's pixels, upright as its own properties say; and how it is still to be turned:
/// an AVIF that has none of these may say it in its XMP packet, and Pillow listens to that. An EXIF block that speaks of it
/// ends the matter, and turns nothing. A HEIC goes by its properties alone.
pub(super) fn decode(coded: &[u8], frame: &mut Frame) -> Result<Orientation, HeifError> {
    static FOUND: OnceLock<Result<Heif, HeifError>> = OnceLock::new();
    match FOUND.get_or_init(Heif::load) {
        Ok(heif) => heif.decode(coded, frame),
        Err(HeifError::Library(error)) => Err(HeifError::Decode(error.to_string())),
        Err(_) => Err(HeifError::NoLibrary),
    }
}

/// What libheif says of a call.
#[repr(C)]
struct Outcome {
    code: c_int,
    detail: c_int,
    message: *const c_char,
}

/// The beginning of libheif's settings for decoding, as they are since version 2 of them.
#[repr(C)]
struct Settings {
    version: u8,
    ignore_transformations: u8,
    callbacks: [*const c_void; 3],
    user_data: *mut c_void,
    to_8_bits: u8,
}

type Pointer = *mut c_void;
type Free = unsafe extern "C" fn(Pointer);
type Side = unsafe extern "C" fn(Pointer) -> c_int;
type NoteText = unsafe extern "C" fn(Pointer, u32) -> *const c_char;
type SideOf = unsafe extern "C" fn(Pointer, c_int) -> c_int;

/// The calls that are used here.
struct Heif {
    context_alloc: unsafe extern "C" fn() -> Pointer,
    context_free: Free,
    read: unsafe extern "C" fn(Pointer, *const c_void, usize, *const c_void) -> Outcome,
    primary: unsafe extern "C" fn(Pointer, *mut Pointer) -> Outcome,
    handle_width: Side,
    handle_height: Side,
    handle_release: Free,
    notes_count: unsafe extern "C" fn(Pointer, *const c_char) -> c_int,
    notes: unsafe extern "C" fn(Pointer, *const c_char, *mut u32, c_int) -> c_int,
    note_type: NoteText,
    note_content: NoteText,
    note_size: unsafe extern "C" fn(Pointer, u32) -> usize,
    note: unsafe extern "C" fn(Pointer, u32, *mut c_void) -> Outcome,
    settings_alloc: unsafe extern "C" fn() -> *mut Settings,
    settings_free: unsafe extern "C" fn(*mut Settings),
    decode: unsafe extern "C" fn(Pointer, *mut Pointer, c_int, c_int, *const Settings) -> Outcome,
    image_width: SideOf,
    image_height: SideOf,
    plane: unsafe extern "C" fn(Pointer, c_int, *mut c_int) -> *const u8,
    image_release: Free,
    // Last, so that it is let go after all that points into it.
    _library: Library,
}

/// Something of libheif's that is to be given back.
struct Held(Pointer, Free);

impl Drop for Held {
    #[expect(unsafe_code, reason = "libheif has C's interface")]
    fn drop(&mut self) {
        // SAFETY: the pointer came from libheif, is of the kind that this call frees, and is freed once.
        unsafe { (self.1)(self.0) };
    }
}

impl Heif {
    #[expect(unsafe_code, reason = "libheif has C's interface")]
    fn load() -> Result<Self, HeifError> {
        // SAFETY: loading runs the library's initialisers: it is the system's own, found as a linked one would be.
        let library = NAMES.iter().find_map(|name| unsafe { Library::new(*name) }.ok()).ok_or(HeifError::NoLibrary)?;
        // SAFETY: each symbol has the type that libheif's header gives it, and is kept no longer than the library.
        unsafe {
            Ok(Self {
                context_alloc: *library.get(b"heif_context_alloc\0")?,
                context_free: *library.get(b"heif_context_free\0")?,
                read: *library.get(b"heif_context_read_from_memory_without_copy\0")?,
                primary: *library.get(b"heif_context_get_primary_image_handle\0")?,
                handle_width: *library.get(b"heif_image_handle_get_width\0")?,
                handle_height: *library.get(b"heif_image_handle_get_height\0")?,
                handle_release: *library.get(b"heif_image_handle_release\0")?,
                notes_count: *library.get(b"heif_image_handle_get_number_of_metadata_blocks\0")?,
                notes: *library.get(b"heif_image_handle_get_list_of_metadata_block_IDs\0")?,
                note_type: *library.get(b"heif_image_handle_get_metadata_type\0")?,
                note_content: *library.get(b"heif_image_handle_get_metadata_content_type\0")?,
                note_size: *library.get(b"heif_image_handle_get_metadata_size\0")?,
                note: *library.get(b"heif_image_handle_get_metadata\0")?,
                settings_alloc: *library.get(b"heif_decoding_options_alloc\0")?,
                settings_free: *library.get(b"heif_decoding_options_free\0")?,
                decode: *library.get(b"heif_decode_image\0")?,
                image_width: *library.get(b"heif_image_get_width\0")?,
                image_height: *library.get(b"heif_image_get_height\0")?,
                plane: *library.get(b"heif_image_get_plane_readonly\0")?,
                image_release: *library.get(b"heif_image_release\0")?,
                _library: library,
            })
        }
    }

    #[expect(unsafe_code, reason = "libheif has C's interface")]
    fn decode(&self, coded: &[u8], frame: &mut Frame) -> Result<Orientation, HeifError> {
        // SAFETY: the calls are used as libheif's header says. What they give is checked before it is used, held until the
        // pixels were copied, and given back in the other order; `coded` lives as long as the context that reads it. The
        // plane has `stride` bytes for each of `height` rows, of which `width * 3` are pixels.
        unsafe {
            let context = Held((self.context_alloc)(), self.context_free);
            check(context.0, &(self.read)(context.0, coded.as_ptr().cast(), coded.len(), ptr::null()))?;
            let mut handle = ptr::null_mut();
            check(context.0, &(self.primary)(context.0, &raw mut handle))?;
            let handle = Held(handle, self.handle_release);
            let [width, height] = [(self.handle_width)(handle.0), (self.handle_height)(handle.0)].map(positive);
            if width.saturating_mul(height).saturating_mul(3) > MOST_MEMORY {
                return Err(HeifError::TooLarge { width, height });
            }
            let settings = (self.settings_alloc)();
            if let Some(settings) = settings.as_mut().filter(|settings| settings.version >= 2) {
                settings.to_8_bits = 1;
            }
            let mut image = ptr::null_mut();
            let decoded = (self.decode)(handle.0, &raw mut image, RGB, INTERLEAVED_RGB, settings);
            (self.settings_free)(settings);
            check(handle.0, &decoded)?;
            let image = Held(image, self.image_release);
            let [width, height] =
                [self.image_width, self.image_height].map(|side| positive(side(image.0, INTERLEAVED)));
            let mut stride = 0;
            let pixels = (self.plane)(image.0, INTERLEAVED, &raw mut stride);
            let (width, height, stride) = (width as usize, height as usize, positive(stride) as usize);
            if pixels.is_null() || width == 0 || height == 0 || stride < width * 3 {
                return Err(HeifError::Decode("libheif gave no picture".to_owned()));
            }
            frame.resize(width, height);
            for (row, to) in frame.pixels.chunks_exact_mut(width * 3).enumerate() {
                to.copy_from_slice(std::slice::from_raw_parts(pixels.add(row * stride), width * 3));
            }
            if !heif_boxes::is_avif(coded) || heif_boxes::is_turned(coded) {
                return Ok(Orientation::NoTransforms);
            }
            let exif = self.note_of(handle.0, coded.len(), |kind, _| kind == b"Exif");
            let tag = exif.and_then(|block| orientation::in_exif(block.get(OFFSET..)?));
            let upright = tag.map(|_| 1);
            let xmp = self.note_of(handle.0, coded.len(), |kind, content| kind == b"mime" && content == XMP);
            Ok(orientation::from(upright, xmp.as_deref()))
        }
    }

    /// What is noted of a photo beside it, in at most `most` bytes: the first note whose type, and type of content, are right.
    ///
    /// # Safety
    ///
    /// The handle is one of libheif's, and is held.
    #[expect(unsafe_code, reason = "libheif has C's interface")]
    unsafe fn note_of(&self, handle: Pointer, most: usize, is_right: impl Fn(&[u8], &[u8]) -> bool) -> Option<Vec<u8>> {
        // SAFETY: the calls are used as libheif's header says. It writes no more numbers than there is room for, and as many
        // bytes of a note as it says before; its texts end in a zero and live as long as the handle.
        unsafe {
            let count = (self.notes_count)(handle, ptr::null()).clamp(0, MOST_NOTES);
            let mut notes = [0; MOST_NOTES as usize];
            let count = (self.notes)(handle, ptr::null(), notes.as_mut_ptr(), count);
            let text = |text: *const c_char| if text.is_null() { &b""[..] } else { CStr::from_ptr(text).to_bytes() };
            let mut notes = notes.into_iter().take(positive(count) as usize);
            let note = notes.find(|&note| {
                is_right(text((self.note_type)(handle, note)), text((self.note_content)(handle, note)))
            })?;
            let size = (self.note_size)(handle, note);
            if size > most {
                return None;
            }
            let mut bytes = vec![0; size];
            ((self.note)(handle, note, bytes.as_mut_ptr().cast()).code == 0).then_some(bytes)
        }
    }
}

fn positive(number: c_int) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What a call said, of something that has to be there.
#[expect(unsafe_code, reason = "libheif has C's interface")]
fn check(of: Pointer, outcome: &Outcome) -> Result<(), HeifError> {
    if outcome.code == 0 && !of.is_null() {
        return Ok(());
    }
    if outcome.message.is_null() {
        return Err(HeifError::Decode("libheif doesn't say why".to_owned()));
    }
    // SAFETY: a message of libheif is text that ends in a zero, and lives at least as long as the context.
    let message = unsafe { CStr::from_ptr(outcome.message) };
    Err(HeifError::Decode(message.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_is_refused() {
        assert!(is_heif(b"\0\0\0\x18ftypheic\0\0"));
        assert!(!is_heif(b"\0\0\0\x18ftypisom") && !is_heif(b"\0\0\0\x18ftyp"));
        let mut frame = Frame::empty();
        for bytes in [&b""[..], b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"] {
            assert!(decode(bytes, &mut frame).is_err());
        }
    }
}
