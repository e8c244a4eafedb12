//! Drawing on pictures, for the annotated video, drawn photos and the live page alike.

mod canvas;
pub mod heat;
pub(crate) mod jpeg;
mod overlay;

pub use canvas::Canvas;
pub use overlay::Overlay;
