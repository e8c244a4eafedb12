//! The mesh as a picture, for the documentation.

use std::fmt::{Error, Write};

use super::mesh::{LANDMARKS, Region};

/// Pixels of the frame's unit.
const UNIT: f64 = 110.0;
/// Half of the picture's side.
const HALF: f64 = 220.0;

/// The outlines of the regions as SVG, the first in their order on top.
#[must_use]
pub fn svg() -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write_svg(&mut text);
    text
}

fn write_svg(text: &mut String) -> Result<(), Error> {
    // Those of Okabe and Ito, which stay apart for colour-blind eyes.
    let colour = |region: Region| match region {
        Region::Eyes => "#0072b2",
        Region::Brows => "#56b4e9",
        Region::Nose => "#009e73",
        Region::Mouth => "#d55e00",
        Region::Skin => "#f0e442",
        Region::Ears => "#cc79a7",
        Region::Hair => "#999999",
        Region::Background => "#ffffff",
    };
    let side = 2.0 * HALF;
    writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{side}\" height=\"{side}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>The regions in the frame of the face</title>\n\
         <rect width=\"{side}\" height=\"{side}\" fill=\"{}\"/>",
        colour(Region::Background)
    )?;
    let pixel = |place: f64| HALF + place * UNIT;
    for region in Region::ALL.into_iter().rev() {
        for outline in region.outlines() {
            let points: Vec<String> =
                outline.iter().map(|&[x, y]| format!("{:.1},{:.1}", pixel(x), pixel(y))).collect();
            writeln!(
                text,
                "<polygon points=\"{}\" fill=\"{}\" stroke=\"#333333\"/>",
                points.join(" "),
                colour(region)
            )?;
        }
    }
    for [x, y] in LANDMARKS {
        writeln!(text, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>", pixel(x), pixel(y))?;
    }
    for (row, region) in Region::ALL.into_iter().enumerate().filter(|(_, region)| *region != Region::Background) {
        let y = 12.0 + row as f64 * 18.0;
        writeln!(
            text,
            "<rect x=\"8\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{}\" stroke=\"#333333\"/><text x=\"26\" y=\"{}\">{}</text>",
            colour(region),
            y + 11.0,
            region.name()
        )?;
    }
    writeln!(text, "</svg>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_shows_this_mesh() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/regions.svg");
        if std::env::var_os("CYBORG_WRITE_FIGURES").is_some() {
            std::fs::write(&path, svg()).expect("it can be written");
        }
        let kept = std::fs::read_to_string(&path).expect("it is in the repository");
        assert_eq!(kept, svg(), "run this test with CYBORG_WRITE_FIGURES=1");
    }
}
