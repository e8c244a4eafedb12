//! Programs of another kind of machine, run here by qemu.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::architecture::Architecture;

/// The emulator of a kind of machine.
pub(crate) fn program(architecture: Architecture) -> String {
    format!("qemu-{}-static", architecture.machine())
}

/// The words before a program of that machine whose libraries are below a folder.
pub(crate) fn words(architecture: Architecture, root: &Path) -> Vec<String> {
    // All that the emulator can would be more than boards have, and its matrix extension (SME) gives wrong numbers: see docs/aarch64.md.
    let processor = match architecture {
        Architecture::Arm64 => "cortex-a76",
        Architecture::Amd64 => "max",
    };
    vec![program(architecture), "-cpu".to_owned(), processor.to_owned(), "-L".to_owned(), root.display().to_string()]
}

/// Writes a file that starts a program of that machine, for all that can start only programs of this one.
pub(crate) fn starter(words: &[String], program: &Path) -> anyhow::Result<PathBuf> {
    let file = program.with_file_name("cyborg-by-qemu");
    let words = words.iter().map(String::as_str).chain(program.to_str()).map(quoted).collect::<Vec<_>>().join(" ");
    let written = fs::write(&file, format!("#!/bin/sh\nexec {words} \"$@\"\n"));
    written
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("can't write {}", file.display()))?;
    Ok(file)
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_file_hands_all_words_on() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let program = folder.path().join("it's one");
        let file = starter(&["printf".to_owned(), "%s,".to_owned()], &program).expect("it can be written");
        let output = Command::new(file).args(["a b", "$c"]).output().expect("it starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{},a b,$c,", program.display()));
    }
}
