//! A few frames through an encoder and a decoder of FFmpeg's libraries.

use std::sync::Once;

use anyhow::{Context, bail};
use cyborg_edge::face::crop::Cropper;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::util::error::EAGAIN;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::error::NoVideoCoder;
use super::planes::Planes;

/// Encoders by their FFmpeg name, the better first. The last one is in every build.
const ENCODERS: [&str; 2] = ["libx264", "mpeg4"];
/// Quality as x264 counts it (its constant rate factor): from a good upload to a video call on a bad line.
const RATE_FACTOR: (u32, u32) = (20, 40);
/// Quantisers of MPEG-4 for the ends of that range.
const QUANTISER: (u32, u32) = (2, 16);
/// x264's presets, of which one is drawn.
const SPEEDS: [&str; 3] = ["superfast", "veryfast", "faster"];
/// Side at which a crop is coded over its own: the face was smaller in the video than it is for the network.
const SCALE: (f32, f32) = (0.4, 1.0);
/// Share of the crops that are coded at their own size.
const FULL_SIZE: f64 = 0.35;
/// Least side of a coded picture in pixels.
const LEAST_SIDE: usize = 48;
/// Frames, of which the last is taken: the first is coded by itself, the others as differences.
const FRAMES: (usize, usize) = (1, 4);
/// Share of the crops that don't move from frame to frame.
const STILL: f64 = 0.3;
/// Shift from one frame to the next along each axis in pixels, at most.
const MOTION: i32 = 3;
/// FFmpeg's quality numbers for each step of a quantiser.
const LAMBDA: usize = 118;

/// Codes faces as video, keeping its buffers.
#[derive(Debug, Default)]
pub struct VideoCoder {
    cropper: Cropper,
    small: Vec<u8>,
    planes: Planes,
}

/// What is drawn for a face.
#[derive(Clone, Debug)]
struct Take {
    rate_factor: u32,
    speed: &'static str,
    /// Shift of each frame in pixels; the last isn't shifted.
    shifts: Vec<[i32; 2]>,
}

impl VideoCoder {
    /// Whether there is an encoder.
    ///
    /// # Errors
    ///
    /// When FFmpeg's libraries can't be used, or have none.
    pub fn check() -> anyhow::Result<()> {
        encoder().map(|_| ())
    }

    /// Codes a square RGB picture at a random quality and decodes it again. The same random numbers give the same picture.
    ///
    /// # Errors
    ///
    /// When there is no encoder, or it fails.
    pub fn code(&mut self, pixels: &mut Vec<u8>, side: usize, random: &mut ChaCha8Rng) -> anyhow::Result<()> {
        let scale = random.random_range(SCALE.0.ln()..=SCALE.1.ln()).exp();
        let scale = if random.random_bool(FULL_SIZE) { 1.0 } else { scale };
        let small = ((side as f32 * scale) as usize).max(LEAST_SIDE.min(side)).next_multiple_of(2);
        let take = Take::draw(random);
        if small == side {
            return self.through(pixels, side, &take);
        }
        let mut coded = std::mem::take(&mut self.small);
        coded.resize(small * small * 3, 0);
        self.cropper.resize(pixels, (side, side), &mut coded, (small, small))?;
        self.through(&mut coded, small, &take)?;
        self.cropper.resize(&coded, (small, small), pixels, (side, side))?;
        self.small = coded;
        Ok(())
    }

    /// Codes a picture with an even side.
    fn through(&mut self, pixels: &mut Vec<u8>, side: usize, take: &Take) -> anyhow::Result<()> {
        let (codec, name) = encoder()?;
        let fail = || format!("can't code a face of {side}x{side} pixels by {name}");
        let packets = self.encode(pixels, side, take, codec).with_context(fail)?;
        let Some(frame) = decode(codec.id(), &packets).with_context(fail)? else {
            bail!("{}: it gave no picture back", fail());
        };
        if (frame.width(), frame.height(), frame.format()) != (side as u32, side as u32, Pixel::YUV420P) {
            bail!("{}: it gave a picture of another shape back", fail());
        }
        let planes = [&mut self.planes.luma].into_iter().chain(&mut self.planes.chroma);
        for (plane, values) in planes.enumerate() {
            let width = if plane == 0 { side } else { side / 2 };
            let rows = frame.data(plane).chunks(frame.stride(plane));
            values.clear();
            values.extend(rows.take(width).flat_map(|row| &row[..width]));
        }
        self.planes.write(pixels);
        Ok(())
    }

