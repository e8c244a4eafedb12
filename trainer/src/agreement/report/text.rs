//! The report as Markdown.

use std::fmt::{Error, Write};

use super::data::Report;
use super::words::{self, Table};

/// The report as Markdown, tables alone. The same figures give the same bytes.
#[must_use]
pub fn markdown(report: &Report<'_>) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write_text(&mut text, report);
    text
}

fn write_text(text: &mut String, report: &Report<'_>) -> Result<(), Error> {
    let figures = report.figures;
    writeln!(text, "# Agreement: {}\n\n{}\n", escaped(report.study), words::summary(report))?;
    table(text, &words::overall(figures))?;
    writeln!(text, "## Annotators\n")?;
    table(text, &words::annotators(figures))?;
    table(text, &words::agreement(figures))?;
    writeln!(text, "## Who should be left out\n\nRules; nobody is left out by them:\n")?;
    for rule in figures.rules.words() {
        writeln!(text, "- {rule}")?;
    }
    writeln!(text)?;
    let left_out = words::left_out(figures);
    if left_out.rows.is_empty() {
        writeln!(text, "Nobody.\n")?;
    } else {
        table(text, &left_out)?;
    }
    writeln!(text, "## Confidence\n")?;
    table(text, &words::bins(figures))?;
    writeln!(text, "## By source\n")?;
    table(text, &words::sources(figures))?;
    writeln!(text, "## How it was measured\n")?;
    for method in words::METHODS {
        writeln!(text, "- {method}")?;
    }
    Ok(())
}

fn table(text: &mut String, table: &Table) -> Result<(), Error> {
    writeln!(text, "| {} |", table.columns.join(" | "))?;
    writeln!(text, "|---{}|", "|---:".repeat(table.columns.len() - 1))?;
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        writeln!(text, "| {} |", cells.join(" | "))?;
    }
    writeln!(text)
}

/// Names of annotators and sources come from outside, and must not end a cell.
fn escaped(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter {
            '|' | '<' | '[' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => text.push(' '),
            letter => text.push(letter),
        }
    }
    text
}
