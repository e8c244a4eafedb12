//! What programs for two kinds of machine say of the same pictures, side by side.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use cyborg_models::lock::cached;
use serde_json::Value;

use super::Cross;
use crate::step::{run, say};

/// How far probabilities in 32-bit floating point may be apart, of the same pixels.
const OF_FLOATS: f64 = 1e-4;
/// How far those of clips may be apart, and of models that compute in 8 bits. Where some are farther apart, that is missed, and told at
/// the end (docs/aarch64.md).
const OF_CLIPS: f64 = 0.02;
/// The form of the small model that every processor can run: `small` is another one where this machine computes in 8 bits.
const FLOATS: &str = "small-float32";
/// Frames of clips that are judged as photos: files without loss, so that every decoder gives the same pixels.
const STILLS: [(&str, &str); 2] = [("carphone", "not(mod(n,40))"), ("selfie", "not(mod(n,36))")];
/// So many frames of a clip are judged: the emulator takes seconds for each.
const FRAMES: &str = "24";
/// The verdicts, and those with a person's name.
const VERDICTS: [&str; 2] = ["verdict", "track_verdict"];
/// Each probability of a line.
const PROBABILITIES: [&str; 3] = ["p_synthetic", "p_track", "mean_p_synthetic"];
/// What a line is of.
const NAMES: [&str; 6] = ["type", "path", "face", "source", "frame", "track"];

/// Has both programs judge photos and clips, and says how far they are apart; gives those that are too far. Another verdict is an error.
pub(super) fn run_all(own: &Path, other: &Path, cross: &Cross, out: &Path) -> anyhow::Result<Vec<String>> {
    let mut missed = Vec::new();
    let stills = stills(out)?;
    let accurate = cross.cache().join("models/accurate/set.toml").is_file();
    for (name, verb, inputs, flags, bound) in [
        ("photos, small, yunet", "image", stills.clone(), [FLOATS, "yunet"], OF_FLOATS),
        ("photos, small, centerface", "image", stills.clone(), [FLOATS, "centerface"], OF_FLOATS),
        ("photos, small in 8 bits, yunet", "image", stills.clone(), ["small-int8", "yunet"], OF_CLIPS),
        ("photos, accurate, yunet", "image", stills, ["accurate", "yunet"], OF_CLIPS),
        ("a clip, small, yunet", "video", vec![beginning("carphone", out)?], [FLOATS, "yunet"], OF_CLIPS),
        ("another clip, small, yunet", "video", vec![beginning("selfie", out)?], [FLOATS, "yunet"], OF_CLIPS),
    ] {
        if flags[0] == "accurate" && !accurate {
            say(&format!("{name}: NOT RUN: the accurate set isn't installed"));
            continue;
        }
        let told = |program: &Path, cache: Option<&Path>, table: &str| {
            let table = out.join(table);
            let mut command = Command::new(program);
            command.arg(verb).args(&inputs).args(["--model", flags[0], "--detector", flags[1], "--provider", "cpu"]);
            command.arg("--jsonl").arg(&table).envs(cache.map(|cache| ("CYBORG_CACHE", cache)));
            run(&mut command, "build it first")?;
            let text = fs::read_to_string(&table).with_context(|| format!("can't read {}", table.display()))?;
            lines(&text)
        };
        let [here, there] = [told(own, None, "here.jsonl")?, told(other, Some(cross.cache()), "there.jsonl")?];
        let Apart { faces, persons } =
            farthest(&here, &there).with_context(|| format!("{name}: the machines disagree"))?;
        let lines = here.len();
        say(&format!(
            "{name}: {lines} lines, faces at most {faces:.1e} apart, persons {persons:.1e}, the same verdicts"
        ));
        if faces.max(persons) > bound {
            missed.push(format!("{name}: {:.1e} apart, more than {bound}", faces.max(persons)));
        }
    }
    Ok(missed)
}

/// Makes the photos.
fn stills(out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = out.join("stills");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    for (clip, which) in STILLS {
        let from = cached(clip).context("the lock file has no such clip")?;
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-loglevel", "error", "-y", "-i"]).arg(from).args(["-vf", &format!("select='{which}'")]);
        run(ffmpeg.args(["-vsync", "0"]).arg(folder.join(format!("{clip}-%02d.png"))), "install ffmpeg")?;
    }
    let entries = fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    found.sort();
    found.extend(cached("astronaut"));
    Ok(found)
}

