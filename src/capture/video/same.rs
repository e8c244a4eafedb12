//! Whether two decoded pictures are the same, bit for bit: recordings of screens, slides and stills have runs of such.
//!
//! A moving picture costs a row or two: the first row that differs ends it, and the first one that is looked at is in the middle,
//! where no bars are.

use std::slice;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;

/// Whether two pictures have the same samples. Those of a palette, and those that aren't in memory, are never the same.
#[expect(unsafe_code, reason = "the binding takes rows that lie upside down, with a negative step, for very long ones")]
pub(super) fn are_same(a: &ffmpeg::frame::Video, b: &ffmpeg::frame::Video) -> bool {
    if a.format() != b.format() || (a.width(), a.height()) != (b.width(), b.height()) {
        return false;
    }
    let format: ffi::AVPixelFormat = a.format().into();
    // SAFETY: both frames are allocated; the calls look into tables of the library by the frames' format. A plane of a picture in
    // memory has as many rows as its height, shifted down for colours, and each row has the bytes that the library says;
    // the step from one to the next may be negative.
    unsafe {
        let row = ffi::av_pix_fmt_desc_get(format);
        if row.is_null() || (*row).flags & (ffi::AV_PIX_FMT_FLAG_PAL | ffi::AV_PIX_FMT_FLAG_HWACCEL) as u64 != 0 {
            return false;
        }
        let Ok(planes @ 1..) = usize::try_from(ffi::av_pix_fmt_count_planes(format)) else {
            return false;
        };
        let (a, b) = (&*a.as_ptr(), &*b.as_ptr());
        (0..planes).all(|plane| {
            let shift = if matches!(plane, 1 | 2) { (*row).log2_chroma_h } else { 0 };
            let rows = (a.height + (1 << shift) - 1) >> shift;
            let bytes = ffi::av_image_get_linesize(format, a.width, plane as i32);
            let (Ok(rows), Ok(bytes)) = (usize::try_from(rows), usize::try_from(bytes)) else {
                return false;
            };
            let of = |frame: &ffi::AVFrame, at: usize| {
                let start = frame.data[plane].offset(frame.linesize[plane] as isize * at as isize);
                slice::from_raw_parts(start.cast_const(), bytes)
            };
            let inside = !a.data[plane].is_null() && !b.data[plane].is_null();
            inside && (rows / 2..rows).chain(0..rows / 2).all(|at| of(a, at) == of(b, at))
        })
    }
}

#[cfg(test)]
mod tests {
    use ffmpeg_next::format::Pixel;

    use super::*;

    fn picture(format: Pixel, (width, height): (u32, u32)) -> ffmpeg::frame::Video {
        let mut picture = ffmpeg::frame::Video::new(format, width, height);
        for plane in 0..picture.planes() {
            picture.data_mut(plane).fill(100);
        }
        picture
    }

    /// Changes one sample of a plane, in a row and at a byte of it.
    fn change(picture: &mut ffmpeg::frame::Video, plane: usize, row: usize, byte: usize) {
        let at = picture.stride(plane) * row + byte;
        picture.data_mut(plane)[at] ^= 1;
    }

    #[test]
    fn one_sample_makes_another_picture() {
        for (format, corners) in [
            (Pixel::YUV420P, &[(0, 62, 96), (1, 31, 48), (2, 31, 48)][..]),
            (Pixel::YUV444P10LE, &[(0, 62, 193), (2, 62, 193)]),
            (Pixel::NV12, &[(0, 62, 96), (1, 31, 97)]),
            (Pixel::RGB24, &[(0, 62, 290)]),
            (Pixel::YUVA420P, &[(3, 62, 96)]),
        ] {
            let (first, mut second) = (picture(format, (97, 63)), picture(format, (97, 63)));
            assert!(are_same(&first, &second), "{format:?}");
            for &(plane, row, byte) in corners {
                for (row, byte) in [(0, 0), (row, byte)] {
                    change(&mut second, plane, row, byte);
                    assert!(!are_same(&first, &second), "{format:?}: plane {plane}, row {row}, byte {byte}");
                    change(&mut second, plane, row, byte);
                }
            }
            assert!(are_same(&first, &second), "{format:?}");
        }
    }

    #[test]
    fn what_lies_beside_the_picture_counts_for_nothing() {
        let (first, mut second) = (picture(Pixel::YUV420P, (97, 63)), picture(Pixel::YUV420P, (97, 63)));
        assert!(second.stride(0) > 97, "there is room behind each row");
        change(&mut second, 0, 5, 97);
        assert!(are_same(&first, &second));
    }

    #[test]
    fn another_size_or_format_is_another_picture() {
        let first = picture(Pixel::YUV420P, (96, 64));
        assert!(!are_same(&first, &picture(Pixel::YUV420P, (96, 62))));
        assert!(!are_same(&first, &picture(Pixel::YUVJ420P, (96, 64))));
        assert!(!are_same(&first, &ffmpeg::frame::Video::empty()));
        let nothing = ffmpeg::frame::Video::empty();
        assert!(!are_same(&nothing, &nothing), "nothing was decoded");
        let palette = ffmpeg::frame::Video::new(Pixel::PAL8, 96, 64);
        assert!(!are_same(&palette, &palette), "its colours are elsewhere");
    }
}
