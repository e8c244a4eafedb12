//! The file of an annotated video, made by its path's bytes.

use std::ffi::CString;
use std::path::Path;
use std::ptr;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::util::error::{EINVAL, ENOMEM};

/// Makes or empties the file, for an MP4.
#[expect(unsafe_code, reason = "the binding panics at a path that is no UTF-8")]
pub(super) fn create(path: &Path) -> Result<Output, ffmpeg::Error> {
    // Otherwise the part before a colon would be taken for a protocol.
    let place = [b"file:", path.as_os_str().as_encoded_bytes()].concat();
    let place = CString::new(place).map_err(|_| ffmpeg::Error::Other { errno: EINVAL })?;
    // SAFETY: the strings end in a zero and live through the calls. The context is given to `Output` as soon as it is
    // there, which frees it when dropped, and closes its file if it has one.
    unsafe {
        let mut context = ptr::null_mut();
        let code =
            ffi::avformat_alloc_output_context2(&raw mut context, ptr::null_mut(), c"mp4".as_ptr(), place.as_ptr());
        if context.is_null() {
            return Err(if code < 0 { ffmpeg::Error::from(code) } else { ffmpeg::Error::Other { errno: ENOMEM } });
        }
        let mut file = ptr::null_mut();
        let code = ffi::avio_open(&raw mut file, place.as_ptr(), ffi::AVIO_FLAG_WRITE);
        if code < 0 {
            ffi::avformat_free_context(context);
            return Err(ffmpeg::Error::from(code));
        }
        (*context).pb = file;
        Ok(Output::wrap(context))
    }
}
