//! A stream of PipeWire: a thread of its own hears what comes and takes the newest picture of it, for whoever looks next.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pipewire::buffer::Buffer;
use pipewire::channel::{Receiver, Sender, channel};
use pipewire::context::ContextRc;
use pipewire::core::PW_ID_CORE;
use pipewire::keys;
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::spa::buffer::ChunkFlags;
use pipewire::spa::buffer::meta::{MetaHeader, MetaHeaderFlags, MetaRegion, MetaVideoCrop, MetaVideoDamage};
use pipewire::spa::param::ParamType;
use pipewire::spa::pod::Pod;
use pipewire::spa::utils::Direction;
use pipewire::stream::{Stream as PipeWireStream, StreamBox, StreamFlags, StreamState};

use super::error::PortalError;
use super::params::{self, Format};
use super::picture::{News, Picture, Region, Rows};
use crate::wall;

/// A stream that is heard until this is dropped.
pub(super) struct Stream {
    shared: Arc<Shared>,
    end: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and who looks have in common.
struct Shared {
    latest: Mutex<Latest>,
    told: Condvar,
}

/// How things are.
pub(super) struct Latest {
    pub(super) picture: Picture,
    /// What of it nobody has looked at yet.
    pub(super) news: News,
    /// When the picture came; absent before the first.
    pub(super) came: Option<Instant>,
    /// Whether the desktop sends what it draws: while it doesn't, nobody knows what the screen shows.
    pub(super) plays: bool,
    /// Whether pictures are to be of another kind now, and the first of these hasn't come: the last one shows what was.
    pub(super) turns: bool,
    /// Why nothing comes any more.
    pub(super) lost: Option<PortalError>,
}

impl Latest {
    /// Whether the picture is known to be what the screen shows.
    pub(super) fn holds(&self) -> bool {
        self.plays && !self.turns
    }
}

impl Stream {
    /// Hears node `node` on this way to PipeWire, with `rate` pictures a second at most.
    ///
    /// # Errors
    ///
    /// When there can be no thread for it. All else is found out by it: see [`Latest::lost`].
    pub(super) fn hear(remote: OwnedFd, node: u32, rate: f64) -> Result<Self, PortalError> {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(pipewire::init);
        let latest = Latest {
            picture: Picture::default(),
            news: News::Nothing,
            came: None,
            plays: false,
            turns: false,
            lost: None,
        };
        let shared = Arc::new(Shared { latest: Mutex::new(latest), told: Condvar::new() });
        let (end, ends) = channel();
        let thread = thread::Builder::new().name("pipewire".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                // Nothing of it may be used on another thread than its own: all is made here.
                let heard = wall::behind(|| hear(remote, node, rate, &shared, ends));
                let reason = match heard {
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => PortalError::PipeWire(error.to_string()),
                    Err(_) => PortalError::Lost("the library that reads it crashed".to_owned()),
                };
                shared.lose(reason);
            }
        });
        let thread =
            thread.map_err(|error| PortalError::Lost(format!("no thread can be begun to read it: {error}")))?;
        Ok(Self { shared, end, thread: Some(thread) })
    }

    /// How things are now. The thread waits meanwhile.
    pub(super) fn latest(&self) -> MutexGuard<'_, Latest> {
        self.shared.latest()
    }

    /// How things are when something was told, or after `patience`.
    pub(super) fn wait<'a>(&'a self, latest: MutexGuard<'a, Latest>, patience: Duration) -> MutexGuard<'a, Latest> {
        self.shared.told.wait_timeout(latest, patience).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.end.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason stays.
    fn lose(&self, reason: PortalError) {
        self.latest().lost.get_or_insert(reason);
        self.told.notify_all();
    }

    /// Does what a callback of PipeWire's is for. A panic may not go through the library, which isn't Rust.
    fn behind(&self, act: impl FnOnce()) {
        if wall::behind(act).is_err() {
            self.lose(PortalError::Lost("the library that reads it crashed".to_owned()));
        }
    }
}

/// Hears the stream until it is told to end.
fn hear(
    remote: OwnedFd,
    node: u32,
    rate: f64,
    shared: &Arc<Shared>,
    ends: Receiver<()>,
) -> Result<(), pipewire::Error> {
    let events = MainLoopRc::new(None)?;
    let context = ContextRc::new(&events, None)?;
    let core = context.connect_fd_rc(remote, None)?;
    let _core_heard = core
        .add_listener_local()
        .error({
            let shared = Arc::clone(shared);
            move |id, _, _, message| {
                log::debug!("PipeWire says of object {id}: {message}");
                if id == PW_ID_CORE {
                    shared.lose(PortalError::Lost(format!("PipeWire went away ({message})")));
                }
            }
        })
        .register();
    let purpose = properties! {
        *keys::MEDIA_TYPE => "Video",
        *keys::MEDIA_CATEGORY => "Capture",
        *keys::MEDIA_ROLE => "Screen",
    };
    let stream = StreamBox::new(&core, "cyborg", purpose)?;
    let format = Rc::new(RefCell::new(None));
    let _stream_heard = stream
        .add_local_listener::<()>()
        .state_changed({
            let shared = Arc::clone(shared);
            move |_, (), old, new| shared.behind(|| turned(&shared, &old, new))
        })
        .param_changed({
            let (shared, format) = (Arc::clone(shared), Rc::clone(&format));
            move |stream, (), id, param| {
                if let Some(param) = param.filter(|_| id == ParamType::Format.as_raw()) {
                    shared.behind(|| agree(&shared, stream, param, &format));
                }
            }
        })
        .process({
            let shared = Arc::clone(shared);
            move |stream, ()| shared.behind(|| take(&shared, stream, *format.borrow()))
        })
        .register()?;
    let _ends = ends.attach(events.loop_(), {
        let events = events.clone();
        move |()| events.quit()
    });
    let formats = params::bytes(params::formats(rate)).ok_or(pipewire::Error::CreationFailed)?;
    let mut asked: Vec<&Pod> = Pod::from_bytes(&formats).into_iter().collect();
    // Another stream in the place of one that went would be something else than what the user chose.
    let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::DONT_RECONNECT;
    stream.connect(Direction::Input, Some(node), flags, &mut asked)?;
    events.run();
    Ok(())
}

