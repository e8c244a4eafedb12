//! A screen that a desktop shares: a stream of PipeWire with pictures of one colour.

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pipewire::channel::{Receiver, Sender, channel};
use pipewire::context::ContextRc;
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::spa::buffer::ChunkFlags;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::video::VideoFormat;
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use pipewire::spa::sys;
use pipewire::spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Direction, Fraction, Rectangle, SpaTypes};
use pipewire::stream::{StreamFlags, StreamRc, StreamState};

/// Bytes between two rows.
const GAP: usize = 32;
/// Before the first row.
const OFFSET: usize = 64;

/// What is shared; it ends with the test.
pub(crate) struct Shown {
    tell: Sender<Tell>,
    thread: Option<JoinHandle<()>>,
    /// Its number in PipeWire.
    pub(crate) node: u32,
}

/// What the desktop does.
enum Tell {
    /// Shows this colour.
    Paint([u8; 3]),
    /// Sends the same picture again.
    Again,
    /// Sends a buffer that holds no picture.
    Blank,
    /// Has another size.
    Resize(u32, u32),
    End,
}

/// What is drawn.
#[derive(Clone, Copy)]
struct Drawn {
    colour: [u8; 3],
    size: (u32, u32),
}

impl Shown {
    /// Begins to share a screen of this size and colour.
    pub(crate) fn share(socket: &Path, size: (u32, u32), colour: [u8; 3]) -> Self {
        let remote: OwnedFd = UnixStream::connect(socket).expect("PipeWire is there").into();
        let (tell, told) = channel();
        let (number, numbered) = mpsc::channel();
        let thread = thread::spawn(move || play(remote, Drawn { colour, size }, told, number).expect("it plays"));
        let node = numbered.recv_timeout(Duration::from_secs(20)).expect("the stream gets a number");
        Self { tell, thread: Some(thread), node }
    }

    pub(crate) fn paint(&self, colour: [u8; 3]) {
        self.tell(Tell::Paint(colour));
    }

    /// Sends the same picture again: one that comes while PipeWire still brings both sides together may be lost.
    pub(crate) fn again(&self) {
        self.tell(Tell::Again);
    }

