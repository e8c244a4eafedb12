//! The page: the answer first, then when, then the pictures, then how it was measured.

use std::fmt::{Error, Write};

use super::chart;
use super::data::{PersonReport, ReportData, ReportEnd, StillReport};
use super::tables;
use super::text::{Clock, Escaped, base64};
use crate::verdict::Verdict;

/// How pages look; those of the trainer look the same.
pub const STYLE: &str = include_str!("style.css");
/// The browser itself keeps the page from asking anything of anybody.
pub const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The page as one HTML file. The same data give the same bytes.
#[must_use]
pub fn render(data: &ReportData) -> String {
    let mut page = String::new();
    // Writing to a String can't fail.
    let _ = write_page(&mut page, data);
    page
}

fn write_page(page: &mut String, data: &ReportData) -> Result<(), Error> {
    // The file's name is what people know the clip by; where it lies is said below, as far as the user wrote it.
    let name = data.source.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(&data.source);
    let (source, name) = (Escaped(&data.source), Escaped(name));
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{name}: report on faces</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n"
    )?;
    writeln!(page, "<header>\n<p class=\"kicker\">Report on the faces in</p>\n<h1>{name}</h1>")?;
    if name.0 != source.0 {
        writeln!(page, "<p class=\"soft path\">{source}</p>")?;
    }
    ending(page, data)?;
    writeln!(page, "</header>\n<main>")?;
    answers(page, data)?;
    if !data.people.is_empty() {
        timelines(page, data)?;
        stills(page, data)?;
    }
    tables::all(page, data)?;
    writeln!(
        page,
        "</main>\n<footer><p>Written by {}. This page is self-contained and makes no network requests.</p>\
         </footer>\n</body>\n</html>",
        Escaped(&data.made_with.run.tool)
    )
}

/// How far the run came, where it is not the whole source.
fn ending(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let reason = match &data.ended {
        ReportEnd::Whole => return Ok(()),
        ReportEnd::Interrupted => "The run was interrupted.".to_owned(),
        ReportEnd::Failed(reason) => format!("The run failed: {}.", Escaped(reason)),
    };
    write!(page, "<p class=\"notice\" role=\"note\"><strong>Not the whole source.</strong> {reason} ")?;
    match data.span {
        Some((first, last)) => writeln!(page, "This report covers {} to {}.</p>", Clock(first), Clock(last)),
        None => writeln!(page, "Nothing was judged before.</p>"),
    }
}

fn answers(page: &mut String, data: &ReportData) -> Result<(), Error> {
    writeln!(page, "<section id=\"answer\" aria-label=\"Answer\">")?;
    if data.people.is_empty() {
        writeln!(page, "<p class=\"verdict\">No face found</p>\n<p>Nothing can be said of this source.</p>")?;
    } else {
        writeln!(page, "<ul class=\"people\">")?;
        for person in &data.people {
            answer(page, person, data)?;
        }
        writeln!(page, "</ul>")?;
    }
    if data.faces_left_out > 0 {
        writeln!(
            page,
            "<p class=\"notice\" role=\"note\">There are more people than this page has room for: {} faces of others, \
             most of them seen briefly, are in the tables but have no verdict here.</p>",
            data.faces_left_out
        )?;
    }
    if let Some(caution) = &data.made_with.caution {
        writeln!(page, "<p class=\"notice\" role=\"note\"><strong>Caution:</strong> {}.</p>", Escaped(caution))?;
    }
    writeln!(page, "</section>")
}

fn answer(page: &mut String, person: &PersonReport, data: &ReportData) -> Result<(), Error> {
    let verdict = person.verdict;
    let word = match verdict {
        Verdict::Authentic => "Authentic",
        Verdict::Unsure => "Unsure",
        Verdict::Synthetic => "Synthetic",
    };
    writeln!(page, "<li class=\"person {verdict}\">\n<h2>Person {}</h2>", person.person)?;
    writeln!(page, "<p class=\"verdict\">{word}</p>")?;
    match (verdict, &person.reason) {
        (_, Some(reason)) => writeln!(page, "<p class=\"reason\">{}</p>", Escaped(reason))?,
        (Verdict::Unsure, None) => writeln!(page, "<p class=\"reason\">p lies between the two thresholds</p>")?,
        _ => {}
    }
    writeln!(
        page,
        "<p class=\"number\">p(synthetic) = <strong>{:.2}</strong> <span class=\"soft\">({})</span></p>",
        person.probability,
        Escaped(&person.basis)
    )?;
    gauge(page, person, data)?;
    for other in &person.others {
        let reason = other.reason.as_ref().map(|reason| format!(" ({})", Escaped(reason))).unwrap_or_default();
        let (model, verdict, p) = (Escaped(&other.model), other.verdict, other.probability);
        writeln!(page, "<p class=\"other\">Model {model} says <strong>{verdict}</strong>{reason}, p = {p:.2}.</p>")?;
    }
    writeln!(
        page,
        "<p>Seen from {} to {}, in {} {}.</p>\n</li>",
        Clock(person.span.0),
        Clock(person.span.1),
        person.frames,
        if person.frames == 1 { "frame" } else { "frames" }
    )
}