    fn encode(
        &mut self,
        pixels: &[u8],
        side: usize,
        take: &Take,
        codec: ffmpeg::Codec,
    ) -> Result<Vec<ffmpeg::Packet>, ffmpeg::Error> {
        let mut encoder = open(codec, side, take)?;
        let mut packets = Vec::new();
        for (number, &shift) in take.shifts.iter().enumerate() {
            self.planes.fill(pixels, side, shift);
            // The encoder may keep a frame: each one has memory of its own.
            let mut frame = ffmpeg::frame::Video::new(Pixel::YUV420P, side as u32, side as u32);
            let planes = [&self.planes.luma].into_iter().chain(&self.planes.chroma);
            for (plane, values) in planes.enumerate() {
                let (width, stride) = (if plane == 0 { side } else { side / 2 }, frame.stride(plane));
                let rows = values.chunks_exact(width).zip(frame.data_mut(plane).chunks_mut(stride));
                rows.for_each(|(row, to)| to[..width].copy_from_slice(row));
            }
            frame.set_pts(Some(number as i64));
            encoder.send_frame(&frame)?;
            receive(&mut encoder, &mut packets)?;
        }
        encoder.send_eof()?;
        receive(&mut encoder, &mut packets)?;
        Ok(packets)
    }
}

impl Take {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let rate_factor = random.random_range(RATE_FACTOR.0..=RATE_FACTOR.1);
        let speed = SPEEDS[random.random_range(0..SPEEDS.len())];
        let frames = random.random_range(FRAMES.0..=FRAMES.1);
        let is_still = random.random_bool(STILL);
        let mut shifts = vec![[0; 2]];
        for _ in 1..frames {
            let [x, y] = shifts[shifts.len() - 1];
            let mut step = || if is_still { 0 } else { random.random_range(-MOTION..=MOTION) };
            shifts.push([x + step(), y + step()]);
        }
        shifts.reverse();
        Self { rate_factor, speed, shifts }
    }
}

/// The encoder that is used; the first time, which one is told.
fn encoder() -> anyhow::Result<(ffmpeg::Codec, &'static str)> {
    static TOLD: Once = Once::new();
    ffmpeg::init().context("FFmpeg's libraries can't be used")?;
    let found = ENCODERS.into_iter().find_map(|name| Some((ffmpeg::encoder::find_by_name(name)?, name)));
    let Some(found) = found else {
        return Err(NoVideoCoder::NoEncoder(ENCODERS.join(", ")).into());
    };
    TOLD.call_once(|| {
        // x264 tells of each picture that it is opened for.
        ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
        log::info!("faces are encoded as video with {}", found.1);
    });
    Ok(found)
}

fn open(codec: ffmpeg::Codec, side: usize, take: &Take) -> Result<ffmpeg::encoder::Video, ffmpeg::Error> {
    let mut context = ffmpeg::codec::Context::new_with_codec(codec);
    // The loader has a thread for each processor already; and one thread gives the same picture everywhere.
    context.set_threading(ffmpeg::threading::Config::count(1));
    let is_x264 = codec.name() == "libx264";
    if !is_x264 {
        context.set_flags(ffmpeg::codec::Flags::QSCALE);
    }
    let mut encoder = context.encoder().video()?;
    encoder.set_width(side as u32);
    encoder.set_height(side as u32);
    encoder.set_format(Pixel::YUV420P);
    encoder.set_time_base((1, 25));
    encoder.set_gop(250);
    encoder.set_max_b_frames(0);
    let mut options = ffmpeg::Dictionary::new();
    if is_x264 {
        options.set("preset", take.speed);
        options.set("tune", "zerolatency");
        options.set("crf", &take.rate_factor.to_string());
    } else {
        let part = f64::from(take.rate_factor - RATE_FACTOR.0) / f64::from(RATE_FACTOR.1 - RATE_FACTOR.0);
        let quantiser = f64::from(QUANTISER.0) + part * f64::from(QUANTISER.1 - QUANTISER.0);
        encoder.set_quality((quantiser * LAMBDA as f64) as usize);
    }
    encoder.open_with(options)
}

