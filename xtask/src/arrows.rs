//! Which file of a package uses which, read from its `use` lines and paths, so that a test can refuse circles and wrong ways.
//!
//! A re-export is no use: an arrow goes on to the file where the thing is. Tests may use anything, and are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module's path from the root of its package; the root's is empty.
type Module = Vec<String>;

/// Who uses whom, by file.
#[derive(Debug, Default)]
pub(crate) struct Arrows(BTreeMap<Module, BTreeSet<Module>>);

/// A path of names, and whether it stands in a re-export.
struct Use {
    path: Vec<String>,
    reexport: bool,
}

impl Arrows {
    /// The arrows between the files below `folder`.
    pub(crate) fn below(folder: &Path) -> Self {
        let mut files = Vec::new();
        collect(folder, &mut Vec::new(), &mut files);
        Self::between(&files)
    }

    fn between(files: &[(Module, String)]) -> Self {
        let modules: BTreeSet<&Module> = files.iter().map(|(module, _)| module).collect();
        let is_module = |path: &[String]| modules.contains(&path.to_vec());
        let uses: Vec<(&Module, Vec<Use>)> =
            files.iter().map(|(module, text)| (module, uses(module, text, &is_module))).collect();
        let mut moved: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        for (module, uses) in &uses {
            for Use { path, .. } in uses.iter().filter(|each| each.reexport) {
                let name = path.last().into_iter().cloned();
                moved.insert(module.iter().cloned().chain(name).collect(), path.clone());
            }
        }
        let mut arrows: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, uses) in uses {
            let used = uses.iter().filter(|each| !each.reexport);
            let targets = used.filter_map(|each| resolve(&each.path, &is_module, &moved));
            arrows.insert(module.clone(), targets.filter(|target| target != module).collect());
        }
        Self(arrows)
    }

    /// The arrows that lie on a circle of files, or between two circles.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut left = self.0.clone();
        loop {
            let used: BTreeSet<Module> = left.values().flatten().cloned().collect();
            let before = left.len();
            left.retain(|module, targets| !targets.is_empty() && used.contains(module));
            let there: BTreeSet<Module> = left.keys().cloned().collect();
            left.values_mut().for_each(|targets| targets.retain(|target| there.contains(target)));
            if left.len() == before && left.values().all(|targets| !targets.is_empty()) {
                break;
            }
        }
        left.iter().flat_map(|(from, targets)| targets.iter().map(|to| told(from, to))).collect()
    }

    /// The arrows that go from a room to one above it; rooms on one level may not use each other. A room that `levels` doesn't
    /// name is wrong too.
    pub(crate) fn upward(&self, levels: &[&[&str]]) -> Vec<String> {
        let level = |module: &Module| {
            let room = module.first()?;
            levels.iter().position(|level| level.contains(&room.as_str()))
        };
        let mut wrong = Vec::new();
        for (from, targets) in &self.0 {
            if !from.is_empty() && level(from).is_none() {
                wrong.push(format!("{} is in no room that is known", from.join("/")));
            }
            for to in targets.iter().filter(|to| !to.is_empty() && to.first() != from.first()) {
                if !from.is_empty() && level(to) >= level(from) {
                    wrong.push(told(from, to));
                }
            }
        }
        wrong
    }
}

fn told(from: &Module, to: &Module) -> String {
    let name = |module: &Module| if module.is_empty() { "lib".to_owned() } else { module.join("/") };
    format!("{} -> {}", name(from), name(to))
}

fn collect(folder: &Path, inside: &mut Module, files: &mut Vec<(Module, String)>) {
    let entries = fs::read_dir(folder).expect("the folder of a package's sources");
    for entry in entries.map(|entry| entry.expect("it can be listed")) {
        let (path, name) = (entry.path(), entry.file_name().into_string().expect("our files have plain names"));
        if path.is_dir() {
            inside.push(name);
            collect(&path, inside, files);
            inside.pop();
        } else if let Some(stem) = name.strip_suffix(".rs").filter(|stem| !stem.ends_with("tests") && *stem != "main") {
            let own = (stem != "mod" && stem != "lib").then(|| stem.to_owned());
            let module = inside.iter().cloned().chain(own).collect();
            files.push((module, fs::read_to_string(&path).expect("our files are text")));
        }
    }
}