/// p between 0 and 1, the thresholds as marks. It repeats what the text says, so it is hidden from screen readers.
fn gauge(page: &mut String, person: &PersonReport, data: &ReportData) -> Result<(), Error> {
    let thresholds = &data.made_with.contract.thresholds;
    let at = |value: f32| f64::from(value).clamp(0.0, 1.0) * 400.0;
    writeln!(
        page,
        "<svg class=\"gauge\" viewBox=\"0 0 400 26\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"track\" y=\"8\" width=\"400\" height=\"10\"/>\
         <rect class=\"value\" y=\"8\" width=\"{:.1}\" height=\"10\"/>\
         <path class=\"limit\" d=\"M{low:.1} 3v20M{high:.1} 3v20\"/></svg>",
        at(person.probability),
        low = at(thresholds.authentic_below),
        high = at(thresholds.synthetic_above),
    )
}

fn timelines(page: &mut String, data: &ReportData) -> Result<(), Error> {
    let thresholds = &data.made_with.contract.thresholds;
    let span = data.span.unwrap_or((0.0, 0.0));
    writeln!(page, "<section id=\"timeline\">\n<h2>Over time</h2>")?;
    writeln!(
        page,
        "<p class=\"soft legend\">p(synthetic) of single frames. Dashed lines are the thresholds of the model; marked \
         spans were called synthetic. In long clips the line is a mean, the band around it goes from the lowest to the \
         highest frame.</p>"
    )?;
    for person in &data.people {
        writeln!(page, "<h3>Person {}: {}</h3>", person.person, person.verdict)?;
        chart::timeline(page, person, span, thresholds);
        tables::intervals(page, person)?;
    }
    writeln!(page, "</section>")
}

fn stills(page: &mut String, data: &ReportData) -> Result<(), Error> {
    if data.people.iter().all(|person| person.strongest.is_empty()) {
        return Ok(());
    }
    writeln!(page, "<section id=\"frames\">\n<h2>Strongest frames</h2>")?;
    writeln!(
        page,
        "<p class=\"soft legend\">The frames with the highest p(synthetic), some time apart, also of people who were \
         called authentic. In the lower picture of each pair, colour shows where in the face the network saw signs \
         of synthetic. It is scaled for each face on its own: it says where, not how much.</p>"
    )?;
    for person in data.people.iter().filter(|person| !person.strongest.is_empty()) {
        writeln!(page, "<h3>Person {}: {}</h3>\n<div class=\"stills\">", person.person, person.verdict)?;
        for still in &person.strongest {
            picture(page, person.person, still)?;
        }
        writeln!(page, "</div>")?;
    }
    writeln!(page, "</section>")
}

fn picture(page: &mut String, person: u32, still: &StillReport) -> Result<(), Error> {
    let StillReport { frame, judgement, side, .. } = still;
    let (verdict, time) = (judgement.verdict, Clock(still.time));
    writeln!(
        page,
        "<figure class=\"{verdict}\">\n<figcaption><strong>{verdict}</strong>, p = {:.2}, at {time} (frame {frame})\
         </figcaption>\n<div class=\"pair\">",
        judgement.probability.value()
    )?;
    let pictures = [
        (&still.plain, format!("Face of person {person} at {time}, judged {verdict}")),
        (&still.heat, "The same face with the activation map of the synthetic class over it".to_owned()),
    ];
    for (jpeg, text) in pictures {
        write!(page, "<img width=\"{side}\" height=\"{side}\" alt=\"{text}\" src=\"data:image/jpeg;base64,")?;
        base64(jpeg, page);
        writeln!(page, "\">")?;
    }
    writeln!(page, "</div>\n</figure>")
}
