//! A small web server for pages of this machine, and its guards: names that are called, foreign pages, secrets, slow readers.
//!
//! A [`Site`] is what is served, [`WebSettings`] say where and to whom, and [`serve`] does so from a thread of its own until the
//! [`Served`] is dropped. Each request that came by a secret carries a [`Visitor`], which says by which.

mod flags;
mod guard;
mod origin;
mod patient;
mod secret;
mod sent;
mod served;
mod server;
mod settings;
mod site;

pub use flags::WebFlags;
pub use guard::Visitor;
pub use secret::{Secret, SecretError};
pub use sent::Sent;
pub use served::{Served, serve};
pub use settings::{PageError, TlsFiles, WebSettings, read_origin};
pub use site::{MOST_CONNECTIONS, Site};