/// All that a file uses of its package.
fn uses(module: &Module, text: &str, is_module: &dyn Fn(&[String]) -> bool) -> Vec<Use> {
    let text = text.split_once("#[cfg(test)]\nmod tests {").map_or(text, |(before, _)| before);
    let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    // Who may see a thing is not who uses it.
    let lines = lines.map(|line| {
        match line.split_once("pub(in ").and_then(|(before, after)| Some((before, after.split_once(')')?.1))) {
            Some((before, after)) => format!("{before}pub(crate){after}"),
            None => line.to_owned(),
        }
    });
    let (mut found, mut rest, mut open) = (Vec::new(), String::new(), String::new());
    for line in lines {
        let line = line.as_str();
        let begins =
            ["use ", "pub use ", "pub(crate) use ", "pub(super) use "].iter().any(|word| line.starts_with(word));
        if !open.is_empty() || (begins && line.contains("use ")) {
            open += line;
            if open.contains(';') {
                let (before, tree) = open.split_once("use ").expect("it has the word");
                let reexport = before.starts_with("pub");
                let paths = expand(tree.trim_end_matches([';', ' ']));
                let own = paths.into_iter().filter_map(|path| absolute(module, path, is_module));
                found.extend(own.map(|path| Use { path, reexport }));
                open.clear();
            }
        } else {
            rest += line;
            rest.push('\n');
        }
    }
    let words = rest.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'));
    for word in words.filter(|word| word.contains("::")) {
        let path: Vec<String> = word.split("::").map(str::to_owned).collect();
        // `super` may be that of a module within the file.
        if path[0] != "super" && path[0] != "self" {
            found.extend(absolute(module, path, is_module).map(|path| Use { path, reexport: false }));
        }
    }
    found
}

/// `a::{b, c::D as E}` as its paths.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let names = |text: &str| {
        let text = text.split(" as ").next().unwrap_or_default();
        text.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let Some((before, inner)) = tree.split_once('{') else {
        return vec![names(tree)];
    };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut paths, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                if !part.is_empty() {
                    paths.extend(expand(part).into_iter().map(|path| [names(before), path].concat()));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    paths
}

/// A path from the root of the package; nothing where it is one of another package.
fn absolute(module: &Module, path: Vec<String>, is_module: &dyn Fn(&[String]) -> bool) -> Option<Vec<String>> {
    let path: Vec<String> = path.into_iter().filter(|name| name != "self").collect();
    let ups = path.iter().take_while(|name| *name == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" => Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat()),
        _ => {
            let child = [module.as_slice(), &path[..1]].concat();
            is_module(&child).then(|| [module.as_slice(), &path].concat())
        }
    }
}

/// The file where the thing of this path is.
fn resolve(
    path: &[String],
    is_module: &dyn Fn(&[String]) -> bool,
    moved: &BTreeMap<Vec<String>, Vec<String>>,
) -> Option<Module> {
    let mut path = path.to_vec();
    // As often as things are handed on at most.
    for _ in 0..8 {
        let length = (0..=path.len()).rev().find(|&length| is_module(&path[..length]))?;
        match path.get(..length + 1).and_then(|named| moved.get(named)) {
            Some(elsewhere) => path = [elsewhere.as_slice(), &path[length + 1..]].concat(),
            None => return Some(path[..length].to_vec()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], circles: &[&str], upward: &[&str]) {
        let module = |name: &str| name.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let files: Vec<(Module, String)> =
            files.iter().map(|(name, text)| (module(name), (*text).to_owned())).collect();
        let arrows = Arrows::between(&files);
        assert_eq!(arrows.circles(), circles, "{arrows:?}");
        assert_eq!(arrows.upward(&[&["low"], &["left", "right"]]), upward, "{arrows:?}");
    }

    #[test]
    fn circles_are_found_through_reexports_and_paths() {
        check(&[("low/a", "use super::b::B;\n"), ("low/b", "fn f() {}\n"), ("low", "mod a;\nmod b;\n")], &[], &[]);
        let circle = ["low/a -> low/b", "low/b -> low/a"];
        check(
            &[("low/a", "use super::b::B;\n"), ("low/b", "use crate::low::{x, a::{A, C}};\n"), ("low", "")],
            &circle,
            &[],
        );
        let hidden =
            [("low", "pub use b::B;\n"), ("low/a", "use super::B;\n"), ("low/b", "fn f() { crate::low::a::g() }\n")];
        check(&hidden, &circle, &[]);
        let parent = [("low", "mod a;\nfn f() { a::g() }\n"), ("low/a", "use super::f;\n")];
        check(&parent, &["low -> low/a", "low/a -> low"], &[]);
        // What tests, comments and other packages say is no arrow.
        let quiet = [
            ("low/a", "use super::b::B;\n"),
            ("low/b", "// crate::low::a\n#[cfg(test)]\nmod tests {\n    use crate::low::a::A;\n"),
        ];
        check(&quiet, &[], &[]);
    }

    #[test]
    fn arrows_upward_are_found() {
        let both = [
            ("low/a", "use crate::left::L;\n"),
            ("left", "fn f() {}\n"),
            ("right/r", "use crate::{left::L, low::a::A};\n"),
        ];
        check(&both, &[], &["low/a -> left", "right/r -> left"]);
        check(&[("left", "use crate::low::A;\n"), ("low", "")], &[], &[]);
        check(&[("cellar/x", "")], &[], &["cellar/x is in no room that is known"]);
    }
}
