//! What the index of an MP4 says: how many frames are to come, and whether they lie where they can be read.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;

/// How the demuxer for MP4 and MOV is called.
const MP4: &str = "mov,mp4";

/// The frames that are to come by what the container says, where it says it.
///
/// An MP4 may leave out frames that lie in it, when a phone or editor has trimmed it: players don't show these, the
/// decoder doesn't give them, and a person who wonders is told.
pub(super) fn claimed(name: &str, input: &Input, stream: &ffmpeg::Stream<'_>) -> Option<u64> {
    let all = u64::try_from(stream.frames()).ok().filter(|&frames| frames > 0)?;
    if !input.format().name().starts_with(MP4) {
        return Some(all);
    }
    let shown = shown(stream).filter(|&shown| shown > 0).unwrap_or(all);
    if shown < all {
        log::warn!(
            "{name}: its edit list skips {} of its {all} frames, as in a player: it was trimmed, not damaged",
            all - shown
        );
    }
    Some(shown)
}

/// Whether these are frames of an MP4 that has gone by when its index comes: where there is no way back, none can be read.
#[expect(unsafe_code, reason = "the binding has no name for these fields")]
pub(super) fn lies_before_its_index(input: &Input) -> bool {
    // SAFETY: the input is open, and these are plain numbers in it and its reader, where it has one.
    let goes_back = unsafe {
        let reader = (*input.as_ptr()).pb;
        reader.is_null() || (*reader).seekable & ffi::AVIO_SEEKABLE_NORMAL != 0
    };
    !goes_back && input.format().name().starts_with(MP4) && input.streams().any(|stream| shown(&stream) > Some(0))
}

/// The entries of the stream's index that are to be shown, which it has once the edit list was applied.
#[expect(unsafe_code, reason = "the binding has no name for these calls")]
fn shown(stream: &ffmpeg::Stream<'_>) -> Option<u64> {
    // SAFETY: the stream lives as long as its container, which is open; the calls read its index and change nothing, that
    // they want a pointer to what may be changed is their age. An entry is null or stays until the container is read on.
    unsafe {
        let stream = stream.as_ptr().cast_mut();
        let entries = ffi::avformat_index_get_entries_count(stream);
        let is_shown = |&at: &i32| {
            let entry = ffi::avformat_index_get_entry(stream, at);
            !entry.is_null() && (*entry).flags() & ffi::AVINDEX_DISCARD_FRAME == 0
        };
        u64::try_from((0..entries).filter(is_shown).count()).ok()
    }
}
