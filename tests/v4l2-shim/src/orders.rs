//! What the camera is told to be and to do: a file of the test, a line an order, read again and again.
//!
//! ```text
//! format MJPG 640x480 30,15 FOLDER/picture.jpg    coding, size, rates, and the bytes of each picture
//! format YUYV 320x240 30:15 FOLDER/picture.yuyv   30 is promised and 15 is given
//! stalls                                         no picture comes while this stands here
//! sticks                                         no picture comes until the stream is begun anew
//! unplugged                                      it is gone while this stands here
//! ```

use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) formats: Vec<Format>,
    pub(crate) doing: Doing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Doing {
    #[default]
    Plays,
    Stalls,
    Sticks,
    Unplugged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// V4L2's four letters.
    pub(crate) coding: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rates: Vec<Rate>,
    pub(crate) picture: PathBuf,
}

/// Frames a second, promised and given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) promised: u32,
    pub(crate) given: u32,
}

impl Orders {
    /// Reads orders; `None` where a line is no order. The test then sees that nothing happens.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut orders = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["format", coding, size, rates, picture] => {
                    let (width, height) = size.split_once('x')?;
                    orders.formats.push(Format {
                        coding: u32::from_le_bytes(coding.as_bytes().try_into().ok()?),
                        width: width.parse().ok()?,
                        height: height.parse().ok()?,
                        rates: rates.split(',').map(Rate::of).collect::<Option<_>>()?,
                        picture: picture.into(),
                    });
                }
                ["stalls"] => orders.doing = Doing::Stalls,
                ["sticks"] => orders.doing = Doing::Sticks,
                ["unplugged"] => orders.doing = Doing::Unplugged,
                _ => return None,
            }
        }
        Some(orders)
    }
}

impl Rate {
    fn of(text: &str) -> Option<Self> {
        let (promised, given) = text.split_once(':').unwrap_or((text, text));
        Some(Self { promised: promised.parse().ok()?, given: given.parse().ok()? })
    }
}
