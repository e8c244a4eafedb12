//! `cyborg completions` and `cyborg manual`: what a shell and `man` need to know of the commands, written from their definitions.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

use super::outcome::{Outcome, note, say};
use crate::name;

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// Shell to write them for
    shell: Shell,
}

#[derive(Args, Debug)]
pub(super) struct ManualArgs {
    /// Folder to write the pages to, one per command; it is made if need be
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Writes the completions to standard output.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<Outcome> {
    // Into memory first: the generator panics where its writer fails, and a reader may well have left.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "cyborg", &mut script);
    say(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Outcome::Done)
}

/// Writes the manual pages.
pub(super) fn manual(args: &ManualArgs, command: Command) -> anyhow::Result<Outcome> {
    let folder = name::of(&args.folder);
    fs::create_dir_all(&args.folder).with_context(|| format!("can't make the folder {folder}"))?;
    clap_mangen::generate_to(command, &args.folder).with_context(|| format!("can't write the pages to {folder}"))?;
    note(&format!("the manual pages are in {folder}"));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn each_command_has_a_page_with_its_flags() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let pages = folder.path().join("man/man1");
        manual(&ManualArgs { folder: pages.clone() }, Cli::command()).expect("it can be written");
        let page = |name: &str| fs::read_to_string(pages.join(name)).expect(name);
        assert!(page("cyborg.1").contains("cyborg\\-image(1)"));
        assert!(page("cyborg-image.1").contains("\\-\\-model"));
        assert!(page("cyborg-models-verify.1").contains("FILE"));
        assert!(!pages.join("cyborg-help.1").exists());
    }

    #[test]
    fn shells_know_commands_and_flags() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "cyborg", &mut script);
            let script = String::from_utf8(script).expect("it is text");
            assert!(script.contains("doctor") && script.contains("provider"), "{shell}");
        }
    }
}
