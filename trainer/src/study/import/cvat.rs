//! CVAT for images 1.1: an XML with the polygons and masks of each image. It doesn't say who drew which.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use roxmltree::{Document, Node, ParsingOptions};

use super::mark::{self, Mark, Shape, Take};
use crate::study::painted::Painted;

/// Elements and texts that are read, at most; a document takes about 100 bytes of memory for each.
const MOST_NODES: u32 = 20_000_000;

pub(super) fn read(path: &Path, take: &mut Take<'_>) -> anyhow::Result<()> {
    let text = String::from_utf8(mark::read(path)?).context("it is not UTF-8 text")?;
    // Documents that define entities of their own are refused, so that a small one can't become a large one.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).context("it is no XML")?;
    let root = document.root_element();
    if !root.has_tag_name("annotations") {
        bail!("it is no export of CVAT for images 1.1: the first element is `{}`", root.tag_name().name());
    }
    for image in root.children().filter(|node| node.has_tag_name("image")) {
        let at = |node: Node<'_, '_>| format!("line {}", document.text_pos_at(node.range().start).row);
        let name = attribute(image, "name").with_context(|| at(image))?;
        let size = [whole(image, "width"), whole(image, "height")];
        for node in image.children().filter(Node::is_element) {
            let place = || at(node);
            let shape = match node.tag_name().name() {
                "polygon" => polygon(node, &size).with_context(place)?,
                "mask" => mask(node, &size).with_context(place)?,
                _ => continue,
            };
            let label = node.attribute("label").unwrap_or_default().to_owned();
            take(Mark { image: name.to_owned(), by: String::new(), label, at: place(), shape })?;
        }
    }
    Ok(())
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> anyhow::Result<&'a str> {
    node.attribute(name).with_context(|| format!("`{}` has no `{name}`", node.tag_name().name()))
}

fn whole(node: Node<'_, '_>, name: &str) -> anyhow::Result<u32> {
    let text = attribute(node, name)?;
    text.parse().ok().with_context(|| format!("`{name}` is `{text}`, which is no whole number"))
}

/// The size of the image, which only its shapes need.
fn known(size: &[anyhow::Result<u32>; 2]) -> anyhow::Result<[u32; 2]> {
    match size {
        [Ok(width), Ok(height)] => Ok([*width, *height]),
        [Err(error), _] | [_, Err(error)] => bail!("its image: {error}"),
    }
}

fn polygon(node: Node<'_, '_>, size: &[anyhow::Result<u32>; 2]) -> anyhow::Result<Shape> {
    let size = known(size)?;
    let corner = |text: &str| {
        let (x, y) = text.split_once(',')?;
        Some([x.trim().parse().ok()?, y.trim().parse().ok()?])
    };
    let corners = attribute(node, "points")?.split(';').map(|text| {
        corner(text).with_context(|| format!("`{}` is no corner", text.chars().take(40).collect::<String>()))
    });
    let outline = mark::outline(&corners.collect::<anyhow::Result<Vec<_>>>()?, size)?;
    Ok(Shape::Outlines { outlines: vec![outline], size: Some(size) })
}

/// Runs over the rows of a box of the image.
fn mask(node: Node<'_, '_>, size: &[anyhow::Result<u32>; 2]) -> anyhow::Result<Shape> {
    let [width, height] = known(size)?;
    mark::drawable(width, height)?;
    let [left, top, across, down] =
        [whole(node, "left")?, whole(node, "top")?, whole(node, "width")?, whole(node, "height")?];
    let fits = |start: u32, length: u32, most: u32| start.checked_add(length).is_some_and(|end| end <= most);
    ensure!(
        fits(left, across, width) && fits(top, down, height),
        "a mask of {across} x {down} pixels at {left}, {top} doesn't fit into {width} x {height}"
    );
    let runs = attribute(node, "rle")?.split(',').map(|run| run.trim().parse::<u64>());
    let runs = runs.collect::<Result<Vec<_>, _>>().context("its rle is no list of whole numbers")?;
    let inner = mark::mask_of_runs(across, down, runs)?;
    let mut whole = vec![false; width as usize * height as usize];
    for (row, line) in inner.chunks_exact(across as usize).enumerate() {
        let start = (top as usize + row) * width as usize + left as usize;
        whole[start..start + line.len()].copy_from_slice(line);
    }
    Ok(Shape::Mask(Painted::of_mask(width, height, &whole)))
}
