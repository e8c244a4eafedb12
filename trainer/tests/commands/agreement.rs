//! From journals to a report: three made-up people, one who is good, one who guesses and one who reads nothing.

use std::fs;
use std::path::Path;

use cyborg_edge::frame::{PixelBox, PixelPoint};
use cyborg_trainer::data::list::{self, Label, ListedFace, Place, Row, Split};
use cyborg_trainer::study::answer::{Answer, Kind, VERSION};
use cyborg_trainer::study::faces;
use cyborg_trainer::study::journal::Journal;
use cyborg_trainer::study::painted::Painted;
use cyborg_trainer::study::regions::LANDMARKS;
use serde_json::Value;

use crate::made_up::noise;
use crate::support::{cyborg_train, done, rows, run, text};

const FACES: usize = 40;
const SIDE: u32 = 60;
/// Pixels between the eyes; the middle of them is at (30, 27).
const UNIT: f32 = 12.0;

fn label(face: usize) -> Label {
    if face.is_multiple_of(2) { Label::Authentic } else { Label::Synthetic }
}

fn source(face: usize) -> &'static str {
    match face % 4 {
        1 => "gan",
        3 => "diffusion",
        _ => "camera",
    }
}

fn photo(face: usize) -> String {
    format!("{}/{face}.jpg", source(face))
}

fn row(face: usize, root: &Path) -> Row {
    let landmarks = LANDMARKS.map(|[x, y]| PixelPoint { x: 30.0 + UNIT * x as f32, y: 27.0 + UNIT * y as f32 });
    let bounds = PixelBox { left: 15.0, top: 12.0, width: 30.0, height: 36.0 };
    Row {
        line: face as u64 + 2,
        path: root.join(photo(face)),
        label: label(face),
        split: Split::Train,
        source: source(face).to_owned(),
        video: None,
        group: None,
        pair: None,
        map: None,
        face: Some(ListedFace { bounds, landmarks: Some(landmarks) }),
    }
}

/// Somebody who answers and paints by their own rules.
struct Person {
    name: &'static str,
    /// The answer to a face; the second number counts how often they saw it.
    answer: fn(usize, usize) -> Label,
    /// Left edge of the 10 x 6 pixels that they paint at the height of the mouth.
    left: fn(usize) -> u32,
    seconds: f64,
    confidence: f64,
    passes_checks: bool,
}

fn guess(face: usize, time: usize) -> Label {
    if noise("guesser")(face * 2 + time) < 0.5 { Label::Authentic } else { Label::Synthetic }
}

const PEOPLE: [Person; 3] = [
    Person {
        name: "good",
        // Wrong about one in ten.
        answer: |face, _| if face % 10 == 7 { label(face + 1) } else { label(face) },
        left: |_| 25,
        seconds: 6.0,
        confidence: 0.9,
        passes_checks: true,
    },
    Person {
        name: "guesser",
        answer: guess,
        left: |face| (face % 5) as u32 * 10,
        seconds: 4.0,
        confidence: 0.6,
        passes_checks: true,
    },
    Person {
        name: "hasty",
        answer: |_, _| Label::Synthetic,
        left: |_| 26,
        seconds: 0.7,
        confidence: 1.0,
        passes_checks: false,
    },
];

fn answers(person: &Person) -> Vec<Answer> {
    let shown = (0..FACES).map(|face| (face, Kind::Face)).chain((0..10).map(|face| (face * 3, Kind::Repeat)));
    let shown = shown.chain((0..5).map(|face| (face * 2, Kind::Check)));
    let answer = |(item, (face, kind)): (usize, (usize, Kind))| {
        let asked = (kind == Kind::Check).then_some(Label::Authentic);
        let said = match asked {
            Some(asked) if person.passes_checks => asked,
            Some(_) => Label::Synthetic,
            None => (person.answer)(face, usize::from(kind == Kind::Repeat)),
        };
        let left = (person.left)(face);
        let mask: Vec<bool> = (0..SIDE * SIDE)
            .map(|pixel| (left..left + 10).contains(&(pixel % SIDE)) && (36..42).contains(&(pixel / SIDE)))
            .collect();
        let is_painted = kind != Kind::Check && said == Label::Synthetic;
        let painted = if is_painted { Painted::of_mask(SIDE, SIDE, &mask).runs().to_vec() } else { vec![SIDE * SIDE] };
        Answer {
            version: VERSION,
            annotator: person.name.to_owned(),
            item: item as u32,
            kind,
            photo: photo(face),
            other: None,
            answer: said,
            confidence: person.confidence,
            asked,
            seconds: person.seconds,
            width: SIDE,
            height: SIDE,
            painted,
            words: Vec::new(),
            text: String::new(),
            at: "2026-11-30T01:02:03Z".to_owned(),
        }
    };
    shown.enumerate().map(answer).collect()
}

fn study() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let root = folder.path().join("photos");
    let rows: Vec<Row> = (0..FACES).map(|face| row(face, &root)).collect();
    faces::write(folder.path(), &rows, &root).expect("it can be written");
    for person in &PEOPLE {
        let (mut journal, _) = Journal::open(folder.path(), person.name).expect("it is new");
        answers(person).into_iter().for_each(|answer| journal.add(&answer).expect("it can be written"));
    }
    folder
}

