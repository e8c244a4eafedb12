//! `cargo xtask release --dry-run`: all that a release needs, but for the tag and the publishing, which are done by hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::build::Build;
use crate::step::{cargo, root, run, say, step};

/// The version of all packages.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The shells that have completions: what each is called, the file, and its place below `share` of an installation.
pub(crate) const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "cyborg.bash", "bash-completion/completions/cyborg"),
    ("zsh", "_cyborg", "zsh/vendor-completions/_cyborg"),
    ("fish", "cyborg.fish", "fish/vendor_completions.d/cyborg.fish"),
];
const CARGO_CURE: &str = "install Rust";

/// Checks changelog and checkout, makes the packages, and writes what is shipped next to the program into out/release.
pub(crate) fn prepare(dry_run: bool) -> anyhow::Result<()> {
    ensure!(
        dry_run,
        "nothing is published by this command: run it with `--dry-run`, then go on with docs/releasing.md"
    );
    let out = root().join("out").join("release");
    let notes = step("changelog", || {
        let changelog = fs::read_to_string(root().join("CHANGELOG.md")).context("can't read CHANGELOG.md")?;
        notes(&changelog, VERSION)
    })?;
    step("checkout", is_clean)?;
    let packages = ["package", "--package", "cyborg-models", "--package", "cyborg-edge"];
    step("packages", || run(cargo().args(packages), CARGO_CURE))?;
    let program = Build::release().program()?;
    step("manual pages and completions", || beside(&program, &out))?;
    #[cfg(target_os = "linux")]
    step("packages for Debian", || crate::package::release(&out))?;
    #[cfg(not(target_os = "linux"))]
    say("packages for Debian are made on Linux alone: run it there too");
    fs::write(out.join("notes.md"), notes).context("can't write the notes")?;
    say("");
    say(&format!("version {VERSION}: notes, manual pages and completions are in {}", out.display()));
    say("what is left: docs/releasing.md from step 3 on, the tag, and `cargo publish`");
    Ok(())
}

/// What the changelog says of this version: its own section, or the one of what is not released yet.
fn notes(changelog: &str, version: &str) -> anyhow::Result<String> {
    let section = |title: &str| {
        let mut parts = changelog.split("\n## ").skip(1);
        parts.find_map(|part| {
            let (head, body) = part.split_once('\n')?;
            let body = body.trim();
            (head.split_whitespace().next() == Some(title) && !body.is_empty()).then(|| format!("{body}\n"))
        })
    };
    section(version).or_else(|| section("Unreleased")).with_context(|| {
        format!("CHANGELOG.md has no section `## {version}` or `## Unreleased` with anything in it: write what changes")
    })
}

/// A package holds what lies in the checkout, so that has to be what was committed.
fn is_clean() -> anyhow::Result<()> {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain"]).current_dir(root());
    let output = git.output().context("can't run `git`: install it")?;
    ensure!(output.status.success(), "`git status` ended with {}", output.status);
    let changed = String::from_utf8_lossy(&output.stdout);
    if let Some(first) = changed.lines().next() {
        bail!("{} files aren't committed, such as `{}`: commit them first", changed.lines().count(), first.trim());
    }
    Ok(())
}

/// Writes the manual pages, and the completions of three shells.
pub(crate) fn beside(program: &Path, out: &Path) -> anyhow::Result<()> {
    let pages = out.join("man");
    if pages.exists() {
        // There may be one of a command that is gone.
        fs::remove_dir_all(&pages).with_context(|| format!("can't remove the old {}", pages.display()))?;
    }
    run(Command::new(program).arg("manual").arg(pages), CARGO_CURE)?;
    let completions = out.join("completions");
    fs::create_dir_all(&completions).with_context(|| format!("can't make {}", completions.display()))?;
    for (shell, file, _) in SHELLS {
        let output = Command::new(program).args(["completions", shell]).output().context("can't run the program")?;
        ensure!(output.status.success(), "`cyborg completions {shell}` ended with {}", output.status);
        fs::write(completions.join(file), output.stdout).with_context(|| format!("can't write {file}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_those_of_the_version() {
        let changelog =
            "# Changelog\n\n## Unreleased\n\nmore to come\n\n## 0.2.0 (2026-12-01)\n\n- a thing\n\n## 0.1.0\n\n";
        assert_eq!(notes(changelog, "0.2.0").expect("it has a section"), "- a thing\n");
        // A version without a section of its own, or with an empty one, is the one to come.
        assert_eq!(notes(changelog, "0.3.0").expect("it is to come"), "more to come\n");
        assert_eq!(notes(changelog, "0.1.0").expect("it is to come"), "more to come\n");
        assert!(notes("# Changelog\n\n## Unreleased\n\n", "0.1.0").is_err());
    }
}
