//! A camera that is none: preloaded into a program (`LD_PRELOAD`), it plays `/dev/video97` to its V4L2 code.
//!
//! So the very code that reads a real camera is under test where there is none. `CYBORG_V4L2_SHIM` names the file with
//! its orders (see `orders.rs`). All calls that are not about that device go on to the C library.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(
    unsafe_code,
    reason = "standing in for functions of the C library means raw pointers and C symbols; this is for tests alone"
)]

mod calls;
mod device;
mod orders;

use std::ffi::{CStr, CString};
use std::fs;
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use libc::{DIR, c_char, c_int, c_long, c_ulong, c_void, dirent64, off_t, size_t};

use device::Device;
use orders::Orders;

/// The device, and where it is listed.
const NAME: &CStr = c"video97";
const PATH: &CStr = c"/dev/video97";
const FOLDER: &CStr = c"/dev";
/// How often orders are read and buffers filled.
const TICK: Duration = Duration::from_millis(2);

/// The device's handles that are open; 0 is none. Looked at first and without a lock: most calls are about something else,
/// and some are made while the device is locked.
static HANDLES: [AtomicI32; 16] = [const { AtomicI32::new(0) }; 16];
/// The last listing of the folder that was opened and didn't tell of the device yet.
static LISTING: AtomicPtr<DIR> = AtomicPtr::new(null_mut());

/// The function of that name that this library stands before.
macro_rules! real {
    ($name:literal as $kind:ty) => {{
        static REAL: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
        let mut found = REAL.load(Ordering::Relaxed);
        if found.is_null() {
            // SAFETY: the name ends with a zero.
            found = unsafe { libc::dlsym(libc::RTLD_NEXT, $name.as_ptr()) };
            REAL.store(found, Ordering::Relaxed);
        }
        // SAFETY: the C library has a function of that name and of this kind.
        unsafe { std::mem::transmute::<*mut c_void, $kind>(found) }
    }};
}

/// The device, when a test wants one.
fn device() -> Option<MutexGuard<'static, Device>> {
    static DEVICE: OnceLock<Option<Mutex<Device>>> = OnceLock::new();
    let known = DEVICE.get_or_init(|| {
        let file = PathBuf::from(std::env::var_os("CYBORG_V4L2_SHIM")?);
        let mut device = Device::default();
        device.take_orders(&read(&file).unwrap_or_default());
        thread::Builder::new()
            .name("shim".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(TICK);
                    let orders = read(&file);
                    if let Some(mut device) = self::device() {
                        orders.iter().for_each(|orders| device.take_orders(orders));
                        device.tick();
                    }
                }
            })
            .ok()?;
        Some(Mutex::new(device))
    });
    known.as_ref().map(|device| device.lock().unwrap_or_else(PoisonError::into_inner))
}

fn read(file: &PathBuf) -> Option<Orders> {
    Orders::of(&fs::read_to_string(file).ok()?)
}

fn is_ours(handle: c_int) -> bool {
    handle > 0 && HANDLES.iter().any(|known| known.load(Ordering::Acquire) == handle)
}

fn swap(old: c_int, new: c_int) -> bool {
    HANDLES.iter().any(|known| known.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok())
}

fn fail(error: c_int) {
    // SAFETY: the place is this thread's own.
    unsafe { *libc::__errno_location() = error };
}

/// Opens the device.
///
/// # Safety
///
/// As `open` of the C library, which has more arguments where a file is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the caller's promise.
    let device = if unsafe { CStr::from_ptr(path) } == PATH { device() } else { None };
    let Some(mut device) = device else {
        let real = real!(c"open" as unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int);
        // SAFETY: the caller's promise.
        return unsafe { real(path, flags, mode) };
    };
    match device.open() {
        Ok(handle) if swap(0, handle) => handle,
        Ok(handle) => {
            device.close(handle);
            fail(libc::EMFILE);
            -1
        }
        Err(error) => {
            fail(error);
            -1
        }
    }
}

/// Closes it.
///
/// # Safety
///
/// As `close` of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(handle: c_int) -> c_int {
    if is_ours(handle) {
        if let Some(mut device) = device() {
            device.close(handle);
        }
        swap(handle, 0);
    }
    let real = real!(c"close" as unsafe extern "C" fn(c_int) -> c_int);
    // SAFETY: the caller's promise.
    unsafe { real(handle) }
}

