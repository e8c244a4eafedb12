//! The crates that are part of the program, and the texts of their licences.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::tree::below;
use crate::build::PACKAGED;
use crate::step::cargo;

/// How a file of a licence or a notice begins.
const BEGINNINGS: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];
/// What looks like one and is code.
const CODE: [&str; 6] = ["rs", "c", "h", "js", "py", "html"];

/// A crate of somebody else's.
struct Crate {
    /// Name and version.
    called: String,
    /// The licence, as it says.
    licence: String,
    authors: Vec<String>,
    folder: PathBuf,
}

/// All crates that are linked into the program for this kind of machine, each with its licence and the numbers of the texts that
/// it comes with, and then these texts, each once.
pub(super) fn crates(target: &str) -> anyhow::Result<String> {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target])
        .args(PACKAGED)
        .output()
        .context("can't run cargo")?;
    ensure!(output.status.success(), "`cargo metadata`: {}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).context("can't read what cargo says")?;
    let crates = linked(&told).context("cargo doesn't say what the program is made of")?;
    ensure!(!crates.is_empty(), "cargo names no crate that the program is made of");
    written(&crates)
}

/// The notices of Rust's standard library, where the toolchain has them.
pub(super) fn standard_library() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Some(folder.join("share/doc/rust/COPYRIGHT-library.html")).filter(|path| path.is_file())
}

/// The crates of others from which one leads to the program, but by way of what only builds or tests it.
fn linked(told: &Value) -> Option<Vec<Crate>> {
    let packages = told["packages"].as_array()?;
    let nodes = told["resolve"]["nodes"].as_array()?;
    let start = packages.iter().find(|package| package["name"] == "cyborg-edge")?["id"].as_str()?;
    let mut seen = vec![start.to_owned()];
    let mut next = 0;
    while let Some(id) = seen.get(next).cloned() {
        next += 1;
        let node = of_id(nodes, &id)?;
        for dependency in node["deps"].as_array()? {
            let kinds = dependency["dep_kinds"].as_array()?;
            let id = dependency["pkg"].as_str()?;
            if kinds.iter().any(|kind| kind["kind"].is_null()) && !seen.iter().any(|seen| seen == id) {
                seen.push(id.to_owned());
            }
        }
    }
    let mut crates = Vec::new();
    for id in seen {
        let package = of_id(packages, &id)?;
        if package["source"].is_null() {
            // Our own.
            continue;
        }
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let authors =
            package["authors"].as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned));
        crates.push(Crate {
            called: format!("{} {}", text("name"), text("version")),
            licence: if package["license"].is_null() { text("license_file") } else { text("license") },
            authors: authors.collect(),
            folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
        });
    }
    crates.sort_by(|one, other| one.called.cmp(&other.called));
    Some(crates)
}

fn of_id<'a>(list: &'a [Value], id: &str) -> Option<&'a Value> {
    list.iter().find(|it| it["id"] == *id)
}

fn written(crates: &[Crate]) -> anyhow::Result<String> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut text = "The crates that are part of cyborg, each with its licence, and the numbers of the texts that it comes with.\n\
                    A crate without a text is by the authors that it names; the common texts are among those of the others.\n\n"
        .to_owned();
    for Crate { called, licence, authors, folder } in crates {
        let _ = write!(text, "{called}: {licence}");
        let found = licences(folder)?;
        for path in &found {
            let licence = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
            let licence = String::from_utf8_lossy(&licence).replace("\r\n", "\n").trim().to_owned();
            let count = numbers.len();
            let number = numbers.entry(licence).or_insert(count + 1);
            let name = path.strip_prefix(folder).unwrap_or(path).display();
            let _ = write!(text, ", {name} [{number}]");
        }
        if found.is_empty() {
            let authors = if authors.is_empty() { "its contributors".to_owned() } else { authors.join(", ") };
            let _ = write!(text, ", without a text, by {authors}");
        }
        text.push('\n');
    }
    let mut texts: Vec<(usize, String)> = numbers.into_iter().map(|(text, number)| (number, text)).collect();
    texts.sort();
    for (number, licence) in texts {
        let _ = write!(text, "\n======== [{number}]\n\n{licence}\n");
    }
    Ok(text)
}

/// The files of licences and notices in a crate, also those of what it brings along.
fn licences(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_one = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let ending = path.extension().unwrap_or_default();
        BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) && !CODE.iter().any(|code| ending == *code)
    };
    Ok(below(folder)?.into_iter().filter(|path| path.is_file() && is_one(path)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, source: Option<&str>, folder: &Path) -> Value {
        json!({
            "id": name, "name": name, "version": "1.0.0", "license": "MIT", "authors": [format!("author of {name}")],
            "source": source, "manifest_path": folder.join(name).join("Cargo.toml"),
        })
    }

    /// The program uses `a`, which uses `b`; `tool` only builds it, and `tested` only tests it.
    #[test]
    fn what_is_linked_is_named_with_its_texts() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let names = ["a", "b", "tool", "tested"];
        for (name, text) in
            [("a/LICENSE", "Text one.\n"), ("b/LICENSE-MIT", "Text one.\r\n"), ("a/src/licence.rs", "code")]
        {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
        }
        fs::create_dir_all(folder.path().join("c")).expect("it can be made");
        let mut packages =
            vec![package("cyborg-edge", None, folder.path()), package("c", Some("registry"), folder.path())];
        packages.extend(names.map(|name| package(name, Some("registry"), folder.path())));
        let uses = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let node = |name: &str, deps: Vec<Value>| json!({"id": name, "deps": deps});
        let ours = vec![uses("a", Value::Null), uses("tool", json!("build")), uses("tested", json!("dev"))];
        let nodes = [
            node("cyborg-edge", ours),
            node("a", vec![uses("b", Value::Null), uses("c", Value::Null)]),
            node("b", vec![uses("a", Value::Null)]),
            node("c", vec![]),
        ];
        let crates = linked(&json!({"packages": packages, "resolve": {"nodes": nodes}})).expect("it is well formed");
        let text = written(&crates).expect("all is there");
        assert!(text.contains("\na 1.0.0: MIT, LICENSE [1]\nb 1.0.0: MIT, LICENSE-MIT [1]\n"), "{text}");
        assert!(text.contains("\nc 1.0.0: MIT, without a text, by author of c\n"), "{text}");
        assert!(
            text.ends_with("======== [1]\n\nText one.\n") && !text.contains("tool") && !text.contains("code"),
            "{text}"
        );
    }

    #[test]
    fn the_program_is_made_of_the_crates_in_its_manifest() {
        let text = crates("x86_64-unknown-linux-gnu").expect("cargo tells");
        for part in ["\nclap 4.", "\nort 2.", "\nturbojpeg-sys ", "libjpeg-turbo/LICENSE.md ["] {
            assert!(text.contains(part), "no `{part}` in:\n{}", &text[..4000.min(text.len())]);
        }
        for part in ["\ntch ", "\ntorch-sys ", "\ncmake ", "\nbindgen "] {
            assert!(!text.contains(part), "`{part}` isn't part of the program");
        }
    }
}
