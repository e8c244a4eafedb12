//! A source whose errors name the flag that helps: the library tells why a live source was lost, and knows no flags.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::BoxError;
use crate::capture::{NeverAgain, Open, Opened, Read, Source, SourceInfo};
use crate::cli::cure;
use crate::frame::Frame;

/// Opens a source, and says what helps when it can't.
pub(in crate::cli) struct CuredOpener {
    pub(in crate::cli) opener: Arc<dyn Open>,
}

struct CuredSource(Box<dyn Source>);

impl Open for CuredOpener {
    fn prepare(&self, stop: &AtomicBool) -> Result<bool, BoxError> {
        self.opener.prepare(stop).map_err(cured)
    }

    fn open(&self) -> Result<Opened, BoxError> {
        let opened = self.opener.open().map_err(cured)?;
        Ok(Opened { source: Box::new(CuredSource(opened.source)), ..opened })
    }
}

impl Source for CuredSource {
    fn info(&self) -> &SourceInfo {
        self.0.info()
    }

    fn has_sound(&self) -> bool {
        self.0.has_sound()
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        self.0.read(frame).map_err(cured)
    }
}

fn cured(error: BoxError) -> BoxError {
    match error.downcast::<NeverAgain>() {
        Ok(refused) => NeverAgain(cured(refused.0)).into(),
        Err(error) => cure::in_words(&error).into(),
    }
}

#[cfg(all(test, feature = "video"))]
mod tests {
    use super::*;
    use crate::capture::AtEnd;
    use crate::capture::video::VideoError;

    /// Opens at the second try, and then reads nothing.
    struct Silent(std::sync::atomic::AtomicBool);

    struct Nothing(SourceInfo);

    fn silent() -> BoxError {
        VideoError::Silent { name: "rtsp://host".to_owned(), seconds: 3 }.into()
    }

    impl Open for Silent {
        fn open(&self) -> Result<Opened, BoxError> {
            if !self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return Err(silent());
            }
            let info = SourceInfo { name: "rtsp://host".into(), size: (1, 1), rate: None, claimed_frames: None };
            Ok(Opened { source: Box::new(Nothing(info)), differs: None, at_end: AtEnd::Reopen })
        }
    }

    impl Source for Nothing {
        fn info(&self) -> &SourceInfo {
            &self.0
        }

        fn read(&mut self, _: &mut Frame) -> Result<Read, BoxError> {
            Err(silent())
        }
    }

    #[test]
    fn a_source_that_is_silent_is_told_with_the_flag_that_waits_longer() {
        let opener = CuredOpener { opener: Arc::new(Silent(false.into())) };
        let expected = "rtsp://host sent nothing for 3 s, and may not be reachable; a larger `--patience` waits longer";
        assert_eq!(opener.open().err().expect("the first try").to_string(), expected);
        let mut source = opener.open().expect("the second try").source;
        assert_eq!(source.read(&mut Frame::empty()).expect_err("it is silent").to_string(), expected);
    }
}
