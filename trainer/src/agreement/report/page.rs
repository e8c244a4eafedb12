//! The report as a page: one file with its pictures, without a script, that asks nothing of anybody.

use std::fmt::{Error, Write};

use cyborg_edge::sink::report::{Escaped, POLICY, STYLE, base64};

use super::super::average::Group;
use super::data::{Drawn, Report};
use super::picture::SIDE;
use super::words::{self, Table};

/// Tables of many columns are scrolled, not squeezed.
const WIDE: &str = ".scroll { overflow-x: auto; } .scroll table { min-width: 59rem; } td { overflow-wrap: normal; }\n\
     .stills img { width: 100%; height: auto; }\n";

/// The page. The same figures give the same bytes.
pub(super) fn render(report: &Report<'_>, drawn: &[(Group, Drawn)]) -> String {
    let mut page = String::new();
    // Writing to a String can't fail.
    let _ = write_page(&mut page, report, drawn);
    page
}

fn write_page(page: &mut String, report: &Report<'_>, drawn: &[(Group, Drawn)]) -> Result<(), Error> {
    let (name, figures) = (Escaped(report.study), report.figures);
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{name}: agreement of annotators</title>\n\
         <style>\n{STYLE}{WIDE}</style>\n</head>\n<body>\n"
    )?;
    writeln!(page, "<header>\n<p class=\"kicker\">Agreement of annotators</p>\n<h1>{name}</h1>")?;
    writeln!(page, "<p>{}</p>\n</header>\n<main>", words::summary(report))?;
    table(page, "All annotators", &words::overall(figures))?;
    left_out(page, report)?;
    writeln!(page, "<section id=\"annotators\">\n<h2>Annotators</h2>")?;
    table(page, "How right they are", &words::annotators(figures))?;
    table(page, "How sure they are, and how far they agree", &words::agreement(figures))?;
    writeln!(page, "</section>\n<section id=\"faces\">\n<h2>Faces</h2>\n<div class=\"tables\">")?;
    table(page, "Confidence", &words::bins(figures))?;
    table(page, "By source", &words::sources(figures))?;
    writeln!(page, "</div>\n</section>")?;
    pictures(page, report, drawn)?;
    writeln!(page, "<section id=\"methods\">\n<h2>How it was measured</h2>\n<ul>")?;
    for method in words::METHODS {
        writeln!(page, "<li>{}</li>", Escaped(method))?;
    }
    writeln!(
        page,
        "</ul>\n<p class=\"soft\">{} draws, seed {}.</p>\n</section>\n</main>\n<footer><p>Written by cyborg-train {}. This page is \
         self-contained and makes no network requests.</p></footer>\n</body>\n</html>",
        figures.bootstrap.draws,
        figures.bootstrap.seed,
        env!("CARGO_PKG_VERSION")
    )
}

fn left_out(page: &mut String, report: &Report<'_>) -> Result<(), Error> {
    writeln!(page, "<section id=\"left-out\">\n<h2>Who should be left out</h2>")?;
    let found = words::left_out(report.figures);
    if found.rows.is_empty() {
        writeln!(page, "<p>Nobody, by these rules.</p>")?;
    } else {
        table(page, "By the rules below; nobody is left out by them alone", &found)?;
    }
    writeln!(page, "<ul class=\"soft\">")?;
    for rule in report.figures.rules.words() {
        writeln!(page, "<li>{}</li>", Escaped(&rule))?;
    }
    writeln!(page, "</ul>\n</section>")
}

fn table(page: &mut String, caption: &str, table: &Table) -> Result<(), Error> {
    // A part that can be scrolled must be reachable by the keyboard.
    let is_wide = table.columns.len() > 4;
    if is_wide {
        writeln!(page, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">", Escaped(caption))?;
    }
    writeln!(page, "<table>\n<caption>{}</caption>\n<thead><tr>", Escaped(caption))?;
    for column in &table.columns {
        write!(page, "<th scope=\"col\">{}</th>", Escaped(column))?;
    }
    writeln!(page, "</tr></thead>\n<tbody>")?;
    for row in &table.rows {
        write!(page, "<tr>")?;
        for (index, cell) in row.iter().enumerate() {
            let cell = Escaped(cell);
            match index {
                0 => write!(page, "<th scope=\"row\">{cell}</th>")?,
                _ => write!(page, "<td>{cell}</td>")?,
            }
        }
        writeln!(page, "</tr>")?;
    }
    writeln!(page, "</tbody>\n</table>")?;
    if is_wide { writeln!(page, "</div>") } else { Ok(()) }
}

fn pictures(page: &mut String, report: &Report<'_>, drawn: &[(Group, Drawn)]) -> Result<(), Error> {
    writeln!(page, "<section id=\"maps\">\n<h2>Where people looked</h2>")?;
    if drawn.is_empty() {
        writeln!(page, "<p>Nothing was painted on a face whose landmarks are known.</p>")?;
    }
    let title = |group: &Group| match group {
        Group::Class(_) => "By class",
        Group::Answer(_) => "By answer",
        Group::Source(_) => "By source",
    };
    for part_title in ["By class", "By answer", "By source"] {
        let mut part = drawn.iter().filter(|(group, _)| title(group) == part_title).peekable();
        if part.peek().is_none() {
            continue;
        }
        writeln!(page, "<h3>{part_title}</h3>\n<div class=\"stills\">")?;
        for (_, picture) in part {
            let caption = Escaped(&picture.caption);
            write!(page, "<figure>\n<figcaption>{caption}</figcaption>\n<img width=\"{SIDE}\" height=\"{SIDE}\" ")?;
            write!(page, "alt=\"Mean map in the outlines of a face, {caption}\" src=\"data:image/png;base64,")?;
            base64(&picture.png, page);
            writeln!(page, "\">\n</figure>")?;
        }
        writeln!(page, "</div>")?;
    }
    if report.averages.without_frame > 0 {
        let count = words::counted(report.averages.without_frame, "painting");
        writeln!(page, "<p class=\"soft\">{count} on faces without landmarks are in none of these.</p>")?;
    }
    writeln!(page, "</section>")
}
