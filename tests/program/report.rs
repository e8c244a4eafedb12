//! The report: what stands in it, in which order, and that a real browser shows it without asking anybody anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cyborg_edge::findings::Sink;
use cyborg_edge::sink::jsonl::RunRecord;
use cyborg_edge::sink::report::{
    FrameCounts, MadeWith, PersonReport, ReportData, ReportEnd, ReportSink, StillReport, SyntheticSpan, Timeline,
    Timing, render,
};
use cyborg_edge::verdict::{Judgement, Logits, SyntheticProbability, Verdict};
use cyborg_models::contract::{Calibration, ErrorRates};

use crate::support::left_out::not_run;
use crate::support::stages::{self, CountingSource};
use crate::support::{check_error, cyborg, face_clip, make_clip, model, run};

fn made_with() -> MadeWith {
    let mut contract = model::contract();
    contract.thresholds.error_rates =
        Some(ErrorRates { apcer: 0.018, bpcer: 0.02, measured_on: "a <kept-out> tenth".into() });
    contract.auc = BTreeMap::from([("other & sources".to_owned(), 0.9876)]);
    let run = RunRecord {
        tool: "cyborg 9.9.9".into(),
        model: "corner".into(),
        model_sha256: "ab".repeat(32),
        experts: Vec::new(),
        provider: "asked auto, got cpu (cuda: <no device>)".into(),
        detector_provider: "asked auto, got cpu".into(),
        others: Vec::new(),
        settings: serde_json::Map::new(),
    };
    MadeWith { run, contract, caution: Some("not calibrated".into()) }
}

fn judgement(evidence: f32, verdict: Verdict) -> Judgement {
    let calibration = Calibration { temperature: 1.0, bias: 0.0 };
    let probability = SyntheticProbability::new(Logits { authentic: 0.0, synthetic: evidence }, &calibration);
    Judgement { probability, verdict, reason: None }
}

/// Two people in a clip of twelve seconds; the second one is away for three of them.
fn example() -> ReportData {
    let person = |number: u32, verdict, probability: f32, away: std::ops::Range<i64>| {
        let mut timeline = Timeline::default();
        for frame in (0..300_i64).filter(|frame| !away.contains(frame)) {
            timeline.add(frame * 40_000, probability + 0.1 * (frame as f32 / 20.0).sin());
        }
        let still = StillReport {
            frame: 17,
            time: 0.68,
            judgement: judgement(2.0, verdict),
            plain: vec![0xff, 0xd8],
            heat: vec![0xff, 0xd8, 0xff],
            side: 360,
        };
        PersonReport {
            person: number,
            verdict,
            probability,
            basis: "mean over 300 frames".into(),
            reason: (verdict == Verdict::Unsure).then(|| "too small & too blurred".into()),
            span: (0.0, 11.96),
            frames: 300,
            verdicts: [0, 100, 200],
            intervals: vec![SyntheticSpan { first: 1_000_000, last: 4_200_000 }],
            timeline: timeline.buckets().to_vec(),
            strongest: vec![still],
            others: Vec::new(),
        }
    };
    ReportData {
        losses: Vec::new(),
        further_losses: 0,
        source: "clips/<script>alert(1)</script> & \"co\"\n\u{202e}4pm.mp4".into(),
        ended: ReportEnd::Whole,
        span: Some((0.0, 11.96)),
        people: vec![person(0, Verdict::Synthetic, 0.84, 0..0), person(1, Verdict::Unsure, 0.5, 100..175)],
        faces_left_out: 0,
        quality: FrameCounts {
            frames: 300,
            faces: 525,
            size: (1920, 1080),
            milli_rate: Some(25_000),
            ..FrameCounts::default()
        },
        timing: Timing { wall: 3.0, stages: vec![("decode", 0.75)], ages_ms: vec![("median", 69.4)] },
        made_with: made_with(),
    }
}

/// Each of `parts` stands in `page`, one after the other.
fn check_order(page: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let found = page[from..].find(part);
        assert!(found.is_some(), "`{part}` is missing, or stands too early");
        from += found.unwrap_or(0) + part.len();
    }
}

