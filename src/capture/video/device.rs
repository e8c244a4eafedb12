//! A device that decodes, and the way of its pictures into memory. FFmpeg's own calls: the binding has none for this.

use std::ffi::{c_int, c_void};
use std::ptr;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;

use super::decode::Hardware;

/// An open device.
pub(super) struct Device {
    context: *mut ffi::AVBufferRef,
    hardware: Hardware,
}

// SAFETY: the context is counted by the library, with locks of its own, and has no tie to a thread.
#[expect(unsafe_code, reason = "the library's pointer is without this mark")]
unsafe impl Send for Device {}

impl Device {
    /// Opens the first device of a kind, or says why there is none.
    #[expect(unsafe_code, reason = "the binding has no name for this call")]
    pub(super) fn open(hardware: Hardware) -> Result<Self, String> {
        // What it says itself goes to standard error, and its codes say little: a library that isn't there is "not permitted".
        ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
        let mut context = ptr::null_mut();
        // SAFETY: the call writes a counted context to `context` where it succeeds; no name and no options are allowed.
        let code =
            unsafe { ffi::av_hwdevice_ctx_create(&raw mut context, hardware.kind(), ptr::null(), ptr::null_mut(), 0) };
        if code < 0 || context.is_null() {
            return Err(format!("no device: it needs {}", hardware.needs()));
        }
        Ok(Self { context, hardware })
    }

    /// A decoder for `id` that works with this device, and the format of the pictures that lie on it.
    #[expect(unsafe_code, reason = "the binding has no name for these calls")]
    pub(super) fn decoder(&self, id: ffmpeg::codec::Id) -> Result<(ffmpeg::Codec, ffi::AVPixelFormat), String> {
        let mut place = ptr::null_mut();
        // SAFETY: the iteration gives constants of the library until it gives null; so does the list of a codec's devices.
        unsafe {
            loop {
                let codec = ffi::av_codec_iterate(&raw mut place);
                if codec.is_null() {
                    return Err(format!("FFmpeg has no decoder of {} for it", id.name()));
                }
                if ffi::av_codec_is_decoder(codec) == 0 || (*codec).id != id.into() {
                    continue;
                }
                if let Some(format) = format_on(codec, self.hardware.kind()) {
                    return Ok((ffmpeg::Codec::wrap(codec.cast_mut()), format));
                }
            }
        }
    }

    /// Has a decoder that isn't open yet work on this device, with pictures of `format`.
    #[expect(unsafe_code, reason = "the binding has no name for these fields")]
    pub(super) fn serve(&self, decoder: &mut ffmpeg::codec::Context, format: ffi::AVPixelFormat) -> Result<(), String> {
        // SAFETY: the decoder is allocated and not open; it frees its own count of the device. `opaque` is the caller's to use,
        // and holds a number here.
        unsafe {
            let counted = ffi::av_buffer_ref(self.context);
            if counted.is_null() {
                return Err("no memory".to_owned());
            }
            let decoder = decoder.as_mut_ptr();
            (*decoder).hw_device_ctx = counted;
            (*decoder).opaque = ptr::without_provenance_mut::<c_void>(format as usize);
            (*decoder).get_format = Some(pick);
        }
        Ok(())
    }
}

impl Drop for Device {
    #[expect(unsafe_code, reason = "the binding has no name for this call")]
    fn drop(&mut self) {
        // SAFETY: the context is this one's own count.
        unsafe { ffi::av_buffer_unref(&raw mut self.context) }
    }
}

/// The format that a codec's pictures have on a kind of device, where it can decode there.
#[expect(unsafe_code, reason = "the binding has no name for this call")]
unsafe fn format_on(codec: *const ffi::AVCodec, kind: ffi::AVHWDeviceType) -> Option<ffi::AVPixelFormat> {
    for index in 0.. {
        // SAFETY: the codec is a constant of the library, and so is what it gives.
        let config = unsafe { ffi::avcodec_get_hw_config(codec, index).as_ref() }?;
        let by_device = config.methods & ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as i32 != 0;
        if by_device && config.device_type == kind {
            return Some(config.pix_fmt);
        }
    }
    None
}

/// Chooses the device's format where the decoder offers it. Where it doesn't, because the device can't do this stream, the processor
/// decodes.
#[expect(unsafe_code, reason = "the library calls it")]
unsafe extern "C" fn pick(decoder: *mut ffi::AVCodecContext, offered: *const ffi::AVPixelFormat) -> ffi::AVPixelFormat {
    // SAFETY: the library gives an open decoder, whose `opaque` was set above, and a list that ends with the format that is none.
    unsafe {
        let wanted = (*decoder).opaque.addr();
        // As numbers: a library may offer formats that the binding has no name for.
        let mut next = offered.cast::<c_int>();
        while *next != ffi::AVPixelFormat::AV_PIX_FMT_NONE as c_int {
            if usize::try_from(*next) == Ok(wanted) {
                return *next.cast::<ffi::AVPixelFormat>();
            }
            next = next.add(1);
        }
        ffi::avcodec_default_get_format(decoder, offered)
    }
}

/// Brings a picture that lies on a device into memory; one that is there stays. Gives whether it was brought.
#[expect(unsafe_code, reason = "the binding has no name for these calls")]
pub(super) fn bring(picture: &mut ffmpeg::frame::Video) -> Result<bool, ffmpeg::Error> {
    // SAFETY: the picture is allocated, and only a picture on a device has a context of such.
    if unsafe { (*picture.as_ptr()).hw_frames_ctx.is_null() } {
        return Ok(false);
    }
    let mut here = ffmpeg::frame::Video::empty();
    // SAFETY: both frames are allocated, and the first one is empty: the library gives it memory of its own.
    let code = unsafe {
        match ffi::av_hwframe_transfer_data(here.as_mut_ptr(), picture.as_ptr(), 0) {
            code if code < 0 => code,
            _ => ffi::av_frame_copy_props(here.as_mut_ptr(), picture.as_ptr()),
        }
    };
    if code < 0 {
        return Err(ffmpeg::Error::from(code));
    }
    *picture = here;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_says_what_it_needs() {
        // Which devices a machine has isn't known here: each opens, or says what it needs.
        for hardware in Hardware::all() {
            if let Err(reason) = Device::open(hardware) {
                assert!(reason.contains(hardware.needs()), "{reason}");
            }
        }
    }

    #[test]
    fn a_picture_in_memory_stays_where_it_is() {
        let mut picture = ffmpeg::frame::Video::new(ffmpeg::format::Pixel::YUV420P, 32, 16);
        let before = picture.data(0).as_ptr();
        assert_eq!(bring(&mut picture), Ok(false));
        assert_eq!(picture.data(0).as_ptr(), before);
    }
}
