//! The tables of a report: intervals, quality, timing, the model and what it ran on.

use std::fmt::{Display, Error, Write};

use super::data::{PersonReport, ReportData};
use super::text::{Clock, Escaped};
use crate::verdict::Verdict;

/// When a person was called synthetic.
pub(super) fn intervals(page: &mut String, person: &PersonReport) -> Result<(), Error> {
    if person.intervals.is_empty() {
        return writeln!(page, "<p>Over time, never called synthetic; single frames may be.</p>");
    }
    writeln!(
        page,
        "<table>\n<caption>Called synthetic</caption>\n<thead><tr><th scope=\"col\">from</th><th scope=\"col\">to</th>\
         </tr></thead>\n<tbody>"
    )?;
    for interval in &person.intervals {
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td></tr>",
            Clock(interval.first as f64 / 1e6),
            Clock(interval.last as f64 / 1e6)
        )?;
    }
    writeln!(page, "</tbody>\n</table>")
}

/// How it was measured.
pub(super) fn all(page: &mut String, data: &ReportData) -> Result<(), Error> {
    writeln!(page, "<section id=\"measured\">\n<h2>How it was measured</h2>\n<div class=\"tables\">")?;
    quality(page, data)?;
    timing(page, data)?;
    writeln!(page, "</div>\n</section>\n<section id=\"model\">\n<h2>The model</h2>\n<div class=\"tables\">")?;
    thresholds(page, data)?;
    areas(page, data)?;
    model(page, data)?;
    provider(page, data)?;
    writeln!(page, "</div>\n</section>")
}

fn quality(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let quality = &data.quality;
    let mut table = Table::new(page, "Quality", "", "figure")?;
    table.row("size in pixels", format_args!("{} × {}", quality.size.0, quality.size.1))?;
    if let Some(rate) = quality.milli_rate {
        table.row("frames a second", format_args!("{:.2}", rate as f64 / 1e3))?;
    }
    match quality.all_frames {
        Some(all) => table.row("key frames judged", format_args!("{} of {all} frames", quality.frames))?,
        None => table.row("frames judged", quality.frames)?,
    }
    if quality.repeated_frames > 0 {
        table
            .row("frames that are the same as the one before, and were not looked at again", quality.repeated_frames)?;
    }
    if let Some(claimed) = quality.claimed_frames.filter(|&claimed| claimed != quality.frames) {
        table.row("frames according to the header", claimed)?;
    }
    table.row("frames without a face", quality.frames_without_face)?;
    table.row("pieces that could not be decoded", quality.damaged_frames)?;
    table.row("frames patched up by the decoder", quality.patched_frames)?;
    table.row("faces in all frames", quality.faces)?;
    for verdict in [Verdict::Authentic, Verdict::Unsure, Verdict::Synthetic] {
        table.row(&format!("faces judged {verdict}"), quality.verdicts[verdict as usize])?;
    }
    table.end()?;
    if let Some(damage) = &quality.first_damage {
        writeln!(page, "<p class=\"soft\">First damage: {}</p>", Escaped(damage))?;
    }
    losses(page, data)
}

/// When a live source was lost.
fn losses(page: &mut String, data: &ReportData) -> Result<(), Error> {
    if data.losses.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(page, "The source was lost", "wide", "words")?;
    for loss in &data.losses {
        let reason = Escaped(&loss.reason);
        let from = Clock(loss.from).to_string();
        match loss.until {
            Some(until) => table.row(&from, format_args!("for {:.1} s: {reason}", until - loss.from))?,
            None => table.row(&from, format_args!("to the end: {reason}"))?,
        }
    }
    if data.further_losses > 0 {
        table.row("later", format_args!("{} more times", data.further_losses))?;
    }
    table.end()
}

fn timing(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let timing = &data.timing;
    let frames = data.quality.frames.max(1) as f64;
    writeln!(page, "<div>")?;
    let mut table = Table::new(page, "Time", "", "figure")?;
    table.row("from start to last frame", format_args!("{:.1} s", timing.wall))?;
    if timing.wall > 0.0 {
        table.row("frames a second", format_args!("{:.1}", data.quality.frames as f64 / timing.wall))?;
    }
    for (name, age) in &timing.ages_ms {
        table.row(&format!("age of a frame at its verdict, {name}"), format_args!("{age:.0} ms"))?;
    }
    table.end()?;
    if timing.stages.is_empty() {
        return writeln!(page, "</div>");
    }
    writeln!(
        page,
        "<table>\n<caption>Time per stage, without waiting</caption>\n<thead><tr><th scope=\"col\">stage</th>\
         <th scope=\"col\" class=\"figure\">in all</th><th scope=\"col\" class=\"figure\">a frame</th></tr></thead>\n<tbody>"
    )?;
    for (name, seconds) in &timing.stages {
        writeln!(
            page,
            "<tr><th scope=\"row\">{name}</th><td class=\"figure\">{seconds:.2} s</td>\
             <td class=\"figure\">{:.1} ms</td></tr>",
            seconds / frames * 1e3
        )?;
    }
    writeln!(page, "</tbody>\n</table>\n</div>")
}