/// Each element that is opened is closed, in the right order, and ids are there once.
fn check_nesting(page: &str) {
    const EMPTY: [&str; 9] = ["meta", "link", "img", "rect", "line", "path", "circle", "polygon", "polyline"];
    let mut open: Vec<&str> = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().expect("each tag ends")) {
        let name = tag.split_whitespace().next().expect("no stray <");
        ids.extend(tag.split(" id=\"").nth(1).map(|rest| rest.split('"').next().expect("it is quoted")));
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "`</{closed}>` closes something else");
        } else if !name.starts_with('!') && !EMPTY.contains(&name.trim_end_matches('/')) {
            open.push(name);
        }
        if name == "img" {
            assert!(tag.contains(" alt=\"") && tag.contains(" width=\""), "a picture without words: {tag:.80}");
        }
    }
    assert!(open.is_empty(), "still open: {open:?}");
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id is there twice");
}

/// Nothing in the page makes a browser ask anybody for anything, or run anything.
fn check_closed(page: &str) {
    for part in ["http://", "https://", "url(", "<script", "@import", "src=\"/", "<iframe", " onload", "<a "] {
        assert!(!page.contains(part), "the page has `{part}`");
    }
    assert!(page.contains("default-src 'none'"));
    assert_eq!(page.matches(" src=").count(), page.matches(" src=\"data:image/jpeg;base64,").count());
}

#[test]
fn the_answer_comes_first_then_the_timeline_then_the_frames() {
    let page = render(&example());
    check_order(
        &page,
        &[
            "<html lang=\"en\">",
            "<h1>",
            ">Synthetic</p>",
            "<strong>0.84</strong>",
            "mean over 300 frames",
            "0:00.0 to 0:12.0",
            ">Unsure</p>",
            "too small &amp; too blurred",
            "not calibrated",
            "id=\"timeline\"",
            "synthetic above 0.70",
            "authentic below 0.30",
            "<td>0:01.0</td><td>0:04.2</td>",
            "id=\"frames\"",
            "p = 0.88, at 0:00.7 (frame 17)",
            "src=\"data:image/jpeg;base64,/9g=\"",
            "src=\"data:image/jpeg;base64,/9j/\"",
            "id=\"measured\"",
            "1920 × 1080",
            "69 ms",
            "2.5 ms",
            "id=\"model\"",
            "1.8 %",
            "a &lt;kept-out&gt; tenth",
            "other &amp; sources",
            "0.988",
            &"ab".repeat(32),
            "asked auto, got cpu (cuda: &lt;no device&gt;)",
            "cyborg 9.9.9",
        ],
    );
    check_nesting(&page);
    check_closed(&page);
    let name = "script&gt; &amp; &quot;co&quot;\u{240a}\u{fffd}4pm.mp4";
    check_order(&page, &[&format!("<h1>{name}</h1>"), &format!("clips/&lt;script&gt;alert(1)&lt;/{name}</p>")]);
    assert_eq!(page, render(&example()), "the same data give the same page");
}

