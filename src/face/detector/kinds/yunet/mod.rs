//! YuNet: a small and quick detector, which is part of the program.
//!
//! `mended` has its published file take pixels of any size, `fold` computes its weights, and `heads` reads what it says.

mod fold;
mod heads;
mod mended;

use crate::face::detector::kind::{Kind, Origin};
use crate::face::detector::overlap::Several;

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

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use cyborg_models::onnx::ModelProto;
    use cyborg_models::{digest, lock};
    use prost::Message;

    use super::heads::{Heads, MAP};
    use super::*;
    use crate::capture::stills;
    use crate::face::crop::Cropper;
    use crate::face::detector::DetectorFile;
    use crate::face::detector::file::DetectorName;
    use crate::face::detector::kind::{ReadFaces, View};
    use crate::frame::{Frame, PixelBox};
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
        let session = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
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
}