fn thresholds(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let thresholds = &data.made_with.contract.thresholds;
    let mut table = Table::new(page, "Thresholds and their errors", "", "words")?;
    table.row("authentic", format_args!("p below {:.3}", thresholds.authentic_below))?;
    table.row("synthetic", format_args!("p above {:.3}", thresholds.synthetic_above))?;
    match &thresholds.error_rates {
        Some(rates) => {
            table.row("synthetic called authentic (APCER)", format_args!("{:.1} %", rates.apcer * 100.0))?;
            table.row("authentic called synthetic (BPCER)", format_args!("{:.1} %", rates.bpcer * 100.0))?;
            table.row("measured on", Escaped(&rates.measured_on))?;
        }
        None => table.row("error rates", "not measured")?,
    }
    table.end()
}

fn areas(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let mut table = Table::new(page, "Area under the ROC curve (0.5 is chance, 1 is best)", "", "figure")?;
    for (name, area) in &data.made_with.contract.auc {
        table.row(name, format_args!("{area:.3}"))?;
    }
    if data.made_with.contract.auc.is_empty() {
        table.row("any data", "not measured")?;
    }
    table.end()
}

fn model(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let (run, contract) = (&data.made_with.run, &data.made_with.contract);
    let mut table = Table::new(page, "Model", "wide", "words")?;
    table.row("name", Escaped(&run.model))?;
    table.row("network", Escaped(&contract.network))?;
    if !run.experts.is_empty() {
        table.row("SHA-256 of the set", format_args!("<code>{}</code>", Escaped(&run.model_sha256)))?;
        for expert in &run.experts {
            let kind = expert.looks_for.map_or_else(|| "anything".to_owned(), |kind| format!("{kind} faces"));
            let (file, digest) = (Escaped(&expert.file), Escaped(&expert.sha256));
            let said =
                format_args!("{file}, looks for {kind}, weight {}, SHA-256 <code>{digest}</code>", expert.weight);
            table.row("expert", said)?;
        }
        return table.end();
    }
    table.row("SHA-256", format_args!("<code>{}</code>", Escaped(&run.model_sha256)))?;
    let calibration = contract.calibration;
    table.row("calibration", format_args!("temperature {}, bias {}", calibration.temperature, calibration.bias))?;
    let saliency = &contract.saliency;
    table.row("saliency", format_args!("{}, alpha {}", Escaped(&saliency.source), saliency.alpha))?;
    table.row("seed", contract.training.seed)?;
    table.row("training data", format_args!("<code>{}</code>", Escaped(&contract.training.data_digest)))?;
    table.row("made by", Escaped(&contract.training.tool))?;
    table.end()
}

fn provider(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let run = &data.made_with.run;
    let mut table = Table::new(page, "What it ran on", "wide", "words")?;
    table.row("program", Escaped(&run.tool))?;
    table.row("classifier", Escaped(&run.provider))?;
    table.row("face detector", Escaped(&run.detector_provider))?;
    for other in &run.others {
        let (name, digest, provider) = (Escaped(&other.model), Escaped(&other.model_sha256), Escaped(&other.provider));
        table.row("another model", format_args!("{name}, SHA-256 <code>{digest}</code>, {provider}"))?;
    }
    table.end()
}

/// A table of names and values.
struct Table<'a> {
    page: &'a mut String,
    class: &'static str,
}

impl<'a> Table<'a> {
    /// `place` is the table's class, `class` that of its values.
    fn new(page: &'a mut String, caption: &str, place: &str, class: &'static str) -> Result<Self, Error> {
        writeln!(page, "<table class=\"{place}\">\n<caption>{}</caption>\n<tbody>", Escaped(caption))?;
        Ok(Self { page, class })
    }

    /// A row; `value` is markup already.
    fn row(&mut self, name: &str, value: impl Display) -> Result<(), Error> {
        let class = self.class;
        writeln!(self.page, "<tr><th scope=\"row\">{}</th><td class=\"{class}\">{value}</td></tr>", Escaped(name))
    }

    fn end(self) -> Result<(), Error> {
        writeln!(self.page, "</tbody>\n</table>")
    }
}