#[test]
fn who_was_away_has_a_gap_in_the_line() {
    let page = render(&example());
    let lines = |chart: &str| chart.matches("<polyline").count();
    let charts: Vec<_> = page.split("<svg class=\"chart").skip(1).map(|chart| chart.split("</svg>").next()).collect();
    assert_eq!(charts.len(), 2);
    assert_eq!(charts.into_iter().flatten().map(lines).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_run_that_was_cut_says_so_before_the_answer() {
    let mut data = example();
    data.ended = ReportEnd::Interrupted;
    check_order(&render(&data), &["The run was interrupted.", "covers 0:00.0 to 0:12.0", ">Synthetic</p>"]);
    data.ended = ReportEnd::Failed("disk <full>".into());
    check_order(&render(&data), &["The run failed: disk &lt;full&gt;.", ">Synthetic</p>"]);
    (data.people, data.span) = (Vec::new(), None);
    let page = render(&data);
    check_order(&page, &["Nothing was judged before.", "No face found", "id=\"measured\""]);
    check_nesting(&page);
}

/// The page of a run of the pipeline with scripted stages.
fn page_of_run(frames: u64) -> String {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("a.html");
    let mut source = CountingSource::new(frames, (64, 48));
    source.damaged = vec![3];
    let sink = ReportSink::create(&path, made_with()).expect("it can be made");
    assert!(fs::read_to_string(&path).expect("it is there from the start").contains("not finished"));
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(sink)];
    stages::run(&mut source, 10, &mut sinks);
    fs::read_to_string(&path).expect("it was written")
}

#[test]
fn a_run_fills_the_page() {
    let page = page_of_run(256);
    check_nesting(&page);
    check_closed(&page);
    check_order(&page, &["<h1>counting</h1>", "fused over", "in 229 frames"]);
    // The brightness of a frame is its number: the last frame of each second is its strongest,
    // and that of second 9 is too near to that of second 10.
    check_order(&page, &["(frame 254)", "(frame 223)", "(frame 198)"]);
    assert!(!page.contains("(frame 248)"));
    check_order(&page, &["could not be decoded</th><td class=\"figure\">1<"]);
    let pictures: Vec<_> = page.split("src=\"data:image/jpeg;base64,").skip(1).collect();
    assert_eq!(pictures.len(), 6, "a pair for each of three frames");
    assert!(pictures[0].starts_with("/9j/"), "a JPEG file");
    assert!(pictures[0].split('"').next() != pictures[1].split('"').next(), "the second one has the heat map");
}

#[test]
fn the_page_does_not_grow_with_the_clip() {
    // The mock's brightness falls once in 256 frames, which is a cut, and a new person: in both there are more than a page has.
    let (short, long) = (page_of_run(6000).len(), page_of_run(30_000).len());
    assert!(long < short + short / 2, "{short} bytes for 6000 frames, {long} for 30000");
}

/// Judges a clip with the program, and gives the report's path.
fn judge(folder: &Path, clip: &Path) -> PathBuf {
    let model = model::write(folder, "corner.onnx", &model::corner());
    let path = folder.join("report.html");
    let mut command = cyborg();
    command.arg("video").arg(clip).arg("--model").arg(model).arg("--report").arg(&path);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
    path
}

#[test]
fn a_real_browser_shows_it_in_peace() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join("a <b> & 'c'.mp4");
    make_clip(&clip, &format!("-i {} -frames:v 40 -c:v libx264 -preset ultrafast", face_clip().display()));
    let report = judge(folder.path(), &clip);
    let page = fs::read_to_string(&report).expect("it was written");
    check_nesting(&page);
    check_closed(&page);
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let Some(Output { status, stdout, stderr }) = browsers.into_iter().find_map(|name| browse(name, &report)) else {
        return not_run("a_real_browser_shows_it_in_peace", &format!("install one of {}", browsers.join(", ")));
    };
    let (dom, said) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{said}");
    check_order(&dom, &["a &lt;b&gt; &amp; 'c'.mp4</h1>", "class=\"verdict\">", "<polyline", "<img "]);
    let verdicts = ["Authentic", "Unsure", "Synthetic"];
    assert!(verdicts.iter().any(|verdict| dom.contains(&format!("<p class=\"verdict\">{verdict}</p>"))));
    assert!(!said.contains("CONSOLE"), "the browser complains: {said}");
}

/// What a browser makes of a page, if there is such a browser.
fn browse(browser: &str, page: &Path) -> Option<Output> {
    let profile = tempfile::tempdir().expect("a folder for the test");
    Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--timeout=30000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(page)
        .stdin(Stdio::null())
        .output()
        .ok()
}

#[test]
fn several_clips_want_a_folder() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("a.html");
    check_error(cyborg().args(["video", "a.mp4", "b.mp4", "--report"]).arg(&file), 2, "name a folder");
    // Two of one name are numbered, so what is wrong with these is that they aren't there.
    check_error(cyborg().args(["video", "a.mp4", "c/a.mkv", "--report"]).arg(folder.path()), 1, "can't open c/a.mkv");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let clip = folder.path().join("clip.mp4");
    make_clip(&clip, "-f lavfi -i color=gray:s=160x120:r=25:d=0.2 -c:v libx264 -preset ultrafast");
    let mut command = cyborg();
    command.arg("video").arg(&clip).arg("--model").arg(model).arg("--report").arg(folder.path());
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
    let page = fs::read_to_string(folder.path().join("clip.report.html")).expect("it was written");
    assert!(page.contains("No face found"));
}
