//! From a list of photos to batches: the list, the face crops, the saliency prior, augmentation, and the loader.

pub mod augment;
pub mod crops;
pub mod forge;
pub mod list;
pub mod loader;
pub mod prior;
