//! Screens as sources, under an X server of the test's own (Xvfb) with a window manager (openbox): what is captured is what was
//! drawn, whole and of one moment, whatever happens to the window.
#![cfg(all(target_os = "linux", feature = "screen", feature = "page"))]

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_env = "gnu")]
mod beside;
mod changes;
#[cfg(target_env = "gnu")]
mod chooser;
mod choosing;
mod desk;
#[cfg(target_env = "gnu")]
mod film;
mod following;
#[cfg(target_env = "gnu")]
mod gallery;
mod painted;
mod pictures;
#[cfg(target_env = "gnu")]
mod program;
#[cfg(target_env = "gnu")]
mod soak;
