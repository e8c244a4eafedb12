//! The page of annotators, served by the real program: asked over the network, killed, and used in a real browser.

#[path = "../../../tests/support/axe.rs"]
mod axe;
#[path = "../../../tests/support/browser.rs"]
#[allow(dead_code, reason = "the tests of the live page use the rest")]
mod browser;
#[path = "../../../tests/support/left_out.rs"]
mod left_out;
#[path = "../support/mod.rs"]
mod support;

mod brush;
mod damaged;
mod lines;
mod people;
mod pictures;
mod served;
mod strict;