/// Cuts the beginning out of a clip; its frames stay coded as they are.
fn beginning(clip: &str, out: &Path) -> anyhow::Result<PathBuf> {
    let (from, to) = (cached(clip).context("the lock file has no such clip")?, out.join(format!("{clip}.mp4")));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error", "-y", "-i"]).arg(from).args(["-frames:v", FRAMES, "-c", "copy", "-an"]);
    run(ffmpeg.arg(&to), "install ffmpeg")?;
    Ok(to)
}

/// The lines of a table that are of something, by what they are of.
fn lines(text: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).context("a line isn't JSON")?;
        let name = NAMES.iter().map(|name| line[name].to_string()).collect::<Vec<_>>().join(" ");
        if line["type"] != "run" {
            ensure!(lines.insert(name.clone(), line).is_none(), "two lines are of {name}");
        }
    }
    ensure!(!lines.is_empty(), "the table is empty");
    Ok(lines)
}

/// How far the farthest probabilities are apart.
#[derive(Debug, Default, PartialEq)]
struct Apart {
    /// Those of single faces, and what is known of their persons up to there.
    faces: f64,
    /// Those of persons, over a whole clip.
    persons: f64,
}

/// How far the farthest probabilities are apart; an error where there is another line, or another verdict.
fn farthest(here: &BTreeMap<String, Value>, there: &BTreeMap<String, Value>) -> anyhow::Result<Apart> {
    let mut apart = Apart::default();
    let mut compared = 0;
    let names: Vec<&String> = here.keys().chain(there.keys().filter(|name| !here.contains_key(*name))).collect();
    for name in names {
        let (Some(here), Some(there)) = (here.get(name), there.get(name)) else {
            anyhow::bail!("only one of them has the line {name}");
        };
        for key in VERDICTS {
            ensure!(here[key] == there[key], "{name}: {key} is {} here and {} there", here[key], there[key]);
        }
        let farthest = if here["type"] == "track" { &mut apart.persons } else { &mut apart.faces };
        for key in PROBABILITIES {
            match (here[key].as_f64(), there[key].as_f64()) {
                (Some(here), Some(there)) => {
                    *farthest = farthest.max((here - there).abs());
                    compared += 1;
                }
                (None, None) => {}
                _ => anyhow::bail!("{name}: {key} is {} here and {} there", here[key], there[key]),
            }
        }
    }
    ensure!(compared > 0, "no face was found");
    Ok(apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(face: &str, p: f64, verdict: &str) -> String {
        format!(r#"{{"type":"photo","path":"{face}.png","face":0,"p_synthetic":{p},"verdict":"{verdict}"}}"#) + "\n"
    }

    fn apart(here: &str, there: &str) -> anyhow::Result<Apart> {
        farthest(&lines(here)?, &lines(there)?)
    }

    #[test]
    fn the_farthest_probabilities_are_told() {
        let here = photo("a", 0.25, "authentic") + &photo("b", 0.5, "unsure");
        let there = photo("b", 0.375, "unsure") + &photo("a", 0.1875, "authentic");
        let found = apart(&here, &there).expect("they have the same lines");
        assert_eq!(found, Apart { faces: 0.125, persons: 0.0 });
        assert_eq!(apart(&here, &here).expect("they are the same"), Apart::default());
        let person =
            |p: f64| photo("a", p, "unsure").replace("photo", "track").replace("p_synthetic", "mean_p_synthetic");
        let found = apart(&person(0.5), &person(0.25)).expect("they have the same lines");
        assert_eq!(found, Apart { faces: 0.0, persons: 0.25 });
    }

    #[test]
    fn another_verdict_or_line_is_an_error() {
        let here = photo("a", 0.25, "authentic");
        for (there, words) in [
            (photo("a", 0.25, "unsure"), "verdict"),
            (photo("b", 0.25, "authentic"), "only one"),
            (here.clone() + &photo("b", 0.25, "authentic"), "only one"),
            (here.replace("0.25", "null"), "p_synthetic"),
            (String::new(), "empty"),
        ] {
            let error = apart(&here, &there).expect_err("they differ");
            assert!(format!("{error:#}").contains(words), "{error:#}");
        }
        let nobody = here.replace("0.25", "null");
        assert!(apart(&nobody, &nobody).is_err(), "nothing is compared");
    }
}
