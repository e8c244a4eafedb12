//! What is watched on a server, and a look at it: what changed since the last one, and its pixels.

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::composite::{ConnectionExt as _, Redirect};
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, Drawable, EventMask, Pixmap, Rectangle, Window,
};

use super::layout::Layout;
use super::pixels::{Area, Pixels};
use super::server::Server;
use super::windows;
use crate::capture::screen::choice::{Place, ScreenChoice};
use crate::capture::screen::error::ScreenError;
use crate::capture::screen::opener::ScreenOpener;

/// Of more rectangles than this only the box around them is looked at.
const MOST_RECTANGLES: usize = 256;

/// A window, or a part of the screen.
pub(super) struct Watched {
    pub(super) server: Server,
    pub(super) layout: Layout,
    /// The window; the root, for a part of the screen.
    window: Window,
    /// Whether it is a program's window, which is read from its own memory.
    own: Option<Own>,
    /// The part of the drawable that is watched.
    part: Area,
    damage: damage::Damage,
    region: xfixes::Region,
    pub(super) pixels: Pixels,
    /// Where something was drawn since the last look, as far as is heard; within the picture.
    pub(super) heard: Option<Area>,
    /// What the last look found: places in the picture.
    pub(super) found: Vec<Area>,
    opener: ScreenOpener,
}

/// A window's own memory.
struct Own {
    pixmap: Pixmap,
    /// In the memory the window's border lies around it.
    border: usize,
}

