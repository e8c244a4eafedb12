//! Opening a container: with a limit on the size of its pictures before anything is decoded, and with a [`Watch`].
//!
//! FFmpeg's own calls are used here, not the binding's: those know no limit for the decoders that FFmpeg runs while it
//! looks at a stream, and take no path that isn't UTF-8.

use std::ffi::CString;
use std::io::ErrorKind;
use std::path::Path;
use std::ptr;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::util::error::{EINVAL, ENOENT, ENOMEM};
use ffmpeg_next::util::interrupt;

use super::error::VideoError;
use super::pipe::{self, OwnedPipe};
use super::seal::Seal;
use super::watch::Watch;
use crate::capture::address::Address;

/// Containers that hold their pictures themselves. Lists of other places are none, whatever they are called.
const CONTAINERS: &str =
    "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf,mxf,gif,apng,ivf,h264,hevc,m4v,mjpeg,mpjpeg,mpegvideo,nut,3gp";
/// Schemes of addresses that are read by RTSP.
const RTSP: [&str; 2] = ["rtsp://", "rtsps://"];

/// Opens what is at `address`; a picture may have `most_pixels` pixels. What is `confined` leads nowhere else.
pub(super) fn open(
    address: &Address,
    (most_pixels, confined): (u64, bool),
    watch: &Watch,
) -> Result<Input, VideoError> {
    let name = address.name();
    if address.path().is_some_and(Path::is_dir) {
        return Err(VideoError::Directory(name));
    }
    let open = |reason| VideoError::Open { name: name.clone(), reason };
    ffmpeg::init().map_err(open)?;
    // Its own messages would go to standard error between ours, addresses with their passwords among them; what matters
    // comes back as an error.
    ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
    let mut place = Place::of(address, watch).map_err(open)?;
    if confined {
        place.confine(address);
    }
    let sealed = place.seal.is_some();
    watch.restart();
    open_within(place, most_pixels, watch).map_err(|refusal| match refusal {
        Refusal::TooLarge { width, height } => {
            VideoError::TooLarge { name: name.clone(), width, height, most: most_pixels }
        }
        Refusal::Failed(ffmpeg::Error::Other { errno: ENOENT }) => VideoError::Missing(name.clone()),
        Refusal::Failed(ffmpeg::Error::Other { errno: EINVAL }) if sealed => VideoError::LedAway(name.clone()),
        Refusal::Failed(reason) => match watch.late() {
            Some(seconds) => VideoError::Silent { name: name.clone(), seconds },
            None => open(reason),
        },
    })
}

/// Where FFmpeg reads.
struct Place {
    /// As it wants to be told.
    name: CString,
    /// A list in a file may name other places: it gets no further than the disk.
    options: ffmpeg::Dictionary<'static>,
    /// The pipe that it reads from, to be kept open as long.
    pipe: Option<OwnedPipe>,
    /// What keeps it from being led away.
    seal: Option<Seal>,
}

impl Place {
    fn of(address: &Address, watch: &Watch) -> Result<Self, ffmpeg::Error> {
        let mut options = ffmpeg::Dictionary::new();
        // A clock that begins anew is not taken for one that is full: the difference is told from the frames.
        options.set("correct_ts_overflow", "0");
        let pipe = match address {
            Address::File(path) => pipe::of_file(path, watch.stop()),
            Address::Stdin => pipe::of_stdin(),
            Address::Url(_) => Ok(None),
        };
        let pipe = pipe.map_err(|error| match error.kind() {
            ErrorKind::Interrupted => ffmpeg::Error::Exit,
            _ => ffmpeg::Error::Other { errno: error.raw_os_error().unwrap_or(EINVAL) },
        })?;
        let bytes = match (address, &pipe) {
            (_, Some(pipe)) => pipe.name().into_bytes(),
            (Address::Stdin, None) => b"pipe:0".to_vec(),
            // Otherwise the part before a colon would be taken for a protocol.
            (Address::File(path), None) => [b"file:", path_bytes(path).unwrap_or_default()].concat(),
            (Address::Url(text), None) => text.clone().into_bytes(),
        };
        match address {
            Address::File(_) if pipe.is_none() => options.set("protocol_whitelist", "file,crypto,data"),
            Address::File(_) | Address::Stdin => options.set("protocol_whitelist", "pipe,crypto,data"),
            // Packets of UDP get lost, and with them parts of pictures.
            Address::Url(_) => options.set("rtsp_flags", "prefer_tcp"),
        }
        let name = CString::new(bytes).map_err(|_| ffmpeg::Error::Other { errno: EINVAL })?;
        Ok(Self { name, options, pipe, seal: None })
    }