/// The stream is in another state.
fn turned(shared: &Shared, old: &StreamState, new: StreamState) {
    log::debug!("the stream of the screen: {old:?}, then {new:?}");
    let lost = match &new {
        StreamState::Error(reason) => Some(format!("PipeWire says: {reason}")),
        StreamState::Unconnected => Some("the desktop closed it".to_owned()),
        StreamState::Connecting | StreamState::Paused | StreamState::Streaming => None,
    };
    shared.latest().plays = new == StreamState::Streaming;
    match lost {
        Some(reason) => shared.lose(PortalError::Lost(reason)),
        None => shared.told.notify_all(),
    }
}

/// The format is agreed upon, for the first time or anew: says which memory the pictures shall come in, and with what beside.
fn agree(shared: &Shared, stream: &PipeWireStream, param: &Pod, format: &RefCell<Option<Format>>) {
    let agreed = Format::of(param);
    log::debug!("the pictures of the screen: {agreed:?}");
    if format.replace(agreed) != agreed {
        shared.latest().turns = true;
    }
    if agreed.is_none() {
        return shared.lose(PortalError::Lost("its pictures come in a format that can't be read".to_owned()));
    }
    let asked: Vec<Vec<u8>> =
        std::iter::once(params::memory()).chain(params::beside()).filter_map(params::bytes).collect();
    let mut asked: Vec<&Pod> = asked.iter().filter_map(|bytes| Pod::from_bytes(bytes)).collect();
    if let Err(error) = stream.update_params(&mut asked) {
        shared.lose(PortalError::Lost(format!("its memory can't be agreed upon ({error})")));
    }
}

/// Takes the newest picture that has come; of older ones, where they had changed.
fn take(shared: &Shared, stream: &PipeWireStream, format: Option<Format>) {
    let came = Instant::now();
    let Some(format) = format else {
        return;
    };
    let (mut newest, mut damage, mut said) = (None, Vec::new(), true);
    while let Some(mut buffer) = stream.dequeue_buffer() {
        if !is_whole(&mut buffer) {
            continue;
        }
        let before = damage.len();
        if let Some(regions) = buffer.find_meta::<MetaVideoDamage>() {
            damage.extend(regions.iter().map(region));
        }
        // One of which nobody says where it changed may have changed anywhere.
        said &= damage.len() > before;
        newest = Some(buffer);
    }
    let Some(mut buffer) = newest else {
        return;
    };
    if !said {
        damage.clear();
    }
    let crop = buffer.find_meta::<MetaVideoCrop>().map(MetaVideoCrop::meta_region);
    let crop = crop.filter(|crop| crop.is_valid()).map(region);
    let Some(data) = buffer.datas_mut().first_mut() else {
        return;
    };
    let (offset, stride) = (data.chunk().offset() as usize, data.chunk().stride());
    let Some(bytes) = data.data() else {
        return shared.lose(PortalError::Lost("its pictures come in memory that can't be read".to_owned()));
    };
    let mut latest = shared.latest();
    let rows = Rows { bytes, offset, stride, order: format.order };
    let Some(news) = latest.picture.take(rows, format.size, crop, &damage) else {
        log::debug!("a buffer of the screen isn't what it says: {format:?}, {offset}, {stride}, {crop:?}");
        return;
    };
    latest.news.add(news);
    (latest.came, latest.turns) = (Some(came), false);
    drop(latest);
    shared.told.notify_all();
}

/// Whether a buffer holds a picture. One may come for the pointer's sake alone, or half written.
fn is_whole(buffer: &mut Buffer<'_>) -> bool {
    let header = buffer.find_meta::<MetaHeader>();
    if header.is_some_and(|header| header.flags().contains(MetaHeaderFlags::CORRUPTED)) {
        return false;
    }
    let chunk = buffer.datas_mut().first().map(|data| data.chunk());
    chunk.is_some_and(|chunk| chunk.size() > 0 && !chunk.flags().contains(ChunkFlags::CORRUPTED))
}

fn region(found: &MetaRegion) -> Region {
    let (at, size) = (found.position(), found.size());
    Region { left: at.x, top: at.y, width: size.width, height: size.height }
}
