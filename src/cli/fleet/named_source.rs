//! A source that tables know by another name: the one that its submitter gave it, wherever a worker finds it.

use crate::BoxError;
use crate::capture::{Read, Source, SourceInfo};
use crate::frame::Frame;

pub(super) struct NamedSource {
    source: Box<dyn Source>,
    info: SourceInfo,
}

impl NamedSource {
    pub(super) fn new(source: Box<dyn Source>, name: String) -> Self {
        let info = SourceInfo { name, ..source.info().clone() };
        Self { source, info }
    }
}

impl Source for NamedSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn has_sound(&self) -> bool {
        self.source.has_sound()
    }

    fn came_by(&self) -> Option<u64> {
        self.source.came_by()
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        self.source.read(frame)
    }
}
