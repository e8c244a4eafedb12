//! From what decoder and container say of a picture to the frame that is seen: limits, shape, turn, colours.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::color::TransferCharacteristic;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;

use super::convert::{Converter, Shape, square};
use super::error::VideoError;
use super::orientation::Orientation;
use crate::frame::Frame;

/// Pixels that are said to be this many times as wide as high, or as high as wide, are a mistake.
const MOST_ASPECT: i64 = 20;
/// A turn that misses the next quarter by less than this, in degrees, is that quarter.
const MISSED: f64 = 1.0;

/// Makes frames of the pictures of one stream.
pub(super) struct Pictures {
    name: String,
    most_pixels: u64,
    /// The turn that the container asks for.
    turn: Orientation,
    converter: Option<Converter>,
    /// How the last picture was turned.
    turned: Orientation,
    told: Told,
}

/// What was said about the stream already: each once is enough.
#[derive(Default)]
struct Told {
    angle: bool,
    aspect: bool,
    hdr: bool,
}

impl Pictures {
    pub(super) fn new(name: &str, stream: &ffmpeg::Stream<'_>, most_pixels: u64) -> Self {
        let mut pictures = Self {
            name: name.to_owned(),
            most_pixels,
            turn: Orientation::NONE,
            converter: None,
            turned: Orientation::NONE,
            told: Told::default(),
        };
        let mut side_data = stream.side_data();
        if let Some(matrix) = side_data.find(|data| data.kind() == ffmpeg::packet::side_data::Type::DisplayMatrix) {
            pictures.turn = pictures.turn_of(matrix.data());
        }
        pictures
    }

    pub(super) fn most_pixels(&self) -> u64 {
        self.most_pixels
    }

    /// The size of the frames to come, as far as the container tells.
    pub(super) fn upright_size(&self, input: &Input, stream: usize, size: (u32, u32)) -> (usize, usize) {
        let (width, height) = match aspect(input, stream, None) {
            Some(aspect) => square(size, aspect),
            None => size,
        };
        self.turn.size((width as usize, height as usize))
    }

    /// Fills the frame's pixels, and tells it whether the decoder made up a part of them. Gives whether the same samples had come to
    /// the same pixels in the frame before.
    pub(super) fn fill(
        &mut self,
        input: &Input,
        stream: usize,
        picture: &ffmpeg::frame::Video,
        frame: &mut Frame,
    ) -> Result<bool, VideoError> {
        let turn = match picture.side_data(ffmpeg::frame::side_data::Type::DisplayMatrix) {
            Some(matrix) => self.turn_of(matrix.data()),
            None => self.turn,
        };
        let size = (picture.width(), picture.height());
        let square = match aspect(input, stream, Some(picture)) {
            Some(aspect) => square(size, aspect),
            None => {
                warn_once(
                    &mut self.told.aspect,
                    &self.name,
                    "its pixels are said to be of an impossible shape: taken as square",
                );
                size
            }
        };
        for (width, height) in [size, square] {
            if u64::from(width) * u64::from(height) > self.most_pixels {
                let (name, most) = (self.name.clone(), self.most_pixels);
                return Err(VideoError::TooLarge { name, width: width.into(), height: height.into(), most });
            }
        }
        self.warn_of_hdr(picture);
        let shape = Shape {
            format: picture.format(),
            size,
            square,
            space: picture.color_space(),
            range: picture.color_range(),
        };
        let fail = |reason| VideoError::Convert { name: self.name.clone(), reason };
        // A stream may change its size or format on the way.
        let kept = self.converter.take().filter(|converter| converter.shape == shape);
        let seen_alike = kept.is_some() && self.turned == turn;
        self.turned = turn;
        let converter = match kept {
            Some(converter) => converter,
            None => Converter::new(shape).map_err(fail)?,
        };
        let converted = self.converter.insert(converter).convert(picture, turn, frame);
        converted.map_err(fail)?;
        frame.patched = is_patched(picture);
        Ok(seen_alike)
    }

    fn turn_of(&mut self, matrix: &[u8]) -> Orientation {
        let Some((turn, missed)) = Orientation::from_matrix(matrix) else {
            return Orientation::NONE;
        };
        if missed > MISSED {
            let text = format!(
                "it asks to be turned by an odd angle: it was turned to the next quarter, {missed:.0} degrees off"
            );
            warn_once(&mut self.told.angle, &self.name, &text);
        }
        turn
    }

    fn warn_of_hdr(&mut self, picture: &ffmpeg::frame::Video) {
        let kind = match picture.color_transfer_characteristic() {
            TransferCharacteristic::SMPTE2084 => "PQ",
            TransferCharacteristic::ARIB_STD_B67 => "HLG",
            _ => return,
        };
        let text = format!(
            "it is HDR ({kind}), which is not brought down to the range that the model knows: doubt its verdicts"
        );
        warn_once(&mut self.told.hdr, &self.name, &text);
    }
}

fn warn_once(told: &mut bool, name: &str, text: &str) {
    if !std::mem::replace(told, true) {
        log::warn!("{name}: {text}");
    }
}

/// Width over height of a pixel: the container's word goes before the decoder's. `None` for a number that can't be.
#[expect(unsafe_code, reason = "the binding has no name for this call")]
fn aspect(input: &Input, stream: usize, picture: Option<&ffmpeg::frame::Video>) -> Option<ffmpeg::Rational> {
    let stream = input.stream(stream)?;
    // SAFETY: the call reads a few numbers of the stream and the frame, which live through it, and keeps none of them;
    // that it wants pointers to what may be changed is its age.
    let aspect = unsafe {
        let picture = picture.map_or(std::ptr::null_mut(), |picture| picture.as_ptr().cast_mut());
        ffi::av_guess_sample_aspect_ratio(std::ptr::null_mut(), stream.as_ptr().cast_mut(), picture)
    };
    let (up, down) = (i64::from(aspect.num), i64::from(aspect.den));
    // Nothing is said: pixels are square.
    if up == 0 || down == 0 {
        return Some(ffmpeg::Rational(1, 1));
    }
    let possible = up > 0 && down > 0 && up <= MOST_ASPECT * down && down <= MOST_ASPECT * up;
    possible.then_some(ffmpeg::Rational(aspect.num, aspect.den))
}

/// Whether the decoder made up a part of the picture. It hides damage where it can, and tells only here.
#[expect(unsafe_code, reason = "the binding has no name for these fields")]
fn is_patched(picture: &ffmpeg::frame::Video) -> bool {
    // SAFETY: the frame is allocated, and these are plain numbers in it.
    unsafe {
        let picture = picture.as_ptr();
        (*picture).decode_error_flags != 0 || (*picture).flags & ffi::AV_FRAME_FLAG_CORRUPT != 0
    }
}
