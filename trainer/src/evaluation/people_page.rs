//! How far networks look where people looked, as a part of the report's page.

use std::fmt::Write;

use super::people::{Figures, People};
use crate::metrics::FaceMean;

/// Writes the figures of all runs as a table.
pub(super) fn write_people(page: &mut String, runs: &[Option<&People>]) -> std::fmt::Result {
    let Some(runs) = runs.iter().copied().collect::<Option<Vec<&People>>>().filter(|runs| !runs.is_empty()) else {
        return Ok(());
    };
    let whose = if runs[0].maps == "human" { "people's maps" } else { "the list's maps" };
    writeln!(
        page,
        "\nHow far the activation map of a face's own class lies where {whose} are bright, on faces that have one ({} more have\n\
         none within the crop). IoU: people's region is where their map reaches half of its height, the activation map's is made of\n\
         as many of its largest cells. Pointing game: its largest cell lies in people's region. Intervals: 95 %, over faces, those of\n\
         one clip or person drawn together. Others' maps: the same activation maps against maps of other faces of the class, which\n\
         is what looking at the usual places gives. Even: a map without contrast, whose correlation is 0.\n",
        runs[0].blank
    )?;
    writeln!(
        page,
        "| faces | number | correlation | 95 % interval | others' maps | IoU | 95 % interval | others' maps | even | pointing game | \
         95 % interval | others' maps | even |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    )?;
    let first = runs[0];
    for class in first.classes.keys() {
        write_row(
            page,
            &format!("all {class}"),
            &runs.iter().filter_map(|run| run.classes.get(class)).collect::<Vec<_>>(),
        )?;
    }
    for source in first.sources.keys() {
        write_row(page, source, &runs.iter().filter_map(|run| run.sources.get(source)).collect::<Vec<_>>())?;
    }
    write_row(page, "**pooled**", &runs.iter().filter_map(|run| run.pooled.as_ref()).collect::<Vec<_>>())?;
    let Some(more) = first.pooled.and_then(|pooled| pooled.more) else { return Ok(()) };
    let words = |FaceMean { value, low, high }: FaceMean| match low.zip(high) {
        Some((low, high)) => format!("{value:+.3} ({low:+.3} to {high:+.3})"),
        None => format!("{value:+.3}"),
    };
    writeln!(
        page,
        "\nMore by a face's own map than by others', of the first run, pooled: correlation {}, IoU {}, pointing game {}.",
        words(more.correlation),
        words(more.iou),
        words(more.pointing)
    )
}

/// Means over the runs, and intervals from the lowest end of any run's to the highest.
fn write_row(page: &mut String, name: &str, runs: &[&Figures]) -> std::fmt::Result {
    let Some(first) = runs.first() else { return Ok(()) };
    let over = |number: &dyn Fn(&Figures) -> Option<f64>| {
        let values: Option<Vec<f64>> = runs.iter().map(|run| number(run)).collect();
        values
            .map_or_else(|| "-".to_owned(), |values| format!("{:.3}", values.iter().sum::<f64>() / values.len() as f64))
    };
    let ends = |of: fn(&Figures) -> FaceMean| {
        let low = runs.iter().filter_map(|run| of(run).low).reduce(f64::min);
        let high = runs.iter().filter_map(|run| of(run).high).reduce(f64::max);
        low.zip(high).map_or_else(|| "-".to_owned(), |(low, high)| format!("{low:.3} to {high:.3}"))
    };
    writeln!(
        page,
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        first.faces,
        over(&|run| Some(run.correlation.value)),
        ends(|run| run.correlation),
        over(&|run| Some(run.of_others?.correlation)),
        over(&|run| Some(run.iou.value)),
        ends(|run| run.iou),
        over(&|run| Some(run.of_others?.iou)),
        over(&|run| Some(run.even.iou)),
        over(&|run| Some(run.pointing.value)),
        ends(|run| run.pointing),
        over(&|run| Some(run.of_others?.pointing)),
        over(&|run| Some(run.even.pointing)),
    )
}
