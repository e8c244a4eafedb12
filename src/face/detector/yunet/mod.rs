//! YuNet: a small and quick detector, which is part of the program.
//!
//! Here is what the network says: at each of three levels, whose cells are 8, 16 and 32 pixels, a cell may say that a face is
//! near it. `mended` has its published file take pixels of any size, `fold` computes its weights.

mod fold;
mod mended;

use super::kind::{Kind, Origin, ReadFaces, View};
use super::overlap::Several;
use crate::face::Face;
use crate::frame::{PixelBox, PixelPoint};
use crate::inference::session::Outputs;

/// What it is called.
pub(super) const NAME: &str = "yunet";

/// The file that OpenCV's collection of models publishes; `LICENCE` beside it is its notice.
static BYTES: &[u8] = include_bytes!("face_detection_yunet_2023mar_int8bq.onnx");

/// The row of the registry.
pub(super) const KIND: Kind = Kind {
    name: NAME,
    origin: Origin::Embedded(BYTES),
    // Of faces that CenterFace finds in training photos it finds 99.7 % at 0.6, and a third of what else it finds are faces.
    confidence: 0.6,
    // Where it finds as many as CenterFace does from there on: 98 %, measured on small faces in docs/detectors.md.
    found_from: 20.0,
    several: Several::Mean,
    is_own: mended::is_own,
    mend: mended::mend,
};

/// A level of the network, and the names of its outputs.
struct Level {
    /// Pixels of a cell.
    cell: usize,
    class: &'static str,
    object: &'static str,
    bounds: &'static str,
    marks: &'static str,
}

const LEVELS: [Level; 3] = [
    Level { cell: 8, class: "cls_8", object: "obj_8", bounds: "bbox_8", marks: "kps_8" },
    Level { cell: 16, class: "cls_16", object: "obj_16", bounds: "bbox_16", marks: "kps_16" },
    Level { cell: 32, class: "cls_32", object: "obj_32", bounds: "bbox_32", marks: "kps_32" },
];

impl Level {
    /// Its outputs, and how many numbers each has a cell.
    fn outputs(&self) -> [(&'static str, usize); 4] {
        [(self.class, 1), (self.object, 1), (self.bounds, 4), (self.marks, 10)]
    }
}

/// From a box as this network draws it to one as CenterFace does, on whose boxes models are trained and crops are cut: shares
/// of the box that its centre is moved by, and what its sides are multiplied by.
#[derive(Debug)]
struct BoxMap {
    across: f32,
    down: f32,
    width: f32,
    height: f32,
}

/// The mean over 30 sources of each source's median, of 2,461 faces of training photos that both find: docs/detectors.md. The
/// median face is off by 1 to 2 % of its box before, and one face differs from the next by 2 % in place and 5 % in size.
const MAP: BoxMap = BoxMap { across: 0.012, down: 0.005, width: 1.025, height: 0.994 };

impl BoxMap {
    fn apply(&self, drawn: PixelBox) -> PixelBox {
        let (width, height) = (drawn.width * self.width, drawn.height * self.height);
        let x = drawn.left + drawn.width * (0.5 + self.across);
        let y = drawn.top + drawn.height * (0.5 + self.down);
        PixelBox { left: x - width / 2.0, top: y - height / 2.0, width, height }
    }
}

/// Knows what the outputs mean.
#[derive(Debug)]
struct Heads;

impl ReadFaces for Heads {
    fn read(&self, outputs: &Outputs<'_>, view: &View, faces: &mut Vec<Face>) -> anyhow::Result<()> {
        for level in &LEVELS {
            let columns = view.width / level.cell;
            let cells = columns * (view.height / level.cell);
            let [class, object, bounds, marks] =
                level.outputs().map(|(name, count)| outputs.floats(name, cells * count));
            let (class, object, bounds, marks) = (class?, object?, bounds?, marks?);
            Cells { cell: level.cell as f32, columns, class, object, bounds, marks }.read(view, faces);
        }
        Ok(())
    }
}

/// What a level says, row by row.
struct Cells<'a> {
    /// Pixels of a cell.
    cell: f32,
    columns: usize,
    class: &'a [f32],
    object: &'a [f32],
    bounds: &'a [f32],
    marks: &'a [f32],
}