impl Watched {
    pub(super) fn open(opener: &ScreenOpener) -> Result<Self, ScreenError> {
        let server = Server::connect(opener.display.0.as_deref())?;
        let (window, part) = match &opener.choice {
            ScreenChoice::Window(_) | ScreenChoice::WindowId(_) => (windows::find(&server, opener)?, None),
            ScreenChoice::Monitor(number) => (server.root(), Some(monitor(&server, opener, *number)?)),
            ScreenChoice::Region(place) => (server.root(), Some(within(*place, screen(&server)?)?)),
        };
        let connection = &server.connection;
        let events =
            ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY | EventMask::VISIBILITY_CHANGE);
        connection.change_window_attributes(window, &events)?;
        let attributes = connection.get_window_attributes(window)?.reply()?;
        let geometry = connection.get_geometry(window)?.reply()?;
        let layout = Layout::of(connection.setup(), geometry.depth, attributes.visual)?;
        let (damage, region) = (connection.generate_id()?, connection.generate_id()?);
        connection.damage_create(damage, window, ReportLevel::BOUNDING_BOX)?.check()?;
        connection.xfixes_create_region(region, &[])?.check()?;
        let mut watched = Self {
            layout,
            window,
            own: None,
            part: part.unwrap_or_default(),
            damage,
            region,
            pixels: Pixels::new(),
            heard: None,
            found: Vec::new(),
            opener: opener.clone(),
            server,
        };
        if part.is_none() {
            let redirected = watched.server.connection.composite_redirect_window(window, Redirect::AUTOMATIC)?;
            redirected.check()?;
            watched.name()?;
        }
        watched.pixels.prepare(&watched.server, watched.part.bytes())?;
        Ok(watched)
    }

    pub(super) fn is_window(&self) -> bool {
        self.own.is_some()
    }

    /// Width and height of the picture.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.part.width, self.part.height)
    }

    /// All of the picture.
    pub(super) fn whole(&self) -> Area {
        Area { left: 0, top: 0, ..self.part }
    }

    /// Listens to what the server has said; gives whether the picture has another size now.
    pub(super) fn hear(&mut self) -> Result<bool, ScreenError> {
        let mut resized = false;
        while let Some(event) = self.server.connection.poll_for_event()? {
            match event {
                Event::DamageNotify(event) if event.damage == self.damage => {
                    if let Some(area) = self.inside(&event.area) {
                        self.heard = Some(self.heard.map_or(area, |heard| heard.around(&area)));
                    }
                }
                Event::DestroyNotify(event) if event.window == self.window => return Err(ScreenError::Closed),
                // It is closed, or hidden, or shown again at once with a memory of another number.
                Event::UnmapNotify(event) if event.window == self.window => resized = true,
                // The frame around it may have been hidden and shown again, which gives it another memory too.
                Event::VisibilityNotify(event) if event.window == self.window && self.own.is_some() => resized = true,
                Event::ConfigureNotify(event) if event.window == self.window => {
                    let size = (usize::from(event.width), usize::from(event.height));
                    match &self.own {
                        // The root window: of each other arrangement of the monitors it is told, also where all of them together are as
                        // large as before. Where they are now is to be asked anew.
                        None => return Err(ScreenError::Rearranged),
                        Some(own) if size != self.size() || usize::from(event.border_width) != own.border => {
                            resized = true;
                        }
                        Some(_) => {}
                    }
                }
                _ => {}
            }
        }
        if resized {
            self.is_seen()?;
            self.name()?;
            self.pixels.prepare(&self.server, self.part.bytes())?;
        }
        Ok(resized)
    }

    /// Whether the window can still be seen: a manager that hides the frame around it says nothing to us.
    pub(super) fn is_seen(&self) -> Result<(), ScreenError> {
        if self.own.is_none() {
            return Ok(());
        }
        match windows::is_seen(&self.server, self.window)? {
            Some(true) => Ok(()),
            Some(false) => Err(ScreenError::Hidden(self.opener.choice.clone())),
            None => Err(ScreenError::Closed),
        }
    }

    /// Looks: what was drawn since the last look comes into `found`, and at least the pixels of that into `pixels`; gives the
    /// area that these are of. All of it is of one moment.
    pub(super) fn look(&mut self, all: bool) -> Result<Area, ScreenError> {
        self.found.clear();
        let asked = self.heard.take().filter(|_| !all).unwrap_or_else(|| self.whole());
        self.look_at(asked)?;
        if self.found.iter().all(|found| asked.has(found)) {
            return Ok(asked);
        }
        // Something more was drawn before it was heard of.
        let whole = self.whole();
        self.look_at(whole)?;
        Ok(whole)
    }

    /// One request for the pixels, and one for what changed, between which nobody can draw: the server listens to nobody else
    /// from the first word to the last. All words are sent at once, so that it waits for none of ours meanwhile.
    fn look_at(&mut self, area: Area) -> Result<(), ScreenError> {
        let connection = &self.server.connection;
        let (drawable, shift) = self.drawable();
        let in_drawable =
            Area { left: area.left + self.part.left + shift, top: area.top + self.part.top + shift, ..area };
        connection.grab_server()?;
        connection.damage_subtract(self.damage, x11rb::NONE, self.region)?;
        let changed = connection.xfixes_fetch_region(self.region)?;
        let asked = self.pixels.ask(&self.server, drawable, in_drawable)?;
        connection.ungrab_server()?;
        let changed = changed.reply()?;
        self.pixels.take(asked, area.bytes())?;
        let each = if changed.rectangles.len() > MOST_RECTANGLES {
            std::slice::from_ref(&changed.extents)
        } else {
            &changed.rectangles
        };
        for rectangle in each {
            let inside = self.inside(rectangle);
            self.found.extend(inside);
        }
        Ok(())
    }

    /// What is read, and how far in it the window begins.
    fn drawable(&self) -> (Drawable, usize) {
        self.own.as_ref().map_or((self.window, 0), |own| (own.pixmap, own.border))
    }

    /// A rectangle of the window, as a place in the picture; `None` where it lies outside.
    fn inside(&self, rectangle: &Rectangle) -> Option<Area> {
        let along = |start: i16, length: u16, from: usize, most: usize| {
            let start = i64::from(start) - from as i64;
            let (first, last) = (start.max(0), (start + i64::from(length)).min(most as i64));
            (last > first).then_some((first as usize, (last - first) as usize))
        };
        let (left, width) = along(rectangle.x, rectangle.width, self.part.left, self.part.width)?;
        let (top, height) = along(rectangle.y, rectangle.height, self.part.top, self.part.height)?;
        Some(Area { left, top, width, height })
    }

    /// Gets the memory of the window as it is now: another size has another memory.
    fn name(&mut self) -> Result<(), ScreenError> {
        let connection = &self.server.connection;
        let pixmap = connection.generate_id()?;
        // What is no longer seen has no memory.
        let named = connection.composite_name_window_pixmap(self.window, pixmap)?.check();
        named.map_err(|_| ScreenError::Hidden(self.opener.choice.clone()))?;
        // Both are asked of the memory and the window together: in between it may change.
        let (memory, window) = (connection.get_geometry(pixmap)?, connection.get_geometry(self.window)?);
        let (memory, window) = (memory.reply()?, window.reply()?);
        if let Some(old) = self.own.take() {
            connection.free_pixmap(old.pixmap)?;
        }
        let border = usize::from(window.border_width);
        let inner = |side: u16| usize::from(side).saturating_sub(2 * border).max(1);
        self.part = Area { left: 0, top: 0, width: inner(memory.width), height: inner(memory.height) };
        self.heard = None;
        self.own = Some(Own { pixmap, border });
        Ok(())
    }
}

fn monitor(server: &Server, opener: &ScreenOpener, number: usize) -> Result<Area, ScreenError> {
    let (_, place) = opener.numbered(number, &windows::monitors(server)?)?;
    within(place, screen(server)?)
}

/// Width and height of the screen now; what the server said at first may be of another arrangement.
fn screen(server: &Server) -> Result<(u32, u32), ScreenError> {
    let root = server.connection.get_geometry(server.root())?.reply()?;
    Ok((root.width.into(), root.height.into()))
}

fn within(place: Place, screen: (u32, u32)) -> Result<Area, ScreenError> {
    place.within(screen)?;
    Ok(Area {
        left: place.left as usize,
        top: place.top as usize,
        width: place.width as usize,
        height: place.height as usize,
    })
}
