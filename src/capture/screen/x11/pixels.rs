//! Reads pixels: through memory that is shared with the server, or else over the connection.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use nix::sys::memfd::{MFdFlags, memfd_create};
use x11rb::connection::Connection as _;
use x11rb::cookie::Cookie;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{self, ConnectionExt as _, Drawable, ImageFormat};
use x11rb::rust_connection::RustConnection;

use super::server::Server;
use crate::capture::screen::colours::BYTES;
use crate::capture::screen::error::ScreenError;

/// Whole pixels: left, top, width, height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Where the pixels of a picture come to.
pub(super) struct Pixels {
    memory: Option<Memory>,
    /// The last ones that were read, row by row with nothing between.
    pub(super) raw: Vec<u8>,
}

/// Memory that is shared with the server. It is read as a file: what another process writes is no slice of ours.
struct Memory {
    file: File,
    segment: shm::Seg,
    bytes: usize,
}

/// Pixels that were asked for and have not come yet.
pub(super) enum Asked<'a> {
    Shared(Cookie<'a, RustConnection, shm::GetImageReply>),
    Sent(Cookie<'a, RustConnection, xproto::GetImageReply>),
}

impl Area {
    pub(super) fn bytes(&self) -> usize {
        self.width * self.height * BYTES
    }

    /// The smallest one around both.
    pub(super) fn around(&self, other: &Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let right = (self.left + self.width).max(other.left + other.width);
        let bottom = (self.top + self.height).max(other.top + other.height);
        Self { left, top, width: right - left, height: bottom - top }
    }

    pub(super) fn has(&self, other: &Self) -> bool {
        self.around(other) == *self
    }
}

impl Pixels {
    pub(super) fn new() -> Self {
        Self { memory: None, raw: Vec::new() }
    }

    /// Sees to it that so many bytes fit. A server that can't share, as it is on another machine, sends them.
    pub(super) fn prepare(&mut self, server: &Server, bytes: usize) -> Result<(), ScreenError> {
        if !server.shares_memory || self.memory.as_ref().is_some_and(|memory| memory.bytes >= bytes) {
            return Ok(());
        }
        if let Some(old) = self.memory.take() {
            server.connection.shm_detach(old.segment)?;
        }
        match Memory::share(server, bytes) {
            Ok(memory) => self.memory = Some(memory),
            Err(reason) => log::debug!("no memory is shared with the X server: {reason}"),
        }
        Ok(())
    }

    /// Asks for an area of a drawable, which is within it, and no more bytes than were prepared for. Nothing is sent yet.
    pub(super) fn ask<'a>(&self, server: &'a Server, drawable: Drawable, area: Area) -> Result<Asked<'a>, ScreenError> {
        let connection = &server.connection;
        // X11 has no larger drawables.
        let (x, y) = (area.left as i16, area.top as i16);
        let (width, height) = (area.width as u16, area.height as u16);
        Ok(match &self.memory {
            Some(Memory { segment, .. }) => {
                let format = ImageFormat::Z_PIXMAP.into();
                Asked::Shared(connection.shm_get_image(drawable, x, y, width, height, !0, format, *segment, 0)?)
            }
            None => Asked::Sent(connection.get_image(ImageFormat::Z_PIXMAP, drawable, x, y, width, height, !0)?),
        })
    }

    /// Waits for what was asked, and puts it into `raw`: `bytes` of them.
    pub(super) fn take(&mut self, asked: Asked<'_>, bytes: usize) -> Result<(), ScreenError> {
        match asked {
            Asked::Shared(cookie) => {
                cookie.reply()?;
                self.raw.resize(bytes, 0);
                if let Some(memory) = &self.memory {
                    let read = memory.file.read_exact_at(&mut self.raw, 0);
                    read.map_err(|error| ScreenError::Server(format!("its memory can't be read: {error}")))?;
                }
            }
            Asked::Sent(cookie) => self.raw = cookie.reply()?.data,
        }
        if self.raw.len() < bytes {
            return Err(ScreenError::Server("it sent a part of the picture only".to_owned()));
        }
        Ok(())
    }
}

impl Memory {
    fn share(server: &Server, bytes: usize) -> Result<Self, String> {
        let file = memfd_create(c"screen", MFdFlags::MFD_CLOEXEC).map_err(|error| error.to_string())?;
        let file = File::from(file);
        file.set_len(bytes as u64).map_err(|error| error.to_string())?;
        let theirs: OwnedFd = file.try_clone().map_err(|error| error.to_string())?.into();
        let segment = server.connection.generate_id().map_err(|error| error.to_string())?;
        let attached = server.connection.shm_attach_fd(segment, theirs, false).map_err(|error| error.to_string())?;
        attached.check().map_err(|error| error.to_string())?;
        Ok(Self { file, segment, bytes })
    }
}
