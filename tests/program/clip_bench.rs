//! A folder with clips, a small model and the tables that come of them: what tests of `cyborg video` begin with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{cyborg, face_clip, make_clip, model, run};

/// The table that [`Bench::video`] writes.
pub(crate) const TABLE: &str = "table.jsonl";

/// A folder with the small model in it.
pub(crate) struct Bench {
    folder: TempDir,
    pub(crate) model: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let model = model::write(folder.path(), "corner.onnx", &model::corner());
        Self { folder, model }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A clip made from the face clip.
    pub(crate) fn face_clip(&self, name: &str, arguments: &str) -> PathBuf {
        let path = self.path(name);
        make_clip(&path, &format!("-i {} {arguments}", face_clip().display()));
        path
    }

    /// The command that judges a clip, into [`TABLE`].
    pub(crate) fn video(&self, clip: &Path) -> Command {
        let mut command = cyborg();
        command.arg("video").arg(clip).arg("--model").arg(&self.model).arg("--jsonl").arg(self.path(TABLE));
        command
    }

    /// Judges a clip, and gives the lines of the table.
    pub(crate) fn judge(&self, clip: &Path, arguments: &[&str]) -> Vec<Value> {
        self.judge_aloud(clip, arguments).1
    }

    /// The same, with what was said.
    pub(crate) fn judge_aloud(&self, clip: &Path, arguments: &[&str]) -> (String, Vec<Value>) {
        let (code, said, stderr) = run(self.video(clip).args(arguments));
        assert_eq!(code, 0, "{stderr}");
        (said, self.lines(TABLE))
    }

    pub(crate) fn lines(&self, table: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(table)).expect("it was written");
        assert!(text.ends_with('\n'), "the last line is whole");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

/// Those lines that are of a kind.
pub(crate) fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}
