//! The file of a report: there from the start, replaced by the whole page at the end in one step.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::whole_file;

/// A report that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write {}: {source}", crate::name::of(path))]
pub struct ReportError {
    path: PathBuf,
    source: io::Error,
}

/// What stands in the file while the run goes on, and after a crash.
const UNFINISHED: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Report not finished</title>\n\
<p>This report is not finished: the run goes on, or ended without completing it.</p>\n</html>\n";

/// A file that waits for its page.
#[derive(Debug)]
pub(super) struct ReportFile {
    named: PathBuf,
    /// Where the whole page goes.
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A plain file, all links followed.
    File(PathBuf),
    /// A pipe or a device: it can be written, not replaced.
    Open(File),
}

impl ReportFile {
    pub(super) fn create(path: &Path) -> Result<Self, ReportError> {
        let target = open(path).map_err(|source| ReportError { path: path.to_owned(), source })?;
        Ok(Self { named: path.to_owned(), target })
    }

    /// Puts the page in place of what stands there. When that fails, what stands there says that it is not finished.
    pub(super) fn complete(&mut self, page: &str) -> Result<(), ReportError> {
        let outcome = match &mut self.target {
            Target::Open(file) => match file.write_all(page.as_bytes()) {
                // The reader has had enough; other outputs want the rest of the run.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                outcome => outcome,
            },
            Target::File(path) => replace(path, page),
        };
        outcome.map_err(|source| ReportError { path: self.named.clone(), source })
    }
}

fn open(path: &Path) -> io::Result<Target> {
    let mut file = File::create(path)?;
    if !file.metadata()?.is_file() {
        return Ok(Target::Open(file));
    }
    file.write_all(UNFINISHED.as_bytes())?;
    // A link stays a link, and the file that it names gets the page.
    Ok(Target::File(path.canonicalize()?))
}

fn replace(path: &Path, page: &str) -> io::Result<()> {
    match whole_file::write(path, page.as_bytes()) {
        // In a folder that takes no new file the page is written in place.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => fs::write(path, page),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_replaces_the_placeholder_and_nothing_else_stays() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("a <b>.html");
        fs::write(&path, "an old report").expect("it can be written");
        let mut file = ReportFile::create(&path).expect("it can be made");
        assert!(fs::read_to_string(&path).expect("it is there").contains("not finished"));
        file.complete("the page").expect("it can be written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "the page");
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let [real, link] = ["real.html", "link.html"].map(|name| folder.path().join(name));
        fs::write(&real, "").expect("it can be written");
        std::os::unix::fs::symlink(&real, &link).expect("it can be made");
        ReportFile::create(&link).expect("it can be made").complete("the page").expect("it can be written");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).expect("it is there"), "the page");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_an_error_at_once() {
        let error = ReportFile::create(Path::new("no/such/folder/a.html")).expect_err("there is no such folder");
        assert!(error.to_string().starts_with("can't write no/such/folder/a.html: "), "{error}");
    }
}
