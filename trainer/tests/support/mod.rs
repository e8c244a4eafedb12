//! What the tests of the program share: running it, and photos to run it on.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cyborg_models::lock;
use cyborg_models::onnx::ModelProto;
use image::imageops::FilterType;
use prost::Message;

/// The program with some arguments.
pub(crate) fn cyborg_train(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyborg-train"));
    command.args(arguments);
    command
}

/// The runtime's program: the one that `CYBORG_PROGRAM` names, or one that is built next to the trainer's.
pub(crate) fn cyborg() -> PathBuf {
    if let Some(program) = std::env::var_os("CYBORG_PROGRAM") {
        return program.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--quiet", "--package", "cyborg-edge", "--bin", "cyborg"]).status();
    assert!(built.expect("cargo starts").success(), "the runtime can't be built");
    Path::new(env!("CARGO_BIN_EXE_cyborg-train")).with_file_name("cyborg")
}

/// Means over windows in a model file: EfficientNet-Lite0 has none of its own.
pub(crate) fn means(path: &Path) -> usize {
    let bytes = fs::read(path).expect("it is there");
    let graph = ModelProto::decode(bytes.as_slice()).expect("it is ONNX").graph.expect("it has one");
    graph.node.iter().filter(|node| node.op_type == "AveragePool").count()
}

/// Exit code, standard output and standard error of a command.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// Runs a command that must succeed; gives what it said.
pub(crate) fn done(arguments: &[&str]) -> (String, String) {
    let (code, stdout, stderr) = run(&mut cyborg_train(arguments));
    assert_eq!(code, 0, "{arguments:?}: {stderr}");
    (stdout, stderr)
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Photos of one face in the folders `camera` and `coarse`: as they are, and coarsened, which stand for synthetic ones.
pub(crate) fn photos(folder: &Path, count: u32) -> (PathBuf, PathBuf) {
    let path = lock::cached("astronaut").expect("it is locked");
    let photo = image::open(&path).expect("`cargo xtask setup --media` fetched it");
    let (real, synthetic) = (folder.join("camera"), folder.join("coarse"));
    for place in [&real, &synthetic] {
        fs::create_dir_all(place).expect("it can be made");
    }
    for number in 0..count {
        let face = photo.crop_imm(100 + number * 2, 5 + number, 250, 250).brighten(number as i32 - 12);
        let coarse = face.resize(60, 60, FilterType::Nearest).resize(250, 250, FilterType::Nearest);
        let name = format!("{number}.png");
        face.to_rgb8().save(real.join(&name)).expect("it can be written");
        coarse.to_rgb8().save(synthetic.join(&name)).expect("it can be written");
    }
    (real, synthetic)
}

/// Rows of a table with a header.
pub(crate) fn rows(path: &Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(path).expect("it was written").records().map(|row| row.expect("it is whole")).collect()
}
