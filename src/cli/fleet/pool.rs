//! The face detectors of a worker, one for each camera that it may hold. They share their weights, are opened once, and go from camera to
//! camera.

use std::sync::{Arc, Mutex, PoisonError};

use crate::BoxError;
use crate::face::{Face, Locate};
use crate::frame::Frame;

/// Those that nobody has.
#[derive(Clone)]
pub(super) struct Pool(Arc<Mutex<Vec<Box<dyn Locate>>>>);

/// One that comes back when it is dropped.
struct Lent {
    detector: Option<Box<dyn Locate>>,
    pool: Pool,
}

impl Pool {
    pub(super) fn new(detectors: Vec<Box<dyn Locate>>) -> Self {
        Self(Arc::new(Mutex::new(detectors)))
    }

    /// One of them, where one is there.
    pub(super) fn take(&self) -> Option<Box<dyn Locate>> {
        let detector = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Box::new(Lent { detector: Some(detector), pool: self.clone() }))
    }
}

impl Locate for Lent {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        match &mut self.detector {
            Some(detector) => detector.locate(frame, faces),
            None => Err("the detector was given back".into()),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut there = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        there.extend(self.detector.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Locate for Nobody {
        fn locate(&mut self, _: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
            faces.clear();
            Ok(())
        }
    }

    #[test]
    fn what_is_lent_comes_back() {
        let pool = Pool::new(vec![Box::new(Nobody)]);
        let mut first = pool.take().expect("one is there");
        assert!(pool.take().is_none());
        first.locate(&Frame::empty(), &mut Vec::new()).expect("nobody is there");
        drop(first);
        assert!(pool.take().is_some());
    }
}