/// Maps a buffer of it.
///
/// # Safety
///
/// As `mmap` of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    place: *mut c_void,
    length: size_t,
    access: c_int,
    flags: c_int,
    handle: c_int,
    offset: off_t,
) -> *mut c_void {
    type Mmap = unsafe extern "C" fn(*mut c_void, size_t, c_int, c_int, c_int, off_t) -> *mut c_void;
    let real = real!(c"mmap" as Mmap);
    if !is_ours(handle) {
        // SAFETY: the caller's promise.
        return unsafe { real(place, length, access, flags, handle, offset) };
    }
    // SAFETY: new memory of nobody else.
    let memory = unsafe { real(null_mut(), length, access, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0) };
    let index = (offset / calls::BUFFER_STEP) as usize;
    match device().ok_or(libc::ENODEV).and_then(|mut device| device.mapped(handle, index, memory as usize)) {
        Ok(()) => memory,
        Err(error) => {
            fail(error);
            libc::MAP_FAILED
        }
    }
}

/// Makes a call to it: the capture code doesn't call `ioctl`, but the system directly.
///
/// # Safety
///
/// As `syscall` of the C library, which takes as many arguments as the call has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall(
    number: c_long,
    first: c_long,
    second: c_long,
    third: c_long,
    fourth: c_long,
    fifth: c_long,
    sixth: c_long,
) -> c_long {
    type Syscall = unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long;
    if number == libc::SYS_ioctl && is_ours(first as c_int) {
        // SAFETY: the caller's promise.
        return c_long::from(unsafe { answer(first as c_int, second as c_ulong, third as *mut c_void) });
    }
    let real = real!(c"syscall" as Syscall);
    // SAFETY: the caller's promise.
    unsafe { real(number, first, second, third, fourth, fifth, sixth) }
}

/// The same for code that does call it.
///
/// # Safety
///
/// As `ioctl` of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(handle: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    if is_ours(handle) {
        // SAFETY: the caller's promise.
        return unsafe { answer(handle, request, argument) };
    }
    let real = real!(c"ioctl" as unsafe extern "C" fn(c_int, c_ulong, *mut c_void) -> c_int);
    // SAFETY: the caller's promise.
    unsafe { real(handle, request, argument) }
}

/// # Safety
///
/// `argument` points to the structure that belongs to `request`.
unsafe fn answer(handle: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    let answer = device().ok_or(libc::ENODEV);
    // SAFETY: the caller's promise.
    match answer.and_then(|mut device| unsafe { calls::call(&mut device, handle, request, argument) }) {
        Ok(()) => 0,
        Err(error) => {
            fail(error);
            -1
        }
    }
}

/// Opens the folder of devices: it is listed there while it is plugged in.
///
/// # Safety
///
/// As `opendir` of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
    let real = real!(c"opendir" as unsafe extern "C" fn(*const c_char) -> *mut DIR);
    // SAFETY: the caller's promise.
    let (folder, opened) = unsafe { (CStr::from_ptr(path), real(path)) };
    if folder == FOLDER && device().is_some_and(|device| device.is_plugged_in()) {
        LISTING.store(opened, Ordering::Release);
    }
    opened
}

/// Gives what is in a folder, the device last.
///
/// # Safety
///
/// As `readdir64` of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn readdir64(folder: *mut DIR) -> *mut dirent64 {
    let real = real!(c"readdir64" as unsafe extern "C" fn(*mut DIR) -> *mut dirent64);
    // SAFETY: the caller's promise.
    let found = unsafe { real(folder) };
    let told = LISTING.compare_exchange(folder, null_mut(), Ordering::AcqRel, Ordering::Relaxed);
    if !found.is_null() {
        if told.is_ok() {
            LISTING.store(folder, Ordering::Release);
        }
        return found;
    }
    if told.is_err() {
        return found;
    }
    static ENTRY: OnceLock<usize> = OnceLock::new();
    let entry = *ENTRY.get_or_init(|| {
        // SAFETY: all bits zero are a value of it: it has numbers alone.
        let mut entry: Box<dirent64> = Box::new(unsafe { std::mem::zeroed() });
        (entry.d_ino, entry.d_type) = (97, libc::DT_CHR);
        entry.d_reclen = size_of::<dirent64>() as u16;
        for (place, &letter) in entry.d_name.iter_mut().zip(CString::from(NAME).as_bytes_with_nul()) {
            *place = letter as c_char;
        }
        Box::into_raw(entry) as usize
    });
    entry as *mut dirent64
}
