//! What a stream is asked for, in PipeWire's words, and what it says it will give.

use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::format_utils::parse_format;
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use pipewire::spa::sys;
use pipewire::spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Fraction, Id, Rectangle, SpaTypes};

use super::picture::Order;

/// The longest side of a picture, in pixels.
const MOST_SIDE: u32 = 32_767;
/// Of more places than this the desktop tells the box around.
const MOST_REGIONS: i32 = 64;

/// What the pictures of a stream are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) size: (u32, u32),
    pub(super) order: Order,
}

impl Format {
    /// What was agreed upon; `None` where it isn't what was asked for.
    pub(super) fn of(param: &Pod) -> Option<Self> {
        if !matches!(parse_format(param), Ok((MediaType::Video, MediaSubtype::Raw))) {
            return None;
        }
        let mut info = VideoInfoRaw::new();
        info.parse(param).ok()?;
        let order = match info.format() {
            VideoFormat::BGRx | VideoFormat::BGRA => Order::Bgr,
            VideoFormat::RGBx | VideoFormat::RGBA => Order::Rgb,
            _ => return None,
        };
        Some(Self { size: (info.size().width, info.size().height), order })
    }
}

/// The formats that can be read, with `rate` pictures a second at most. No modifier is named, so memory of a graphics card isn't
/// offered: it would have to be mapped by the card's driver.
pub(super) fn formats(rate: f64) -> Object {
    // Rounded up: the source holds the rate itself.
    let rate = Fraction { num: rate.ceil().max(1.0) as u32, denom: 1 };
    let (least, most) = (Rectangle { width: 1, height: 1 }, Rectangle { width: MOST_SIDE, height: MOST_SIDE });
    let usual = Rectangle { width: 1920, height: 1080 };
    object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(
            FormatProperties::VideoFormat,
            Choice,
            Enum,
            Id,
            VideoFormat::BGRx,
            VideoFormat::BGRx,
            VideoFormat::RGBx,
            VideoFormat::BGRA,
            VideoFormat::RGBA
        ),
        property!(FormatProperties::VideoSize, Choice, Range, Rectangle, usual, least, most),
        // 0 is a rate that varies, which that of a screen does.
        property!(
            FormatProperties::VideoFramerate,
            Choice,
            Range,
            Fraction,
            Fraction { num: 0, denom: 1 },
            Fraction { num: 0, denom: 1 },
            Fraction { num: 1000, denom: 1 }
        ),
        property!(
            FormatProperties::VideoMaxFramerate,
            Choice,
            Range,
            Fraction,
            rate,
            Fraction { num: 1, denom: 1 },
            rate
        ),
    )
}

/// Memory that every program can read.
pub(super) fn memory() -> Object {
    let kinds = (1 << sys::SPA_DATA_MemFd) | (1 << sys::SPA_DATA_MemPtr);
    let kinds = Choice(ChoiceFlags::empty(), ChoiceEnum::Flags { default: kinds, flags: Vec::new() });
    Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![Property::new(sys::SPA_PARAM_BUFFERS_dataType, Value::Choice(ChoiceValue::Int(kinds)))],
    }
}

/// What is said beside each picture: whether it is whole, which part of the memory is shown, and where it changed.
pub(super) fn beside() -> [Object; 3] {
    let size = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    let header = Value::Int(size(size_of::<sys::spa_meta_header>()));
    let region = size(size_of::<sys::spa_meta_region>());
    let regions = ChoiceEnum::Range { default: region * MOST_REGIONS, min: region, max: region * MOST_REGIONS };
    let regions = Value::Choice(ChoiceValue::Int(Choice(ChoiceFlags::empty(), regions)));
    let meta = |kind: u32, size: Value| Object {
        type_: SpaTypes::ObjectParamMeta.as_raw(),
        id: ParamType::Meta.as_raw(),
        properties: vec![
            Property::new(sys::SPA_PARAM_META_type, Value::Id(Id(kind))),
            Property::new(sys::SPA_PARAM_META_size, size),
        ],
    };
    [
        meta(sys::SPA_META_Header, header),
        meta(sys::SPA_META_VideoCrop, Value::Int(region)),
        meta(sys::SPA_META_VideoDamage, regions),
    ]
}

/// In the bytes that PipeWire reads.
pub(super) fn bytes(object: Object) -> Option<Vec<u8>> {
    let cursor = std::io::Cursor::new(Vec::new());
    PodSerializer::serialize(cursor, &Value::Object(object)).ok().map(|(cursor, _)| cursor.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(format: VideoFormat, subtype: MediaSubtype) -> Option<Format> {
        let object = object!(
            SpaTypes::ObjectParamFormat,
            ParamType::Format,
            property!(FormatProperties::MediaType, Id, MediaType::Video),
            property!(FormatProperties::MediaSubtype, Id, subtype),
            property!(FormatProperties::VideoFormat, Id, format),
            property!(FormatProperties::VideoSize, Rectangle, Rectangle { width: 640, height: 360 }),
        );
        let bytes = bytes(object).expect("it is written");
        Format::of(Pod::from_bytes(&bytes).expect("it is one"))
    }

    #[test]
    fn four_formats_are_read() {
        let of = |format| agreed(format, MediaSubtype::Raw).map(|format| (format.size, format.order));
        for format in [VideoFormat::BGRx, VideoFormat::BGRA] {
            assert_eq!(of(format), Some(((640, 360), Order::Bgr)));
        }
        for format in [VideoFormat::RGBx, VideoFormat::RGBA] {
            assert_eq!(of(format), Some(((640, 360), Order::Rgb)));
        }
        assert_eq!(of(VideoFormat::NV12), None);
        assert_eq!(agreed(VideoFormat::BGRx, MediaSubtype::H264), None);
    }

    #[test]
    fn what_is_asked_for_can_be_written() {
        for object in [formats(10.0), formats(0.0), formats(f64::NAN), memory()].into_iter().chain(beside()) {
            assert!(bytes(object).is_some_and(|bytes| Pod::from_bytes(&bytes).is_some()));
        }
    }
}
