//! Live runs: the newest frame wins, sources are lost and come back, the page, the events, the service, and their secrets.
//!
//! Tests that look at ages and delays, and the browser's, which want a processor for themselves, take turns
//! (`support::alone`).

#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod browser;
mod camera;
mod config;
mod gallery;
mod newest_frame;
mod notify;
mod order;
mod page;
mod page_feeds;
mod page_states;
mod page_tls;
mod record;
mod secrets;
mod service;
mod several;
mod several_program;
