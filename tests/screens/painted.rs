//! A window that a test paints.

use std::time::Duration;

use cyborg_edge::frame::Frame;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask,
    Gcontext, ImageFormat, MapState, PropMode, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::desk::Desk;
use crate::support::browser::wait_for;

pub(crate) type Rgb = [u8; 3];

/// A window on a test's desk. It goes with its connection.
pub(crate) struct Painted {
    pub(crate) connection: RustConnection,
    pub(crate) id: Window,
    root: Window,
    gc: Gcontext,
    pub(crate) size: (u16, u16),
}

impl Painted {
    /// Opens it and waits until it is seen.
    pub(crate) fn open(desk: &Desk, title: &str, size: (u16, u16), colour: Rgb) -> Self {
        let (connection, screen) = desk.connect();
        let screen = connection.setup().roots[screen].clone();
        let (id, gc) = (connection.generate_id().expect("a number"), connection.generate_id().expect("a number"));
        let look = CreateWindowAux::new().background_pixel(pixel(colour)).event_mask(EventMask::STRUCTURE_NOTIFY);
        let (width, height) = size;
        connection
            .create_window(0, id, screen.root, 0, 0, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &look)
            .expect("it is sent");
        connection
            .change_property8(PropMode::REPLACE, id, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes())
            .expect("it is sent");
        connection.create_gc(gc, id, &CreateGCAux::new()).expect("it is sent");
        let painted = Self { connection, id, root: screen.root, gc, size };
        painted.show();
        painted
    }

    /// Shows it, again where it was hidden.
    pub(crate) fn show(&self) {
        self.connection.map_window(self.id).expect("it is sent");
        wait_for("the window", || {
            let attributes = self.connection.get_window_attributes(self.id).ok()?.reply().ok()?;
            (attributes.map_state == MapState::VIEWABLE).then_some(())
        });
        self.done();
    }

    /// Waits until the server did all that it was told.
    pub(crate) fn done(&self) {
        self.connection.sync().expect("the server is there");
    }

    pub(crate) fn fill(&self, colour: Rgb) {
        let (width, height) = self.size;
        self.paint((0, 0), (width, height), &colour.repeat(usize::from(width) * usize::from(height)));
        self.done();
    }

    /// Paints RGB pixels in one request, without waiting for it.
    pub(crate) fn paint(&self, (left, top): (i16, i16), (width, height): (u16, u16), pixels: &[u8]) {
        let data: Vec<u8> = pixels.chunks_exact(3).flat_map(|rgb| [rgb[2], rgb[1], rgb[0], 0]).collect();
        self.connection
            .put_image(ImageFormat::Z_PIXMAP, self.id, self.gc, width, height, left, top, 0, 24, &data)
            .expect("it is sent");
    }

    /// A square of one colour.
    pub(crate) fn patch(&self, left: i16, top: i16, size: (u16, u16), colour: Rgb) {
        self.paint((left, top), size, &colour.repeat(usize::from(size.0) * usize::from(size.1)));
    }

    /// Has nobody else served until `act` is done.
    pub(crate) fn alone(&self, act: impl FnOnce()) {
        self.connection.grab_server().expect("it is sent");
        act();
        self.connection.ungrab_server().expect("it is sent");
        self.done();
    }

    pub(crate) fn move_to(&self, x: i32, y: i32) {
        self.configure(&ConfigureWindowAux::new().x(x).y(y));
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.configure(&ConfigureWindowAux::new().width(u32::from(width)).height(u32::from(height)));
        self.size = (width, height);
        wait_for("its size", || {
            let found = self.connection.get_geometry(self.id).ok()?.reply().ok()?;
            ((found.width, found.height) == (width, height)).then_some(())
        });
    }

    pub(crate) fn raise(&self) {
        self.configure(&ConfigureWindowAux::new().stack_mode(StackMode::ABOVE));
    }

    fn configure(&self, how: &ConfigureWindowAux) {
        self.connection.configure_window(self.id, how).expect("it is sent");
        self.done();
        // The manager does it a moment later.
        std::thread::sleep(Duration::from_millis(200));
    }

    /// Where it is on the screen.
    pub(crate) fn place(&self) -> (i16, i16) {
        let corner = self.connection.translate_coordinates(self.id, self.root, 0, 0).expect("it is sent");
        let corner = corner.reply().expect("it is there");
        (corner.dst_x, corner.dst_y)
    }

    /// Asks the window manager to minimise it.
    pub(crate) fn minimise(&self) {
        let name =
            self.connection.intern_atom(false, b"WM_CHANGE_STATE").expect("it is sent").reply().expect("a number");
        let message = ClientMessageEvent::new(32, self.id, name.atom, [3, 0, 0, 0, 0]);
        let to = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
        self.connection.send_event(false, self.root, to, message).expect("it is sent");
        self.done();
    }

    pub(crate) fn close(self) {
        self.connection.destroy_window(self.id).expect("it is sent");
        self.done();
    }
}

fn pixel([red, green, blue]: Rgb) -> u32 {
    u32::from_be_bytes([0, red, green, blue])
}

/// The colour of a pixel.
pub(crate) fn at(frame: &Frame, x: usize, y: usize) -> Rgb {
    let start = (y * frame.width + x) * 3;
    [frame.pixels[start], frame.pixels[start + 1], frame.pixels[start + 2]]
}

/// Whether a pixel has this colour, within three levels.
pub(crate) fn is_near(found: Rgb, expected: Rgb) -> bool {
    found.iter().zip(expected).all(|(&found, expected)| found.abs_diff(expected) <= 3)
}