impl Cells<'_> {
    /// Puts every cell above the confidence into `faces`, in pixels of the frame.
    fn read(&self, view: &View, faces: &mut Vec<Face>) {
        let (across, down) = view.scale;
        let answers = self.class.iter().zip(self.object).zip(self.bounds.as_chunks().0).zip(self.marks.as_chunks().0);
        for (at, (((class, object), &[x, y, width, height]), marks)) in answers.enumerate() {
            let confidence = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            // What is no number is no face.
            let is_face = confidence > view.confidence;
            if !is_face {
                continue;
            }
            let (column, row) = ((at % self.columns) as f32, (at / self.columns) as f32);
            let (width, height) = (width.exp() * self.cell, height.exp() * self.cell);
            let (left, top) = ((column + x) * self.cell - width / 2.0, (row + y) * self.cell - height / 2.0);
            let bounds = MAP.apply(PixelBox { left, top, width, height });
            let marks: &[f32; 10] = marks;
            let mark = |index: usize| PixelPoint {
                x: (column + marks[2 * index]) * self.cell * across,
                y: (row + marks[2 * index + 1]) * self.cell * down,
            };
            faces.push(Face {
                bounds: bounds.scaled(across, down),
                landmarks: [mark(0), mark(1), mark(2), mark(3), mark(4)],
                confidence,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use cyborg_models::onnx::ModelProto;
    use cyborg_models::{digest, lock};
    use prost::Message;

    use super::*;
    use crate::capture::stills;
    use crate::face::crop::Cropper;
    use crate::face::detector::DetectorFile;
    use crate::face::detector::file::DetectorName;
    use crate::frame::Frame;
    use crate::inference::provider::{Asked, Provider};
    use crate::inference::runtime::Runtime;
    use crate::inference::session::{Network, SessionSettings, Values};

    #[test]
    fn it_is_the_published_file() {
        assert_eq!(digest::of_bytes(BYTES), "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10");
    }

    #[test]
    fn a_file_of_floats_is_the_same_network() {
        let mended = |model: ModelProto| mended::mend(model).expect("it is whole").network.bytes().to_vec();
        let published = || ModelProto::decode(BYTES).expect("it is whole");
        let mut floats = published();
        fold::fold(floats.graph.as_mut().expect("it has one")).expect("it is whole");
        assert!(floats.encoded_len() > 200_000, "weights are floats now");
        assert!(mended::is_own(floats.graph.as_ref().expect("it has one")));
        assert_eq!(mended(floats), mended(published()));
    }

    #[test]
    fn what_only_looks_like_it_is_refused() {
        let refused = |change: &dyn Fn(&mut ModelProto)| {
            let mut model = ModelProto::decode(BYTES).expect("it is whole");
            change(&mut model);
            mended::mend(model).map(drop).expect_err("it is damaged")
        };
        assert!(refused(&|model| model.graph = None).contains("no graph"));
        let graph = |model: &mut ModelProto| model.graph.take().expect("it has one");
        let first_conv = |change: &dyn Fn(&mut cyborg_models::onnx::NodeProto)| {
            refused(&|model| {
                let mut graph = graph(model);
                change(graph.node.iter_mut().find(|node| node.input[0] == "input").expect("it has one"));
                model.graph = Some(graph);
            })
        };
        assert!(first_conv(&|node| node.op_type = "Relu".into()).contains("first layer"));
        assert!(first_conv(&|node| node.input.truncate(1)).contains("first layer"));
    }

    #[test]
    fn it_finds_what_opencv_finds() {
        let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
        let file = DetectorFile::read(&DetectorName::of(NAME.into())).expect("it is part of the program");
        let session = SessionSettings { provider: Asked::Named(Provider::Cpu), threads: NonZeroUsize::MIN };
        let mut network = Network::open_for(&runtime, &file.mended.network, session, 320).expect("it is a network");
        let (mut frame, mut pixels) = (Frame::empty(), vec![0; 320 * 320 * 3]);
        let photo = lock::cached("astronaut").expect("the lock file has it");
        stills::read(&photo, &mut frame).expect("set-up fetched it");
        let size = (frame.width, frame.height);
        Cropper::new().resize(&frame.pixels, size, &mut pixels, (320, 320)).expect("it has pixels");
        let outputs = network.run("pixels", [1, 320, 320, 3], Values::Bytes(&pixels)).expect("it runs");
        let view = View { width: 320, height: 320, scale: (1.6, 1.6), confidence: 0.2 };
        let mut faces = Vec::new();
        Heads.read(&outputs, &view, &mut faces).expect("it has all outputs");
        let surest = faces.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence)).expect("there is a face");
        // Of `FaceDetectorYN` of OpenCV 5.0 with the same weights, on this photo at 320 x 320 pixels, times 1.6.
        let drawn = PixelBox { left: 179.16, top: 62.50, width: 90.00, height: 112.22 };
        let marks = [(203.44, 101.10), (245.29, 101.62), (222.91, 124.70), (203.30, 144.16), (240.03, 142.30)];
        let expected = MAP.apply(drawn);
        let near = |got: f32, expected: f32| (got - expected).abs() < 0.5;
        let bounds = surest.bounds;
        assert!(near(bounds.left, expected.left) && near(bounds.top, expected.top), "{bounds:?}, not {expected:?}");
        assert!(near(bounds.width, expected.width) && near(bounds.height, expected.height), "{bounds:?}");
        let found = surest.landmarks.iter().zip(marks);
        assert!(found.clone().all(|(got, mark)| near(got.x, mark.0) && near(got.y, mark.1)), "{:?}", surest.landmarks);
        assert!((surest.confidence - 0.938).abs() < 5e-3, "{}", surest.confidence);
    }

    #[test]
    fn a_cell_becomes_a_face_in_the_frame() {
        let (mut bounds, mut marks) = ([0.0; 8], [0.0; 20]);
        // The second of two cells: half a cell further, twice as wide and four times as high as a cell.
        bounds[4..].copy_from_slice(&[0.5, 0.25, 2.0_f32.ln(), 4.0_f32.ln()]);
        marks[10..12].copy_from_slice(&[0.25, -0.5]);
        let (class, object) = ([f32::NAN, 0.81], [1.0, 1.0]);
        let cells = Cells { cell: 8.0, columns: 2, class: &class, object: &object, bounds: &bounds, marks: &marks };
        let mut faces = Vec::new();
        cells.read(&View { width: 16, height: 8, scale: (2.0, 3.0), confidence: 0.8 }, &mut faces);
        assert_eq!(faces.len(), 1);
        let Face { bounds, landmarks, confidence } = faces[0];
        let expected = MAP.apply(PixelBox { left: 4.0, top: -14.0, width: 16.0, height: 32.0 }).scaled(2.0, 3.0);
        let pairs = [
            (bounds.left, expected.left),
            (bounds.top, expected.top),
            (bounds.width, expected.width),
            (bounds.height, expected.height),
            (landmarks[0].x, 20.0),
            (landmarks[0].y, -12.0),
            (confidence, 0.9),
        ];
        assert!(pairs.iter().all(|(got, expected)| (got - expected).abs() < 1e-4), "{pairs:?}");
        // As sure as that and no surer is not enough.
        faces.clear();
        cells.read(&View { width: 16, height: 8, scale: (1.0, 1.0), confidence: 0.95 }, &mut faces);
        assert!(faces.is_empty());
    }
}
