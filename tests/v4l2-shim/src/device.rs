//! The camera: who has it open, its format, its buffers and its clock. It is as strict as the kernel's own drivers: what is
//! busy there is busy here, and pictures that nobody gave a buffer for are lost.

use std::collections::VecDeque;
use std::fs;
use std::io::{PipeWriter, Read, Write};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::time::{Duration, Instant};

use libc::{EAGAIN, EBUSY, EINVAL, ENODEV, c_int};

use crate::orders::{Doing, Format, Orders, Rate};

/// What a call to the device comes to: the error's number of the C library.
pub(crate) type Answer<T = ()> = Result<T, c_int>;

/// Buffers at most.
const BUFFERS: u32 = 8;

#[derive(Debug, Default)]
pub(crate) struct Device {
    orders: Orders,
    handles: Vec<Handle>,
    /// Which of the formats is set, and which of its rates.
    format: usize,
    rate: usize,
    stream: Option<Stream>,
}

/// A program's file handle of the device. It is a pipe: a byte lies in it for each picture that waits, so that waiting for
/// it is left to the kernel.
#[derive(Debug)]
struct Handle {
    number: c_int,
    /// Gone when the camera was unplugged, which whoever waits is told.
    bell: Option<PipeWriter>,
}

#[derive(Debug)]
struct Stream {
    owner: c_int,
    on: bool,
    /// It gives nothing more until it is begun anew.
    stuck: bool,
    buffers: Vec<Buffer>,
    queued: VecDeque<usize>,
    filled: VecDeque<usize>,
    picture: Vec<u8>,
    sequence: u32,
    due: Instant,
}

/// Where a buffer is in memory once it was mapped, and its length.
#[derive(Clone, Copy, Debug, Default)]
struct Buffer {
    address: Option<usize>,
    length: usize,
}

/// A picture that was taken out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) index: usize,
    pub(crate) bytes: usize,
    pub(crate) sequence: u32,
}

impl Device {
    /// A program opens it. Gives the handle's number.
    pub(crate) fn open(&mut self) -> Answer<c_int> {
        if self.orders.doing == Doing::Unplugged {
            return Err(libc::ENOENT);
        }
        let (waits, bell) = std::io::pipe().map_err(|_| libc::EMFILE)?;
        let number = waits.into_raw_fd();
        self.handles.push(Handle { number, bell: Some(bell) });
        Ok(number)
    }

    /// A program closes it, which ends its stream.
    pub(crate) fn close(&mut self, number: c_int) {
        self.handles.retain(|handle| handle.number != number);
        self.stream.take_if(|stream| stream.owner == number);
    }

    /// Fails when the handle is one of a camera that was unplugged; for ever, as the next one that is plugged in is another.
    pub(crate) fn check(&self, number: c_int) -> Answer {
        let there = self.handles.iter().any(|handle| handle.number == number && handle.bell.is_some());
        if there { Ok(()) } else { Err(ENODEV) }
    }

    pub(crate) fn is_plugged_in(&self) -> bool {
        self.orders.doing != Doing::Unplugged
    }

    pub(crate) fn formats(&self) -> &[Format] {
        &self.orders.formats
    }

    pub(crate) fn format(&self) -> Answer<&Format> {
        self.orders.formats.get(self.format).ok_or(EINVAL)
    }

    pub(crate) fn rate(&self) -> Answer<Rate> {
        self.format()?.rates.get(self.rate).copied().ok_or(EINVAL)
    }

    /// Sets the format that is asked for, or the nearest: of the same coding, else the one that is set.
    pub(crate) fn set_format(&mut self, coding: u32, width: u32, height: u32) -> Answer {
        if self.stream.is_some() {
            return Err(EBUSY);
        }
        let formats = &self.orders.formats;
        let exact =
            formats.iter().position(|known| (known.coding, known.width, known.height) == (coding, width, height));
        let near = || formats.iter().position(|known| known.coding == coding);
        if let Some(found) = exact.or_else(near) {
            (self.format, self.rate) = (found, 0);
        }
        Ok(())
    }

    pub(crate) fn set_rate(&mut self, asked: u32) -> Answer {
        if self.stream.as_ref().is_some_and(|stream| stream.on) {
            return Err(EBUSY);
        }
        let rates = self.format()?.rates.iter().enumerate();
        let nearest = rates.min_by_key(|(_, rate)| rate.promised.abs_diff(asked));
        self.rate = nearest.map_or(0, |(at, _)| at);
        Ok(())
    }

    /// Bytes of a buffer: those of the largest picture, and some more, as drivers have them.
    pub(crate) fn size(&self) -> Answer<usize> {
        let format = self.format()?;
        let file = fs::metadata(&format.picture).map_or(0, |file| file.len() as usize);
        Ok(file.max(2 * format.width as usize * format.height as usize))
    }

