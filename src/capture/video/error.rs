//! What can be wrong with a video.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::util::error::{
    EACCES, ECONNREFUSED, ECONNRESET, EHOSTUNREACH, EIO, ENETDOWN, ENETUNREACH, ENXIO, EPERM, EPIPE, ETIMEDOUT,
};

use crate::wall::Fault;

/// A video that can't be opened or decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// It is no file.
    #[error("{0} is a directory: name the video files in it")]
    Directory(String),
    /// It is not there.
    #[error("can't open {0}: No such file or directory")]
    Missing(String),
    /// It can't be opened.
    #[error("can't open {name}: {reason}; {}", cure(reason))]
    Open {
        /// The video.
        name: String,
        /// What the decoder says.
        reason: ffmpeg::Error,
    },
    /// The libraries failed by a fault of their own.
    #[error("can't read {name}: {source}")]
    Fault {
        /// The video.
        name: String,
        /// What was said.
        source: Fault,
    },
    /// The network, or what is at the other end, doesn't answer.
    #[error("{name} sent nothing for {seconds} s, and may not be reachable")]
    Silent {
        /// The video.
        name: String,
        /// Seconds waited.
        seconds: u64,
    },
    /// Its server leads to another place.
    #[error("{0} sends its reader to another address, which is not followed here: name that address itself")]
    LedAway(String),
    /// There is no picture in it.
    #[error("{0} has no video stream, only sound or data")]
    NoVideo(String),
    /// It came by a pipe, and what is needed first stands at its end.
    #[error(
        "{0} can't be read from a pipe: its index is at the end, and a pipe can't be rewound; name the file itself, or move the index to the front with `ffmpeg -i FILE -c copy -movflags +faststart OUT.mp4`"
    )]
    IndexAtEnd(String),
    /// Its pictures are larger than allowed: a mistake in its header, or a trap.
    #[error("{name} claims {width}x{height} pixels, more than the limit of {most}")]
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
    #[error(
        "can't decode {name}: {reason}; the FFmpeg libraries on this machine have no decoder for it, or its header is damaged"
    )]
    Decoder {
        /// The video.
        name: String,
        /// What the decoder says.
        reason: ffmpeg::Error,
    },
    /// The decoder in hardware that was named can't be used.
    #[error("can't decode {name} by {decoder}: {reason}")]
    Hardware {
        /// The video.
        name: String,
        /// The decoder.
        decoder: &'static str,
        /// What it said.
        reason: String,
    },
    /// It ended before the first picture.
    #[error("{name} has no frame that can be decoded{}", damage.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    NoFrames {
        /// The video.
        name: String,
        /// What the decoder said of the first damaged frame.
        damage: Option<String>,
    },
    /// Key frames alone were asked for, and it has none there.
    #[error("{0} has no key frame, in what was asked for, that can be decoded by itself")]
    NoKeyFrame(String),
    /// It has frames, but none in the stretch that was asked for.
    #[error("{name} has no frame in the stretch that was asked for; the last one read is at {last:.3} s{}", by_clock(*asked, *clock))]
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
    asked.map_or_else(String::new, |_| format!(" from its first frame ({clock:.3} s by its own clock)"))
}

/// What to do about a failure to open.
fn cure(reason: &ffmpeg::Error) -> &'static str {
    use ffmpeg::Error;
    match reason {
        Error::HttpUnauthorized => {
            "it wants user and password, as in `scheme://USER:PASSWORD@HOST/...`, or has refused these"
        }
        Error::HttpForbidden => "whoever is named there may not have it: look at user, password and token",
        Error::HttpNotFound => "there is nothing at that address: look at its path",
        Error::HttpBadRequest | Error::HttpOther4xx => "the server refuses the address: look at its path and query",
        Error::HttpServerError => "the server itself has failed: try again later",
        Error::ProtocolNotFound => "FFmpeg's libraries here don't know this kind of address",
        Error::Other { errno: ECONNREFUSED } => {
            "nobody listens there: look at host and port, and whether the camera or server is on"
        }
        Error::Other { errno: ECONNRESET | EPIPE } => {
            "the other end has hung up: is it the right port, and TLS as wanted?"
        }
        Error::Other { errno: EHOSTUNREACH | ENETUNREACH | ENETDOWN } => {
            "no way leads there: is the network up, and the host on?"
        }
        Error::Other { errno: ETIMEDOUT } => "no answer comes: is the host on, and the address right?",
        // So a name that nobody knows is told.
        Error::Other { errno: EIO } => "is the host's name right and known here, or the disk in order?",
        Error::Other { errno: EACCES | EPERM } => "this user may not read it: see `ls -l`",
        Error::Other { errno: ENXIO } => "it is a socket or a device without anybody behind it, no file",
        _ => "is it a video file, and complete?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_fits_the_reason() {
        let told = |reason| VideoError::Open { name: "x".to_owned(), reason }.to_string();
        for (reason, part) in [
            (ffmpeg::Error::HttpUnauthorized, "user and password"),
            (ffmpeg::Error::HttpNotFound, "look at its path"),
            (ffmpeg::Error::Other { errno: ECONNREFUSED }, "nobody listens there"),
            (ffmpeg::Error::Other { errno: EACCES }, "may not read it"),
            (ffmpeg::Error::InvalidData, "is it a video file, and complete?"),
        ] {
            let told = told(reason);
            assert!(told.contains(part), "{told}");
            let of_files = told.contains("is it a video");
            assert_eq!(of_files, reason == ffmpeg::Error::InvalidData, "{told}");
        }
    }
}
