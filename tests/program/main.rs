//! The program's commands as their users see them: what they say, and the tables, videos and reports that they write.

#[path = "../support/mod.rs"]
mod support;

mod annotate_sound;
mod bench;
mod clip_bench;
mod doctor;
mod image;
mod image_list;
mod interrupt;
mod json;
mod jsonl_schema;
mod key_frames;
mod report;
mod resume;
mod same_frames;
mod video;
