//! The model for frames of a video, which is opened when the first one comes.

use super::error::AnalyzeError;
use crate::classify::named::{ModelName, NamedError};
use crate::classify::panel::{Panel, PanelFile};
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;

/// What judges frames of a video.
#[derive(Debug)]
pub(super) enum Moving {
    /// The same network as judges photos.
    Same,
    /// Another one, not opened yet.
    Known {
        /// Its name.
        name: ModelName,
        /// What opens it.
        runtime: Runtime,
        /// How it runs.
        session: SessionSettings,
    },
    /// It is open.
    Open(Box<Panel>),
}

impl Moving {
    pub(super) fn new(file: &PanelFile<'_>, name: &ModelName, runtime: &Runtime, session: SessionSettings) -> Self {
        if !file.tells_video() {
            return Self::Same;
        }
        Self::Known { name: name.clone(), runtime: runtime.clone(), session }
    }

    /// What judges them; `photos` judges photos.
    pub(super) fn panel<'a>(&'a mut self, photos: &'a mut Panel) -> Result<&'a mut Panel, AnalyzeError> {
        if let Self::Known { name, runtime, session } = self {
            let file = name.read(None)?.for_video();
            let panel = Panel::of(runtime, &file, *session).map_err(NamedError::from)?;
            *self = Self::Open(Box::new(panel));
        }
        Ok(match self {
            Self::Open(panel) => panel,
            _ => photos,
        })
    }
}