    /// Gives `count` buffers, or frees them all where it is 0. Gives how many there are.
    pub(crate) fn request(&mut self, number: c_int, count: u32) -> Answer<u32> {
        if self.stream.as_ref().is_some_and(|stream| stream.on || stream.owner != number) {
            return Err(EBUSY);
        }
        self.stream = None;
        let count = count.min(BUFFERS);
        if count > 0 {
            let buffer = Buffer { address: None, length: self.size()? };
            let picture = fs::read(&self.format()?.picture).map_err(|_| libc::EIO)?;
            self.stream = Some(Stream {
                owner: number,
                on: false,
                stuck: false,
                buffers: vec![buffer; count as usize],
                queued: VecDeque::new(),
                filled: VecDeque::new(),
                picture,
                sequence: 0,
                due: Instant::now(),
            });
        }
        Ok(count)
    }

    /// Length of a buffer in bytes.
    pub(crate) fn length(&mut self, number: c_int, index: usize) -> Answer<usize> {
        Ok(self.stream_of(number)?.buffers.get(index).ok_or(EINVAL)?.length)
    }

    /// Notes where a buffer was mapped.
    pub(crate) fn mapped(&mut self, number: c_int, index: usize, address: usize) -> Answer {
        self.stream_of(number)?.buffers.get_mut(index).ok_or(EINVAL)?.address = Some(address);
        Ok(())
    }

    /// Takes a buffer to fill.
    pub(crate) fn queue(&mut self, number: c_int, index: usize) -> Answer {
        let stream = self.stream_of(number)?;
        let twice = stream.queued.contains(&index) || stream.filled.contains(&index);
        if index >= stream.buffers.len() || twice {
            return Err(EINVAL);
        }
        stream.queued.push_back(index);
        Ok(())
    }

    /// Gives a buffer that was filled, after `copy` put the picture there (address, length of the buffer, bytes).
    pub(crate) fn dequeue(&mut self, number: c_int, copy: impl FnOnce(usize, usize, &[u8])) -> Answer<Taken> {
        let stream = self.stream_of(number)?;
        if !stream.on {
            return Err(EINVAL);
        }
        let index = stream.filled.pop_front().ok_or(EAGAIN)?;
        if let Buffer { address: Some(address), length } = stream.buffers[index] {
            copy(address, length, &stream.picture);
        }
        stream.sequence += 1;
        let taken = Taken { index, bytes: stream.picture.len(), sequence: stream.sequence };
        take_ring(number);
        Ok(taken)
    }

    pub(crate) fn begin(&mut self, number: c_int) -> Answer {
        let wait = self.interval()?;
        let stream = self.stream_of(number)?;
        (stream.on, stream.stuck, stream.due) = (true, false, Instant::now() + wait);
        Ok(())
    }

    pub(crate) fn end(&mut self, number: c_int) -> Answer {
        let Ok(stream) = self.stream_of(number) else {
            // To end what doesn't run is no fault.
            return Ok(());
        };
        stream.on = false;
        stream.queued.clear();
        let rings = stream.filled.drain(..).count();
        (0..rings).for_each(|_| take_ring(number));
        Ok(())
    }

    fn interval(&self) -> Answer<Duration> {
        Ok(Duration::from_secs(1) / self.rate()?.given.max(1))
    }

    fn stream_of(&mut self, number: c_int) -> Answer<&mut Stream> {
        self.check(number)?;
        self.stream.as_mut().filter(|stream| stream.owner == number).ok_or(EINVAL)
    }

    /// Obeys.
    pub(crate) fn take_orders(&mut self, orders: &Orders) {
        if *orders == self.orders {
            return;
        }
        if orders.doing == Doing::Unplugged {
            self.handles.iter_mut().for_each(|handle| handle.bell = None);
            self.stream = None;
        }
        if let (Doing::Sticks, Some(stream)) = (orders.doing, &mut self.stream) {
            stream.stuck = stream.on;
        }
        if orders.formats != self.orders.formats {
            (self.format, self.rate) = (0, 0);
        }
        self.orders = orders.clone();
    }

    /// Fills the buffers whose time has come.
    pub(crate) fn tick(&mut self) {
        let Ok(wait) = self.interval() else {
            return;
        };
        let Some(stream) = self.stream.as_mut().filter(|stream| stream.on) else {
            return;
        };
        let now = Instant::now();
        if self.orders.doing == Doing::Stalls || stream.stuck {
            stream.due = now + wait;
        }
        while stream.due <= now {
            stream.due += wait;
            let bell = self.handles.iter_mut().find(|handle| handle.number == stream.owner);
            if let (Some(index), Some(bell)) = (stream.queued.pop_front(), bell.and_then(|handle| handle.bell.as_mut()))
            {
                stream.filled.push_back(index);
                // Eight bytes at most lie in the pipe.
                let _ = bell.write_all(&[1]);
            }
        }
    }
}

/// Takes one byte out of a handle's pipe. It is there: one was put in for each picture that is filled.
fn take_ring(number: c_int) {
    // SAFETY: the handle is open, as it is among the device's own; it is neither closed here nor kept.
    let mut waits = std::mem::ManuallyDrop::new(unsafe { std::io::PipeReader::from_raw_fd(number) });
    let _ = waits.read(&mut [0]);
}