fn receive(encoder: &mut ffmpeg::encoder::Video, packets: &mut Vec<ffmpeg::Packet>) -> Result<(), ffmpeg::Error> {
    loop {
        let mut packet = ffmpeg::Packet::empty();
        match encoder.receive_packet(&mut packet) {
            Ok(()) => packets.push(packet),
            Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: EAGAIN }) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The last picture of some packets.
fn decode(id: ffmpeg::codec::Id, packets: &[ffmpeg::Packet]) -> Result<Option<ffmpeg::frame::Video>, ffmpeg::Error> {
    let codec = ffmpeg::decoder::find(id).ok_or(ffmpeg::Error::DecoderNotFound)?;
    let mut context = ffmpeg::codec::Context::new_with_codec(codec);
    context.set_threading(ffmpeg::threading::Config::count(1));
    let mut decoder = context.decoder().video()?;
    let (mut last, mut frame) = (None, ffmpeg::frame::Video::empty());
    let mut receive = |decoder: &mut ffmpeg::decoder::Video, last: &mut Option<ffmpeg::frame::Video>| loop {
        match decoder.receive_frame(&mut frame) {
            Ok(()) => *last = Some(std::mem::replace(&mut frame, ffmpeg::frame::Video::empty())),
            Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: EAGAIN }) => return Ok(()),
            Err(error) => return Err(error),
        }
    };
    for packet in packets {
        decoder.send_packet(packet)?;
        receive(&mut decoder, &mut last)?;
    }
    decoder.send_eof()?;
    receive(&mut decoder, &mut last)?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn picture(side: usize) -> Vec<u8> {
        (0..side * side)
            .flat_map(|at| {
                let (x, y) = (at % side, at / side);
                let grain = (at * 7919 % 23) as u8;
                [100 + grain + (x / 4 % 2 * 60) as u8, 80 + grain + (y / 3 % 2 * 40) as u8, 120 - grain]
            })
            .collect()
    }

    fn coded(side: usize, seed: u64) -> Vec<u8> {
        let mut pixels = picture(side);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        VideoCoder::default().code(&mut pixels, side, &mut random).expect("there is an encoder");
        pixels
    }

    fn off(one: &[u8], other: &[u8]) -> f32 {
        one.iter().zip(other).map(|(&a, &b)| f32::from(a.abs_diff(b))).sum::<f32>() / one.len() as f32
    }

    #[test]
    fn pixels_change_and_the_size_stays() {
        for (side, seed) in [(96, 1), (97, 2), (60, 3), (31, 4)] {
            let after = coded(side, seed);
            assert_eq!(after.len(), side * side * 3);
            let off = off(&picture(side), &after);
            assert!(off > 0.5 && off < 40.0, "{side}: {off}");
        }
    }

    #[test]
    fn the_same_random_numbers_give_the_same_picture() {
        assert_eq!(coded(96, 5), coded(96, 5));
        assert_ne!(coded(96, 5), coded(96, 6));
    }

    #[test]
    fn a_higher_rate_factor_is_farther_from_the_picture() {
        let at = |rate_factor: u32, frames: usize| {
            let mut pixels = picture(96);
            let shifts = (0..frames as i32).rev().map(|number| [number, -number]).collect();
            let take = Take { rate_factor, speed: SPEEDS[0], shifts };
            VideoCoder::default().through(&mut pixels, 96, &take).expect("there is an encoder");
            off(&picture(96), &pixels)
        };
        for frames in [1, 3] {
            assert!(at(20, frames) < at(30, frames) && at(30, frames) < at(40, frames), "{frames} frames");
        }
    }

    #[test]
    fn the_last_frame_is_where_the_face_was() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let take = Take::draw(&mut random);
            assert_eq!(take.shifts.last(), Some(&[0, 0]));
            assert!((FRAMES.0..=FRAMES.1).contains(&take.shifts.len()));
            assert!((RATE_FACTOR.0..=RATE_FACTOR.1).contains(&take.rate_factor));
        }
    }
}