    pub(crate) fn blank(&self) {
        self.tell(Tell::Blank);
    }

    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.tell(Tell::Resize(width, height));
    }

    fn tell(&self, tell: Tell) {
        assert!(self.tell.send(tell).is_ok(), "the stream is there");
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // Where it failed its thread says so.
        let _ = self.tell.send(Tell::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn play(remote: OwnedFd, drawn: Drawn, told: Receiver<Tell>, number: mpsc::Sender<u32>) -> Result<(), pipewire::Error> {
    pipewire::init();
    let events = MainLoopRc::new(None)?;
    let core = ContextRc::new(&events, None)?.connect_fd_rc(remote, None)?;
    let stream = StreamRc::new(core, "screen", properties! { "media.class" => "Video/Source" })?;
    let drawn = Rc::new(Cell::new(drawn));
    let _heard = stream
        .add_local_listener::<()>()
        .state_changed({
            let drawn = Rc::clone(&drawn);
            move |stream, (), _, new| match new {
                StreamState::Paused => _ = number.send(stream.node_id()),
                StreamState::Streaming => draw(stream, drawn.get()),
                _ => {}
            }
        })
        .param_changed({
            let drawn = Rc::clone(&drawn);
            move |stream, (), id, param| {
                if id == ParamType::Format.as_raw() && param.is_some() {
                    let bytes = bytes(buffers(drawn.get().size));
                    let mut params: Vec<&Pod> = Pod::from_bytes(&bytes).into_iter().collect();
                    stream.update_params(&mut params).expect("buffers are agreed upon");
                }
            }
        })
        .register()?;
    let _told = told.attach(events.loop_(), {
        let (events, stream, drawn) = (events.clone(), stream.clone(), Rc::clone(&drawn));
        move |tell| match tell {
            Tell::Paint(colour) => {
                drawn.set(Drawn { colour, ..drawn.get() });
                draw(&stream, drawn.get());
            }
            Tell::Again => draw(&stream, drawn.get()),
            Tell::Blank => {
                if let Some(mut buffer) = stream.dequeue_buffer() {
                    *buffer.datas_mut()[0].chunk_mut().size_mut() = 0;
                }
            }
            Tell::Resize(width, height) => {
                drawn.set(Drawn { size: (width, height), ..drawn.get() });
                let bytes = bytes(format((width, height)));
                let mut params: Vec<&Pod> = Pod::from_bytes(&bytes).into_iter().collect();
                stream.update_params(&mut params).expect("a format is agreed upon");
            }
            Tell::End => events.quit(),
        }
    });
    let bytes = bytes(format(drawn.get().size));
    let mut params: Vec<&Pod> = Pod::from_bytes(&bytes).into_iter().collect();
    stream.connect(Direction::Output, None, StreamFlags::DRIVER | StreamFlags::MAP_BUFFERS, &mut params)?;
    events.run();
    Ok(())
}

/// Sends a picture, where a buffer is free. Who shows it gets it by that the buffer is given back.
fn draw(stream: &pipewire::stream::Stream, Drawn { colour: [red, green, blue], size }: Drawn) {
    let Some(mut buffer) = stream.dequeue_buffer() else { return };
    let data = &mut buffer.datas_mut()[0];
    let (width, height) = (size.0 as usize, size.1 as usize);
    let stride = width * 4 + GAP;
    let Some(bytes) = data.data().filter(|bytes| bytes.len() >= OFFSET + stride * height) else { return };
    // What lies between the rows must not matter.
    bytes.fill(77);
    for row in bytes[OFFSET..].chunks_mut(stride).take(height) {
        row[..width * 4].chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&[blue, green, red, 0]));
    }
    let chunk = data.chunk_mut();
    (*chunk.offset_mut(), *chunk.stride_mut()) = (OFFSET as u32, stride as i32);
    *chunk.size_mut() = (stride * height) as u32;
    assert_eq!(chunk.flags(), ChunkFlags::empty());
}

fn format((width, height): (u32, u32)) -> Object {
    let least = Fraction { num: 1, denom: 1 };
    let most = Fraction { num: 60, denom: 1 };
    object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(FormatProperties::VideoFormat, Id, VideoFormat::BGRx),
        property!(FormatProperties::VideoSize, Rectangle, Rectangle { width, height }),
        property!(FormatProperties::VideoFramerate, Fraction, Fraction { num: 0, denom: 1 }),
        property!(FormatProperties::VideoMaxFramerate, Choice, Range, Fraction, most, least, most),
    )
}

fn buffers((width, height): (u32, u32)) -> Object {
    let stride = width as usize * 4 + GAP;
    let size = (OFFSET + stride * height as usize) as i32;
    let kinds = ChoiceEnum::Flags { default: 1 << sys::SPA_DATA_MemFd, flags: Vec::new() };
    let kinds = Value::Choice(ChoiceValue::Int(Choice(ChoiceFlags::empty(), kinds)));
    let number = |key, value| Property::new(key, Value::Int(value));
    Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![
            number(sys::SPA_PARAM_BUFFERS_buffers, 4),
            number(sys::SPA_PARAM_BUFFERS_blocks, 1),
            number(sys::SPA_PARAM_BUFFERS_size, size),
            number(sys::SPA_PARAM_BUFFERS_stride, stride as i32),
            Property::new(sys::SPA_PARAM_BUFFERS_dataType, kinds),
        ],
    }
}

fn bytes(object: Object) -> Vec<u8> {
    let written = PodSerializer::serialize(std::io::Cursor::new(Vec::new()), &Value::Object(object));
    written.expect("it can be written").0.into_inner()
}