fn numbers(study: &Path) -> Value {
    let text = fs::read_to_string(study.join("agreement/agreement.json")).expect("it was written");
    serde_json::from_str::<Value>(&text).expect("it is JSON")["figures"].take()
}

/// The rules that speak against somebody.
fn reasons(figures: &Value, person: usize) -> Vec<&str> {
    let reasons = figures["annotators"][person]["reasons"].as_array().expect("a list");
    reasons.iter().filter_map(|reason| reason["rule"].as_str()).collect()
}

#[test]
fn journals_become_maps_tables_and_a_report() {
    let folder = study();
    let study = folder.path();
    let (said, _) = done(&["agreement", text(study), "--draws", "300"]);
    let figures = numbers(study);
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let person = |index: usize| &figures["annotators"][index]["performance"];

    let [good, guesser] = [0, 1].map(|index| &person(index)["d_prime"]);
    assert!(number(&good["value"]) > 2.0 && number(&good["low"]) > 1.5, "{good}");
    assert!(number(&guesser["low"]) < 0.0 && number(&guesser["high"]) > 0.0, "{guesser}");
    assert_eq!(number(&person(0)["accuracy"]["value"]), 0.9);
    assert!((number(&person(0)["confidence"]["brier"]) - (0.9 * 0.01 + 0.1 * 0.81)).abs() < 1e-12);
    assert!(number(&person(2)["confidence"]["over"]) > 0.45, "the hasty one is sure and right half of the time");
    assert_eq!(person(0)["seconds"][1], 6.0);
    assert_eq!(person(0)["with_self"]["kappa"]["value"], 1.0);

    assert!(reasons(&figures, 0).is_empty(), "{figures}");
    assert_eq!(reasons(&figures, 2), ["checks", "quick", "same_answer"]);
    for what in ["failed 5 of 5 checks", "half of the answers took less than 0.70 s", "called 40 of 40 faces synthetic"]
    {
        assert!(said.contains(what), "{said}");
    }
    // Nobody is left out unasked.
    assert_eq!(figures["overall"]["answers"]["real"], 3 * 20);
    let alpha = number(&figures["alpha"]["value"]);

    let table = rows(&study.join("answers.csv"));
    assert_eq!(table.len(), 3 * (FACES + 10 + 5));
    let place = Place { list: study.to_owned(), root: None, maps: None };
    let (list, problems) = list::read(&place).expect("the folder is a list");
    assert!(problems.is_empty(), "{problems:?}");
    let mapped = |rows: &[Row]| rows.iter().filter(|row| row.map.as_ref().is_some_and(|map| map.is_file())).count();
    assert_eq!(mapped(&list.rows), 20, "the synthetic ones, which somebody called so");

    let page = fs::read_to_string(study.join("agreement/report.html")).expect("it was written");
    // Two classes, two answers less the one nobody painted, three sources.
    assert_eq!(page.matches("data:image/png;base64,").count(), 2 + 1 + 3);
    assert!(!page.contains("<script") && page.contains("failed 5 of 5 checks"), "{page}");
    assert!(study.join("agreement/source-gan.png").is_file() && said.contains("Krippendorff's alpha"));

    let (again, _) = done(&["agreement", text(study), "--draws", "300"]);
    assert_eq!(again, said, "the seed decides");
    done(&["agreement", text(study), "--draws", "300", "--leave-out", "hasty", "--leave-out", "guesser"]);
    let figures = numbers(study);
    assert_eq!(figures["overall"]["answers"]["real"], 20);
    assert_eq!(figures["annotators"][2]["is_left_out"], true);
    assert!(figures["alpha"].is_null() && alpha.is_finite(), "nobody is left to agree with");
    let (list, _) = list::read(&place).expect("the folder is a list");
    assert_eq!(mapped(&list.rows), 16, "the good one was wrong about four of them");
    done(&["agreement", text(study), "--draws", "10", "--all-answers"]);
    let (list, _) = list::read(&place).expect("the folder is a list");
    assert_eq!(mapped(&list.rows), FACES, "the hasty one painted them all");
}

#[test]
fn what_is_no_study_is_told() {
    let folder = study();
    let check = |arguments: &[&str], part: &str| {
        let (code, _, said) = run(&mut cyborg_train(&[&["agreement", text(folder.path())], arguments].concat()));
        assert!(code == 1 && said.contains(part), "{code}: {said}");
    };
    check(&["--leave-out", "nobody"], "no annotator is called nobody; there are: good, guesser, hasty");
    fs::write(folder.path().join("answers/odd.jsonl"), "{}\n").expect("it can be written");
    check(&[], "odd.jsonl, line 1: ");
    fs::remove_dir_all(folder.path().join("answers")).expect("it is there");
    check(&[], "holds no answers of annotators");
    fs::remove_file(folder.path().join("faces.csv")).expect("it is there");
    check(&[], "can't read the list ");
}
