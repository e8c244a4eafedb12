//! A set of experts gives one verdict: the numbers are those of the rule, and what can't be a set is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyborg_edge::classify::shipped;
use cyborg_edge::inference::processor::adds_products_of_bytes;
use cyborg_models::contract::{Calibration, Contract, Expertise, Kind, Unfamiliar};
use cyborg_models::digest;
use cyborg_models::model_file::set_contract_of_expert;
use cyborg_models::onnx::ModelProto;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{check_error, cyborg, fetched, foreign, make_clip, model, run};

/// Two experts with crops, sizes, maps and calibrations of their own, in a folder.
struct Bench {
    folder: TempDir,
}

/// How the set of [`Bench`] adds up: weight and bias of the one on generated faces, then of the one on swapped faces.
const GENERATED: (f64, f64) = (0.5, -1.0);
const SWAPPED: (f64, f64) = (1.5, -0.5);

fn contract(margin: f32, calibration: Calibration) -> Contract {
    let mut contract = model::contract();
    contract.crop.margin = margin;
    contract.calibration = calibration;
    contract
}

fn looks_for(kind: Kind) -> Expertise {
    Expertise { looks_for: Some(kind), ..Expertise::default() }
}

impl Bench {
    fn new() -> Self {
        Self::with(None)
    }

