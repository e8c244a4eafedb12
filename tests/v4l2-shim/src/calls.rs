//! The calls of V4L2 that a capture program makes, in the kernel's structures.

use libc::{EINVAL, ENOTTY, c_int, c_ulong, c_void};
use v4l::v4l_sys as sys;
use v4l::v4l2::vidioc;

use crate::device::{Answer, Device};
use crate::orders::Format;

/// Names which buffer is to be mapped: its index times this.
pub(crate) const BUFFER_STEP: i64 = 1 << 20;

/// Answers a call on a handle of the device.
///
/// # Safety
///
/// `argument` points to the structure that belongs to `request`.
pub(crate) unsafe fn call(device: &mut Device, handle: c_int, request: c_ulong, argument: *mut c_void) -> Answer {
    device.check(handle)?;
    // SAFETY: the caller's promise; the kernel takes the same one.
    unsafe {
        match request {
            vidioc::VIDIOC_QUERYCAP => capability(&mut *argument.cast()),
            vidioc::VIDIOC_ENUM_FMT => coding(device, &mut *argument.cast())?,
            vidioc::VIDIOC_ENUM_FRAMESIZES => size(device, &mut *argument.cast())?,
            vidioc::VIDIOC_ENUM_FRAMEINTERVALS => interval(device, &mut *argument.cast())?,
            vidioc::VIDIOC_G_FMT => tell_format(device, &mut *argument.cast())?,
            vidioc::VIDIOC_S_FMT => {
                let asked: &mut sys::v4l2_format = &mut *argument.cast();
                let sys::v4l2_pix_format { pixelformat, width, height, .. } = asked.fmt.pix;
                device.set_format(pixelformat, width, height)?;
                tell_format(device, asked)?;
            }
            vidioc::VIDIOC_G_PARM => tell_rate(device, &mut *argument.cast())?,
            vidioc::VIDIOC_S_PARM => {
                let asked: &mut sys::v4l2_streamparm = &mut *argument.cast();
                let time = asked.parm.capture.timeperframe;
                device.set_rate(time.denominator / time.numerator.max(1))?;
                tell_rate(device, asked)?;
            }
            vidioc::VIDIOC_REQBUFS => {
                let asked: &mut sys::v4l2_requestbuffers = &mut *argument.cast();
                asked.count = device.request(handle, asked.count)?;
            }
            vidioc::VIDIOC_QUERYBUF => {
                let asked: &mut sys::v4l2_buffer = &mut *argument.cast();
                asked.length = device.length(handle, asked.index as usize)? as u32;
                asked.m.offset = (i64::from(asked.index) * BUFFER_STEP) as u32;
            }
            vidioc::VIDIOC_QBUF => {
                let asked: &sys::v4l2_buffer = &*argument.cast();
                device.queue(handle, asked.index as usize)?;
            }
            vidioc::VIDIOC_DQBUF => {
                let asked: &mut sys::v4l2_buffer = &mut *argument.cast();
                let taken = device.dequeue(handle, |address, length, picture| {
                    // What lies behind a picture is left over from others: a reader that looks there sees rubbish.
                    std::slice::from_raw_parts_mut(address as *mut u8, length).fill(0xa5);
                    std::ptr::copy_nonoverlapping(picture.as_ptr(), address as *mut u8, picture.len().min(length));
                })?;
                (asked.index, asked.bytesused, asked.sequence) =
                    (taken.index as u32, taken.bytes as u32, taken.sequence);
            }
            vidioc::VIDIOC_STREAMON => device.begin(handle)?,
            vidioc::VIDIOC_STREAMOFF => device.end(handle)?,
            // No brightness and no zoom to set.
            _ => return Err(ENOTTY),
        }
    }
    Ok(())
}

fn capability(told: &mut sys::v4l2_capability) {
    for (place, name) in [(&mut told.driver[..], "cyborg-shim"), (&mut told.card[..], "Shim Camera")] {
        place.fill(0);
        place[..name.len()].copy_from_slice(name.as_bytes());
    }
    told.capabilities = sys::V4L2_CAP_VIDEO_CAPTURE | sys::V4L2_CAP_STREAMING;
    told.device_caps = told.capabilities;
}

/// The codings, each once, in the order in which they are named.
fn codings(device: &Device) -> Vec<u32> {
    let mut codings = Vec::new();
    for format in device.formats() {
        if !codings.contains(&format.coding) {
            codings.push(format.coding);
        }
    }
    codings
}

fn coding(device: &Device, told: &mut sys::v4l2_fmtdesc) -> Answer {
    told.pixelformat = *codings(device).get(told.index as usize).ok_or(EINVAL)?;
    told.flags = 0;
    Ok(())
}

fn size(device: &Device, told: &mut sys::v4l2_frmsizeenum) -> Answer {
    let mut fitting = device.formats().iter().filter(|format| format.coding == told.pixel_format);
    let &Format { width, height, .. } = fitting.nth(told.index as usize).ok_or(EINVAL)?;
    told.type_ = sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE;
    told.__bindgen_anon_1.discrete = sys::v4l2_frmsize_discrete { width, height };
    Ok(())
}

fn interval(device: &Device, told: &mut sys::v4l2_frmivalenum) -> Answer {
    let asked = (told.pixel_format, told.width, told.height);
    let format = device.formats().iter().find(|format| (format.coding, format.width, format.height) == asked);
    let rate = format.and_then(|format| format.rates.get(told.index as usize)).ok_or(EINVAL)?;
    told.type_ = sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE;
    told.__bindgen_anon_1.discrete = sys::v4l2_fract { numerator: 1, denominator: rate.promised };
    Ok(())
}

fn tell_format(device: &Device, told: &mut sys::v4l2_format) -> Answer {
    let size = device.size()?;
    let format = device.format()?;
    // SAFETY: all bits zero are a value of it: it has numbers alone.
    let mut pix: sys::v4l2_pix_format = unsafe { std::mem::zeroed() };
    (pix.pixelformat, pix.width, pix.height) = (format.coding, format.width, format.height);
    (pix.sizeimage, pix.field) = (size as u32, sys::v4l2_field_V4L2_FIELD_NONE);
    told.fmt.pix = pix;
    Ok(())
}

fn tell_rate(device: &Device, told: &mut sys::v4l2_streamparm) -> Answer {
    // SAFETY: as above.
    let mut capture: sys::v4l2_captureparm = unsafe { std::mem::zeroed() };
    capture.capability = sys::V4L2_CAP_TIMEPERFRAME;
    capture.timeperframe = sys::v4l2_fract { numerator: 1, denominator: device.rate()?.given };
    told.parm.capture = capture;
    Ok(())
}
