//! The timeline of a person as an SVG drawing inside the page: p over time, thresholds as lines, intervals marked.

use std::fmt::Write;

use cyborg_models::contract::Thresholds;

use super::data::PersonReport;
use super::text::Clock;
use super::timeline::Bucket;

/// Size of the drawing in its own units; the page scales it.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 252.0;
/// Where the plot lies in it.
const LEFT: f64 = 40.0;
const RIGHT: f64 = 952.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 216.0;
/// Steps of the time axis in seconds; beyond the last one days are counted.
const STEPS: [f64; 19] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0,
    43_200.0,
];
/// Labels of the time axis, at most.
const MOST_LABELS: f64 = 9.0;

/// What the drawing shows, and where.
struct Axes {
    start: f64,
    length: f64,
}

impl Axes {
    fn x(&self, seconds: f64) -> f64 {
        LEFT + ((seconds - self.start) / self.length).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

fn y(probability: f64) -> f64 {
    BOTTOM - probability.clamp(0.0, 1.0) * (BOTTOM - TOP)
}

/// Adds the drawing to `page`. All people of a source have the same `span` in seconds, so that their charts line up.
pub(super) fn timeline(page: &mut String, person: &PersonReport, span: (f64, f64), thresholds: &Thresholds) {
    let axes = Axes { start: span.0, length: (span.1 - span.0).max(0.04) };
    // Writing to a String can't fail.
    let _ = timeline_parts(page, person, &axes, thresholds);
}

fn timeline_parts(
    page: &mut String,
    person: &PersonReport,
    axes: &Axes,
    thresholds: &Thresholds,
) -> Result<(), std::fmt::Error> {
    let id = person.person;
    writeln!(
        page,
        "<svg class=\"chart {}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"chart-{id}-title \
         chart-{id}-text\">",
        person.verdict
    )?;
    writeln!(page, "<title id=\"chart-{id}-title\">p(synthetic) of person {} over time</title>", id + 1)?;
    write!(page, "<desc id=\"chart-{id}-text\">")?;
    describe(page, person)?;
    writeln!(page, "</desc>")?;
    zones(page, thresholds)?;
    for interval in &person.intervals {
        let from = axes.x(interval.first as f64 / 1e6);
        // A single frame is marked too.
        let width = (axes.x(interval.last as f64 / 1e6) - from).max(2.0);
        writeln!(
            page,
            "<rect class=\"interval\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{:.1}\"/>\
             <rect class=\"interval-bar\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"5\"/>",
            BOTTOM - TOP,
            TOP - 7.0,
        )?;
    }
    time_axis(page, axes)?;
    for run in runs(&person.timeline) {
        curve(page, run, axes)?;
    }
    writeln!(page, "</svg>")
}

fn describe(page: &mut String, person: &PersonReport) -> Result<(), std::fmt::Error> {
    let low = person.timeline.iter().map(|bucket| bucket.low).fold(f32::INFINITY, f32::min);
    let high = person.timeline.iter().map(|bucket| bucket.high).fold(f32::NEG_INFINITY, f32::max);
    if low <= high {
        write!(
            page,
            "From {} to {}, p lies between {low:.2} and {high:.2}. ",
            Clock(person.span.0),
            Clock(person.span.1)
        )?;
    }
    match person.intervals.len() {
        0 => write!(page, "Over time, never called synthetic; single frames may be."),
        1 => write!(page, "Called synthetic in 1 interval, listed below."),
        count => write!(page, "Called synthetic in {count} intervals, listed below."),
    }
}

/// The areas of the three verdicts, and the thresholds between them.
fn zones(page: &mut String, thresholds: &Thresholds) -> Result<(), std::fmt::Error> {
    let low = y(thresholds.authentic_below.into());
    let high = y(thresholds.synthetic_above.into());
    for (name, from, to) in [("synthetic", TOP, high), ("unsure", high, low), ("authentic", low, BOTTOM)] {
        let height = (to - from).max(0.0);
        writeln!(
            page,
            "<rect class=\"zone {name}\" x=\"{LEFT}\" y=\"{from:.1}\" width=\"{}\" height=\"{height:.1}\"/>",
            RIGHT - LEFT
        )?;
    }
    for value in [0.0, 0.5, 1.0] {
        let height = y(value);
        writeln!(
            page,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{height:.1}\" x2=\"{RIGHT}\" y2=\"{height:.1}\"/>\
             <text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            LEFT - 7.0,
            height + 4.0,
        )?;
    }
    let labels = [
        ("synthetic above", thresholds.synthetic_above, high, high - 6.0),
        ("authentic below", thresholds.authentic_below, low, low + 16.0),
    ];
    for (text, value, height, text_at) in labels {
        let text_at = text_at.clamp(TOP + 12.0, BOTTOM - 5.0);
        writeln!(
            page,
            "<line class=\"threshold\" x1=\"{LEFT}\" y1=\"{height:.1}\" x2=\"{RIGHT}\" y2=\"{height:.1}\"/>\
             <text class=\"threshold-label\" x=\"{:.0}\" y=\"{text_at:.1}\" text-anchor=\"end\">{text} {value:.2}</text>",
            RIGHT - 6.0,
        )?;
    }
    Ok(())
}

fn time_axis(page: &mut String, axes: &Axes) -> Result<(), std::fmt::Error> {
    let days = (axes.length / MOST_LABELS / 86_400.0).ceil() * 86_400.0;
    let step = STEPS.into_iter().find(|step| axes.length / step <= MOST_LABELS).unwrap_or(days);
    let first = (axes.start / step).ceil();
    for index in 0..=MOST_LABELS as u32 {
        let seconds = (first + f64::from(index)) * step;
        if seconds > axes.start + axes.length + step * 1e-6 {
            break;
        }
        let x = axes.x(seconds);
        let anchor = if x < LEFT + 20.0 {
            "start"
        } else if x > RIGHT - 20.0 {
            "end"
        } else {
            "middle"
        };
        writeln!(
            page,
            "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{BOTTOM}\" x2=\"{x:.1}\" y2=\"{:.0}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"{anchor}\">{}</text>",
            BOTTOM + 5.0,
            BOTTOM + 20.0,
            Clock(seconds),
        )?;
    }
    Ok(())
}

/// The parts of a timeline between which the person was away: three times the usual distance, and a second at least.
fn runs(timeline: &[Bucket]) -> impl Iterator<Item = &[Bucket]> {
    let mut steps: Vec<i64> = timeline.windows(2).map(|pair| pair[1].first.saturating_sub(pair[0].first)).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
    let most = usual.saturating_mul(3).max(1_000_000);
    timeline.chunk_by(move |one, next| next.first.saturating_sub(one.last) <= most)
}

/// The band from lowest to highest, and the mean in it.
fn curve(page: &mut String, run: &[Bucket], axes: &Axes) -> Result<(), std::fmt::Error> {
    if let [only] = run {
        return writeln!(
            page,
            "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
            axes.x(only.time()),
            y(only.mean())
        );
    }
    if run.iter().any(|bucket| bucket.count > 1) {
        write!(page, "<polygon class=\"band\" points=\"")?;
        for bucket in run {
            write!(page, "{:.1},{:.1} ", axes.x(bucket.time()), y(bucket.high.into()))?;
        }
        for bucket in run.iter().rev() {
            write!(page, "{:.1},{:.1} ", axes.x(bucket.time()), y(bucket.low.into()))?;
        }
        writeln!(page, "\"/>")?;
    }
    write!(page, "<polyline class=\"curve\" points=\"")?;
    for bucket in run {
        write!(page, "{:.1},{:.1} ", axes.x(bucket.time()), y(bucket.mean()))?;
    }
    writeln!(page, "\"/>")
}