    /// With a distance beyond which the second expert knows no face.
    fn with(distance_above: Option<f32>) -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a folder for the test") };
        let first = contract(1.0, Calibration { temperature: 2.0, bias: 0.25 });
        bench.write("made.onnx", &model::expert(model::corner(), &first, &looks_for(Kind::Generated)));
        let second = contract(1.3, Calibration { temperature: 1.0, bias: -1.0 });
        let unfamiliar = distance_above.map(|distance_above| Unfamiliar { distance_above, rate: None });
        let expertise = Expertise { unfamiliar, ..looks_for(Kind::Swapped) };
        bench.write("swap.onnx", &model::expert(model::corner_sized(48, 2), &second, &expertise));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, model: &ModelProto) -> PathBuf {
        model::write(self.folder.path(), name, model)
    }

    fn expert(&self, file: &str, further: &str) -> String {
        let digest = digest::of_file(&self.path(file)).expect("it was written");
        format!("[[expert]]\nfile = \"{file}\"\nsha256 = \"{digest}\"\n{further}\n")
    }

    /// Writes a set of these experts, with further keys, and gives its path.
    fn set(&self, name: &str, experts: &[String], fusion: &str) -> PathBuf {
        let path = self.path(name);
        let thresholds = "[thresholds]\nauthentic_below = 0.3\nsynthetic_above = 0.7\n";
        let text = format!("version = 1\nname = \"test\"\n{}{fusion}\n{thresholds}", experts.concat());
        fs::write(&path, text).expect("it can be written");
        path
    }

    /// The set of both.
    fn both(&self) -> PathBuf {
        let experts = [
            self.expert("made.onnx", &format!("looks_for = \"generated\"\nweight = {}", GENERATED.0)),
            self.expert("swap.onnx", &format!("looks_for = \"swapped\"\nweight = {}", SWAPPED.0)),
        ];
        let fusion = format!("[fusion]\ngenerated = {}\nswapped = {}", GENERATED.1, SWAPPED.1);
        self.set("set.toml", &experts, &fusion)
    }

    /// A face that comes out of the dark, for two seconds.
    fn clip(&self) -> PathBuf {
        let path = self.path("clip.mp4");
        let photo = self.path("bright.png");
        let face = image::open(fetched("astronaut")).expect("set-up fetched it");
        face.brighten(90).to_rgb8().save(&photo).expect("it can be written");
        let drawn = "-vf fade=in:0:10 -frames:v 50 -pix_fmt yuv420p -c:v libx264 -preset ultrafast";
        make_clip(&path, &format!("-loop 1 -i {} {drawn}", photo.display()));
        path
    }

    /// Lines of a JSONL table of `command` on `input`, by this model.
    fn lines(&self, command: &str, input: &Path, model: &Path) -> Vec<Value> {
        let table = self.path("table.jsonl");
        let (code, _, stderr) =
            run(cyborg().arg(command).arg(input).arg("--jsonl").arg(&table).arg("--model").arg(model));
        assert_eq!(code, 0, "{stderr}");
        let text = fs::read_to_string(&table).expect("the table was written");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

fn p(line: &Value) -> f64 {
    line["p_synthetic"].as_f64().expect("a number")
}

/// What the rule makes of what the two experts say alone: p, and the word on it where it is synthetic.
fn by_hand(generated: f64, swapped: f64) -> (f64, &'static str) {
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let sums = [GENERATED.0 * logit(generated) + GENERATED.1, SWAPPED.0 * logit(swapped) + SWAPPED.1];
    let evidence = sums[0].max(sums[1]);
    let word = if sums[0] >= sums[1] { "looks_generated" } else { "looks_swapped" };
    (1.0 / (1.0 + (-evidence).exp()), word)
}

/// Holds a line of the set against those of its experts.
fn check_line(set: &Value, generated: &Value, swapped: &Value) {
    let (expected, word) = by_hand(p(generated), p(swapped));
    assert!((p(set) - expected).abs() < 1e-4, "{set}: expected {expected} of {} and {}", p(generated), p(swapped));
    let verdict = match expected {
        p if p < 0.3 => "authentic",
        p if p > 0.7 => "synthetic",
        _ => "unsure",
    };
    assert_eq!(set["verdict"], verdict, "{set}");
    if set["type"] == "photo" {
        let expected = match verdict {
            "synthetic" => Value::from(word),
            "unsure" => Value::from("between_thresholds"),
            _ => Value::Null,
        };
        assert_eq!(set["reason"], expected, "{set}");
    }
}

#[test]
fn photos_are_judged_by_the_rule() {
    let bench = Bench::new();
    let photos = bench.path("photos");
    fs::create_dir(&photos).expect("it can be made");
    // The face in several lights: the experts look at corners of their own crops.
    let face = image::open(fetched("astronaut")).expect("set-up fetched it");
    for light in [-90, -40, 0, 40, 80] {
        face.brighten(light).to_rgb8().save(photos.join(format!("{}.png", light + 100))).expect("it can be written");
    }
    let both = bench.both();
    let said = [both.clone(), bench.path("made.onnx"), bench.path("swap.onnx")]
        .map(|model| bench.lines("image", &photos, &model));
    let [set, generated, swapped] = &said;
    assert_eq!(of_kind(set, "photo").len(), 5);
    for ((set, generated), swapped) in
        of_kind(set, "photo").into_iter().zip(of_kind(generated, "photo")).zip(of_kind(swapped, "photo"))
    {
        check_line(set, generated, swapped);
    }
    let verdicts: Vec<_> = of_kind(set, "photo").iter().map(|line| line["verdict"].as_str().expect("one")).collect();
    assert!(
        verdicts.contains(&"synthetic") && verdicts.contains(&"authentic"),
        "all sides are to be seen: {verdicts:?}"
    );
    // The first line pins the set and all its experts.
    assert_eq!(set[0]["model"], both.display().to_string());
    assert_eq!(set[0]["model_sha256"], digest::of_file(&both).expect("it is there"));
    assert_eq!(set[0]["experts"][1]["sha256"], swapped[0]["model_sha256"]);
    assert_eq!((&set[0]["experts"][1]["looks_for"], &set[0]["experts"][1]["weight"]), (&"swapped".into(), &1.5.into()));
    assert_eq!(generated[0]["experts"], Value::Array(Vec::new()));
}

#[test]
fn each_frame_of_a_video_is_judged_by_the_rule() {
    let bench = Bench::new();
    let clip = bench.clip();
    let said = [bench.both(), bench.path("made.onnx"), bench.path("swap.onnx")]
        .map(|model| bench.lines("video", &clip, &model));
    let faces = said.each_ref().map(|lines| of_kind(lines, "face"));
    assert!(faces[0].len() > 12, "{}", faces[0].len());
    for ((set, generated), swapped) in faces[0].iter().zip(&faces[1]).zip(&faces[2]) {
        check_line(set, generated, swapped);
    }
    let verdicts = |verdict: &str| faces[0].iter().filter(|face| face["verdict"] == verdict).count();
    assert!(verdicts("authentic") > 0 && verdicts("synthetic") > 0, "all sides are to be seen");
    // In the light it is the swap expert who speaks: a synthetic person looks swapped.
    let synthetic = faces[0].iter().filter(|face| face["track_verdict"] == "synthetic");
    assert!(synthetic.clone().count() > 0 && synthetic.clone().all(|face| face["reason"] == "looks_swapped"));
}

#[test]
fn a_set_of_one_says_what_its_file_says() {
    let bench = Bench::new();
    let alone = bench.set("one.toml", &[bench.expert("made.onnx", "looks_for = \"generated\"\nweight = 1")], "");
    let csv = bench.path("table.csv");
    let drawn = bench.path("drawn");
    let judge = |model: &Path| {
        let mut command = cyborg();
        command.arg("image").arg(fetched("astronaut")).arg("--csv").arg(&csv).arg("--annotate").arg(&drawn);
        let (code, stdout, stderr) = run(command.arg("--model").arg(model));
        assert_eq!(code, 0, "{stderr}");
        let picture = fs::read(drawn.join("astronaut.annotated.png")).expect("it was written");
        let table = fs::read_to_string(&csv).expect("it was written");
        (table.replace(&model.display().to_string(), "MODEL"), stdout, picture)
    };
    assert!(judge(&alone) == judge(&bench.path("made.onnx")), "byte for byte but names");
}

#[test]
fn maps_of_two_sizes_are_drawn() {
    let bench = Bench::new();
    let (code, _, stderr) = run(cyborg()
        .arg("image")
        .arg(fetched("astronaut"))
        .arg("--annotate")
        .arg(bench.path("drawn"))
        .arg("--model")
        .arg(bench.both()));
    assert_eq!(code, 0, "{stderr}");
    let drawn = image::open(bench.path("drawn/astronaut.annotated.png")).expect("it was written").into_rgb8();
    let plain = image::open(fetched("astronaut")).expect("set-up fetched it").into_rgb8();
    let inside = |picture: &image::RgbImage| image::imageops::crop_imm(picture, 185, 80, 40, 50).to_image();
    assert!(inside(&drawn) != inside(&plain), "the corner that decided is hot");
}

#[test]
fn a_face_beyond_the_distance_is_unfamiliar() {
    // The corner's brightness is in 0 to 1: nothing is beyond 2, everything beyond -1.
    for (limit, unfamiliar) in [(2.0, false), (-1.0, true)] {
        let bench = Bench::with(Some(limit));
        for model in [bench.both(), bench.path("swap.onnx")] {
            let photo = bench.lines("image", &fetched("astronaut"), &model);
            let line = of_kind(&photo, "photo")[0];
            assert_eq!(line["reason"] == "unfamiliar", unfamiliar, "{line}");
            assert!(!unfamiliar || line["verdict"] == "unsure", "{line}");
        }
    }
    let bench = Bench::with(Some(-1.0));
    let clip = bench.clip();
    let lines = bench.lines("video", &clip, &bench.both());
    let track = of_kind(&lines, "track")[0];
    assert_eq!((&track["track_verdict"], &track["reason"]), (&"unsure".into(), &"unfamiliar".into()), "{track}");
    assert_eq!(track["intervals"], Value::Array(Vec::new()));
    assert!(of_kind(&lines, "face").iter().all(|face| face["verdict"] == "unsure"), "{lines:?}");
    let (_, stdout, _) = run(cyborg().arg("video").arg(&clip).arg("--model").arg(bench.both()));
    assert!(stdout.contains("unsure (unlike anything it knows)"), "{stdout}");
}

/// A command that finds the sets in a folder.
fn with_models(folder: &Path) -> Command {
    let mut command = cyborg();
    command.env("CYBORG_MODELS", folder);
    command
}

#[test]
fn the_accurate_set_is_taken_where_it_is_installed() {
    let bench = Bench::new();
    bench.both();
    let (installed, table) = (bench.path("models"), bench.path("table.jsonl"));
    let first_line = |arguments: &[&str]| -> Value {
        let mut command = with_models(&installed);
        let (code, _, stderr) =
            run(command.arg("image").arg(fetched("astronaut")).arg("--jsonl").arg(&table).args(arguments));
        assert_eq!(code, 0, "{stderr}");
        let text = fs::read_to_string(&table).expect("it was written");
        serde_json::from_str(text.lines().next().expect("it has a first line")).expect("it is JSON")
    };
    // The form that this processor is faster with; set-up's ONNX Runtime has no accelerator.
    let small = if adds_products_of_bytes() { shipped::INT8_NAME } else { shipped::NAME };
    for arguments in [&[][..], &["--model", "auto"], &["--model", "small"]] {
        assert_eq!(first_line(arguments)["model"], small);
    }
    for (name, form) in [("small-float32", shipped::Form::Float32), ("small-int8", shipped::Form::Int8)] {
        let line = first_line(&["--model", name]);
        assert_eq!(
            (&line["model"], &line["model_sha256"]),
            (&form.title().into(), &digest::of_bytes(form.bytes()).into())
        );
    }
    let mut twice = with_models(&installed);
    twice.arg("image").arg(fetched("astronaut")).args(["--model", "small", "--model"]);
    twice.arg(if adds_products_of_bytes() { "small-int8" } else { "small-float32" });
    check_error(&mut twice, 2, &format!("are {small} here"));
    let accurate = |command: &str| {
        let mut program = with_models(&installed);
        program.args([command, "x.png", "--model", "accurate"]);
        program
    };
    check_error(&mut accurate("image"), 1, "is not installed (looked for ");
    check_error(&mut accurate("image"), 1, "cargo xtask setup");
    let (_, stdout, _) = run(with_models(&installed).arg("doctor"));
    assert!(stdout.contains("accurate: not installed") && stdout.contains("nothing is missing"), "{stdout}");

    fs::create_dir_all(installed.join("accurate")).expect("it can be made");
    for file in ["set.toml", "made.onnx", "swap.onnx"] {
        fs::copy(bench.path(file), installed.join("accurate").join(file)).expect("it can be copied");
    }
    for arguments in [&[][..], &["--model", "auto"], &["--model", "accurate"]] {
        let line = first_line(arguments);
        assert_eq!((&line["model"], line["experts"].as_array().map(Vec::len)), (&"accurate".into(), Some(2)));
    }
    assert_eq!(first_line(&["--model", "small"])["experts"], Value::Array(Vec::new()));
    let beside = first_line(&["--model", "small", "--model", "accurate"]);
    assert_eq!(
        (&beside["others"][0]["model"], &beside["others"][0]["experts"][0]["file"]),
        (&"accurate".into(), &"made.onnx".into())
    );
    check_error(
        with_models(&installed).args(["image", "x.png", "--model", "auto", "--model", "accurate"]),
        2,
        "--model accurate is named twice",
    );
    let (_, stdout, _) = run(with_models(&installed).arg("doctor"));
    assert!(stdout.contains("accurate (") && stdout.contains("expert swap.onnx, looks for swapped"), "{stdout}");
    // One that is broken is told: a weaker verdict in its place would go unseen.
    fs::write(installed.join("accurate/swap.onnx"), "half").expect("it can be written");
    check_error(with_models(&installed).args(["image", "x.png"]), 1, "is not the file that the set was made with");
}

#[test]
fn sets_are_listed_inspected_and_verified() {
    let bench = Bench::with(Some(0.5));
    let set = bench.both();
    fs::write(bench.path("other.toml"), "key = 1").expect("it can be written");
    let models = |arguments: &[&str], file: &Path| run(cyborg().arg("models").args(arguments).arg(file));
    let (code, stdout, _) = models(&["list", "--folder"], bench.folder.path());
    assert_eq!(code, 0, "{stdout}");
    assert!(
        stdout.contains("set.toml: set `test` of 2 experts, sha256 ") && !stdout.contains("other.toml"),
        "{stdout}"
    );
    let (_, stdout, _) = models(&["inspect"], &set);
    for part in ["looks for swapped, weight 1.5", "unfamiliar beyond 0.5", "bias         -1 on evidence for generated"]
    {
        assert!(stdout.contains(part), "`{part}` is not in {stdout}");
    }
    let (_, stdout, _) = models(&["inspect", "--json"], &set);
    let told: Value = serde_json::from_str(&stdout).expect("it is JSON");
    assert_eq!((&told["kind"], &told["experts"][0]["network"]), (&"set".into(), &"corner".into()));
    let (_, stdout, _) = models(&["inspect"], &bench.path("swap.onnx"));
    assert!(stdout.contains("looks for    swapped faces") && stdout.contains("distance above 0.5"), "{stdout}");
    let (code, stdout, stderr) = models(&["verify"], &set);
    assert!(code == 0 && stdout.contains("set.toml: valid, its experts as it says"), "{stdout}{stderr}");
    fs::write(bench.path("made.onnx"), "half").expect("it can be written");
    check_error(cyborg().args(["models", "verify"]).arg(&set), 1, "is not the file that the set was made with");
}

#[test]
fn a_distance_and_its_limit_belong_together() {
    let bench = Bench::new();
    let check = |expertise: &Expertise, with_output: bool, message: &str| {
        let unfamiliar = Some(Unfamiliar { distance_above: 1.0, rate: None });
        let with = Expertise { unfamiliar: if with_output { unfamiliar } else { None }, ..expertise.clone() };
        let mut model = model::expert(model::corner(), &model::contract(), &with);
        set_contract_of_expert(&mut model, &model::contract(), expertise);
        let path = bench.write("odd.onnx", &model);
        let (code, stdout, stderr) = run(cyborg().args(["models", "verify"]).arg(path));
        assert!(format!("{stdout}{stderr}").contains(message), "{expertise:?}: {stdout}{stderr}");
        assert_eq!(code == 0, message == "valid");
    };
    let limit = Expertise { unfamiliar: Some(Unfamiliar { distance_above: 1.0, rate: None }), ..Expertise::default() };
    check(&limit, true, "valid");
    check(&limit, false, "its output `distance` is missing, expected float32 [N]");
    let looks = looks_for(Kind::Swapped);
    check(&looks, true, "its output `distance` means nothing without");
    check(&looks, false, "valid");
    // To version 1 it is an output like any other.
    check(&Expertise::default(), true, "valid");
}

#[test]
fn a_table_is_not_continued_by_another_set() {
    let bench = Bench::new();
    let (clip, table) = (bench.clip(), bench.path("table.jsonl"));
    let video = |further: &[&str]| {
        let mut command = cyborg();
        command
            .arg("video")
            .arg(&clip)
            .arg("--jsonl")
            .arg(&table)
            .arg("--model")
            .arg(bench.path("set.toml"))
            .args(further);
        command
    };
    bench.both();
    assert_eq!(run(&mut video(&[])).0, 0);
    let (code, _, stderr) = run(&mut video(&["--resume"]));
    assert!(code == 0 && stderr.contains("1 of 1 clips are finished"), "{stderr}");
    let text = fs::read_to_string(bench.path("set.toml")).expect("it is there");
    fs::write(bench.path("set.toml"), text.replace("weight = 1.5", "weight = 1.25")).expect("it can be written");
    check_error(&mut video(&["--resume"]), 1, "model_sha256 was ");
}

#[test]
fn what_cannot_be_a_set_is_refused() {
    let bench = Bench::new();
    let check = |set: &Path, message: &str| {
        check_error(cyborg().args(["image", "x.png", "--model"]).arg(set), 1, message);
    };
    let made = bench.expert("made.onnx", "looks_for = \"generated\"\nweight = 1");
    let missing = made.replace("made.onnx", "gone.onnx");
    check(&bench.set("a.toml", &[missing], ""), "expert `gone.onnx` can't be read");
    let other = made.replace("made.onnx", "swap.onnx");
    check(&bench.set("b.toml", &[other], ""), "is not the file that the set was made with");
    let disagrees = made.replace("\"generated\"", "\"swapped\"");
    check(
        &bench.set("c.toml", &[disagrees], ""),
        "looks for `generated` according to the file, but for `swapped` according to the set",
    );
    let silent = made.replace("looks_for = \"generated\"\n", "");
    check(&bench.set("d.toml", &[silent], ""), "for nothing in particular according to the set");
    check(&bench.set("e.toml", &[], ""), "it has no [[expert]]");
    let odd = made.replace("weight", "wieght");
    check(&bench.set("f.toml", &[odd], ""), "unknown key `wieght` in an [[expert]]; did you mean `weight`?");
    check(&bench.path("none.toml"), "can't read the set of experts");
    bench.write("theirs.onnx", &foreign::network(2, None));
    fs::write(bench.path("theirs.toml"), foreign::TOML).expect("it can be written");
    let theirs = bench.expert("theirs.onnx", "weight = 1");
    check(&bench.set("g.toml", &[theirs], ""), "is a foreign classifier");
    let toml = bench.path("theirs.toml");
    check_error(
        cyborg().args(["image", "x.png", "--model"]).arg(bench.both()).arg("--model-toml").arg(&toml),
        2,
        "--model-toml describes a foreign model",
    );
    // The files of a set are inputs: nothing is written over them.
    check_error(
        cyborg()
            .arg("image")
            .arg(fetched("astronaut"))
            .arg("--model")
            .arg(bench.both())
            .arg("--csv")
            .arg(bench.path("swap.onnx")),
        2,
        "is both an input and an output",
    );
}