    /// No list that names other places is read, and no server sends the reader to another one.
    fn confine(&mut self, address: &Address) {
        self.options.set("format_whitelist", CONTAINERS);
        match address {
            Address::Url(text) if RTSP.iter().any(|scheme| text.starts_with(scheme)) => {
                self.options.set("format_whitelist", "rtsp");
                // Packets within the connection: by UDP they could be asked for elsewhere.
                self.options.set("protocol_whitelist", "tcp,tls");
                self.options.set("rtsp_transport", "tcp");
                self.seal = Some(Seal::new());
            }
            Address::Url(_) => {
                self.options.set("protocol_whitelist", "http,https,tls,tcp");
                self.options.set("max_redirects", "0");
            }
            Address::File(_) | Address::Stdin => {}
        }
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere a path may have no bytes")]
fn path_bytes(path: &Path) -> Option<&[u8]> {
    use std::os::unix::ffi::OsStrExt;
    Some(path.as_os_str().as_bytes())
}

#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Option<&[u8]> {
    path.to_str().map(str::as_bytes)
}

enum Refusal {
    TooLarge { width: u64, height: u64 },
    Failed(ffmpeg::Error),
}

fn check(code: i32) -> Result<(), Refusal> {
    if code < 0 { Err(Refusal::Failed(ffmpeg::Error::from(code))) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "the binding opens without a limit on the size of pictures")]
fn open_within(place: Place, most_pixels: u64, watch: &Watch) -> Result<Input, Refusal> {
    let ears = watch.clone();
    let Place { name: place, options, pipe, seal } = place;
    let opened = seal.clone();
    let interrupt = interrupt::new(Box::new(move || {
        // Kept here it is closed when the container is, and not before.
        let _ = &pipe;
        seal.iter().for_each(Seal::shut);
        ears.gives_up()
    }));
    // SAFETY: the context is allocated here and given to `avformat_open_input`, which frees it when it fails, and then to
    // `Input`, which frees it when dropped, before the closure that its interrupt callback points to. The copy of the
    // options is freed here; what `avformat_open_input` put in its place are the options that it didn't know.
    let mut input = unsafe {
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(Refusal::Failed(ffmpeg::Error::Other { errno: ENOMEM }));
        }
        (*context).interrupt_callback = interrupt.interrupt;
        opened.iter().for_each(|seal| seal.put_on(context));
        let mut copy = ptr::null_mut();
        ffi::av_dict_copy(&raw mut copy, options.as_ptr(), 0);
        let code = ffi::avformat_open_input(&raw mut context, place.as_ptr(), ptr::null_mut(), &raw mut copy);
        ffi::av_dict_free(&raw mut copy);
        check(code)?;
        Input::wrap_with_interrupt(context, interrupt.guard)
    };
    within_limit(&input, most_pixels)?;
    let mut limit = ffmpeg::Dictionary::new();
    limit.set("max_pixels", &decoder_limit(most_pixels).to_string());
    // SAFETY: there is one pointer for each stream that is known so far, as the call wants; each is a dictionary of its
    // own, which is freed afterwards.
    let code = unsafe {
        let mut limits: Vec<*mut ffi::AVDictionary> = vec![ptr::null_mut(); input.nb_streams() as usize];
        for copy in &mut limits {
            ffi::av_dict_copy(copy, limit.as_ptr(), 0);
        }
        let code = ffi::avformat_find_stream_info(input.as_mut_ptr(), limits.as_mut_ptr());
        for copy in &mut limits {
            ffi::av_dict_free(copy);
        }
        code
    };
    check(code)?;
    within_limit(&input, most_pixels)?;
    Ok(input)
}

/// Decoders count whole blocks: they get a little room, and each picture is checked after them.
pub(super) fn decoder_limit(most_pixels: u64) -> i64 {
    i64::try_from(most_pixels.saturating_add(most_pixels / 4).saturating_add(1 << 16)).unwrap_or(i64::MAX)
}

fn within_limit(input: &Input, most_pixels: u64) -> Result<(), Refusal> {
    for stream in input.streams() {
        let (width, height) = size(&stream);
        if width.saturating_mul(height) > most_pixels {
            return Err(Refusal::TooLarge { width, height });
        }
    }
    Ok(())
}

/// Width and height in pixels as the container says it; 0 for what is no video.
#[expect(unsafe_code, reason = "the binding has no name for these fields")]
pub(super) fn size(stream: &ffmpeg::Stream<'_>) -> (u64, u64) {
    // SAFETY: a stream has parameters as long as its container is open, and these are plain numbers in them.
    let (width, height) = unsafe {
        let parameters = (*stream.as_ptr()).codecpar;
        ((*parameters).width, (*parameters).height)
    };
    (u64::try_from(width).unwrap_or(0), u64::try_from(height).unwrap_or(0))
}
