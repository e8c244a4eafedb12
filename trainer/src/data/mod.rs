//! From a list of photos to batches: the list, its inspection, the face crops, their saliency, forged fakes, augmentation,
//! the loader.

pub mod augment;
pub mod balance;
pub mod choice;
pub mod config;
pub mod faces;
pub mod forge;
pub mod inspect;
pub mod list;
pub mod loader;
pub mod look;
pub mod pairs;
pub mod part;
pub mod photo_box;
pub mod prepare;
pub mod prior;
pub mod saliency;
pub mod teacher;
pub mod trunk_store;
