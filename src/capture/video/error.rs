//! What can be wrong with a video.

use ffmpeg_next as ffmpeg;

/// A video that can't be opened or decoded.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// It is no file.
    #[error("{0} is a directory: name the video files in it")]
    Directory(String),
    /// It is not there.
    #[error("can't open {0}: No such file or directory")]
    Missing(String),
    /// It can't be opened.
    #[error("can't open {name}: {reason}; is it a video, and whole?")]
    Open {
        /// The video.
        name: String,
        /// What the decoder says.
        reason: ffmpeg::Error,
    },
    /// The network, or what is at the other end, doesn't answer.
    #[error("{name} gave nothing for {seconds} s: is it reachable? `--patience` waits longer")]
    Silent {
        /// The video.
        name: String,
        /// Seconds waited.
        seconds: u64,
    },
    /// There is no picture in it.
    #[error("{0} has no video stream, only sound or data")]
    NoVideo(String),
    /// Its pictures are larger than allowed: a mistake in its header, or a trap.
    #[error(
        "{name} speaks of {width}x{height} pixels, more than the limit of {most}: raise `--max-pixels` if that is right"
    )]
    TooLarge {
        /// The video.
        name: String,
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// The limit.
        most: u64,
    },
    /// The decoder for it is missing or refuses it.
    #[error("can't decode {name}: {reason}; FFmpeg's libraries here have no decoder for it, or its header is damaged")]
    Decoder {
        /// The video.
        name: String,
        /// What the decoder says.
        reason: ffmpeg::Error,
    },
    /// It ended before the first picture.
    #[error("{name} has no frame that can be decoded{}", damage.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    NoFrames {
        /// The video.
        name: String,
        /// What the decoder said of the first damaged frame.
        damage: Option<String>,
    },
    /// It has frames, but none in the stretch that was asked for.
    #[error("{name} has no frame between `--start` and `--end`; its last one that was looked at is at {last:.3} s{}", by_clock(*asked, *clock))]
    NothingWanted {
        /// The video.
        name: String,
        /// Seconds from the first frame to the last one that was looked at.
        last: f64,
        /// What the source's own clock says of that frame, in seconds.
        clock: f64,
        /// The start in seconds from the first frame, where it is behind that frame.
        asked: Option<f64>,
    },
    /// A picture can't be turned into RGB.
    #[error("can't convert the picture format of {name}: {reason}")]
    Convert {
        /// The video.
        name: String,
        /// What the converter says.
        reason: ffmpeg::Error,
    },
}

fn by_clock(asked: Option<f64>, clock: f64) -> String {
    asked.map_or_else(String::new, |asked| {
        format!(" from its first frame ({clock:.3} s by its own clock, by which `--start @{asked}` would go)")
    })
}
