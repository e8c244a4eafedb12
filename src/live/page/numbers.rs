//! The numbers of a run in Prometheus' text format, version 0.0.4.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::feed::Page;
use super::recorder::ways;
use super::settings::Facts;
use crate::live::metrics::{AGE_EDGES_MS, Ages, LiveMetrics, OutputCount};
use crate::live::view::SourceState;
use crate::verdict::Verdict;

/// All numbers. `readers` is how many connections there are.
pub(super) fn text(page: &Page, facts: &Facts, readers: usize) -> String {
    let mut out = String::new();
    let labels: Vec<String> = page.names.iter().map(|name| format!("source=\"{}\"", quoted(name))).collect();
    let feeds = || page.feeds.iter().zip(&labels);
    let mut counter = |name: &str, help: &str, number: fn(&LiveMetrics) -> &AtomicU64| {
        head(&mut out, name, "counter", help);
        for (feed, source) in feeds() {
            sample(&mut out, name, source, read(number(&feed.metrics)));
        }
    };
    counter("frames_captured_total", "Frames that the source gave", |metrics| &metrics.captured);
    counter("frames_shown_total", "Frames that were shown", |metrics| &metrics.shown);
    counter("faces_scored_total", "Faces that were scored", |metrics| &metrics.scored);
    counter("source_lost_total", "Times that the source was lost", |metrics| &metrics.lost);
    counter("events_total", "Events reported", |metrics| &metrics.events);
    head(&mut out, "frames_dropped_total", "counter", "Frames that were not looked at, by cause");
    for (feed, source) in feeds() {
        for (cause, number) in [("overwritten", &feed.metrics.overwritten), ("damaged", &feed.metrics.damaged)] {
            sample(&mut out, "frames_dropped_total", &format!("{source},cause=\"{cause}\""), read(number));
        }
    }
    head(
        &mut out,
        "verdicts_total",
        "counter",
        "Verdicts on a person that differ from the one before, those at first sight among them",
    );
    for (feed, source) in feeds() {
        let verdicts = [Verdict::Authentic, Verdict::Unsure, Verdict::Synthetic];
        for (verdict, number) in verdicts.iter().zip(&feed.metrics.verdicts) {
            sample(&mut out, "verdicts_total", &format!("{source},verdict=\"{verdict}\""), read(number));
        }
    }
    outputs(&mut out, &ways(&page.feeds));
    let records = || feeds().filter_map(|(feed, source)| Some((feed.metrics.record.get()?, source)));
    if records().next().is_some() {
        head(
            &mut out,
            "record_rows_total",
            "counter",
            "Scored faces for the record of the session and what came of them",
        );
    }
    for (record, source) in records() {
        sample(&mut out, "record_rows_total", &format!("{source},fate=\"written\""), read(&record.written));
        sample(&mut out, "record_rows_total", &format!("{source},fate=\"dropped\""), read(&record.dropped));
    }
    head(&mut out, "age_seconds", "histogram", "Age of frames since they were captured, by stage");
    for (feed, source) in feeds() {
        ages(&mut out, source, "shown", &feed.metrics.shown_age);
        ages(&mut out, source, "verdict", &feed.metrics.verdict_age);
    }
    head(&mut out, "source_state", "gauge", "1 for the state that the source is in");
    for (feed, source) in feeds() {
        let now = match &*feed.source.borrow() {
            SourceState::Starting => "starting",
            SourceState::Playing { .. } => "playing",
            SourceState::Lost { .. } => "lost",
            SourceState::Ended => "ended",
        };
        for state in ["starting", "playing", "lost", "ended"] {
            sample(&mut out, "source_state", &format!("{source},state=\"{state}\""), u64::from(state == now));
        }
    }
    head(&mut out, "connections", "gauge", "Connections to the page");
    sample(&mut out, "connections", "", readers as u64);
    head(&mut out, "info", "gauge", "What the run is made with");
    let Facts { tool, model, provider, .. } = facts;
    let labels = format!("tool=\"{}\",model=\"{}\",provider=\"{}\"", quoted(tool), quoted(model), quoted(provider));
    sample(&mut out, "info", &labels, 1);
    out
}

fn read(number: &AtomicU64) -> u64 {
    number.load(Ordering::Relaxed)
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to memory can't fail, here and below.
    let _ = writeln!(out, "# HELP cyborg_{name} {help}\n# TYPE cyborg_{name} {kind}");
}

fn sample(out: &mut String, name: &str, labels: &str, value: u64) {
    let _ = match labels {
        "" => writeln!(out, "cyborg_{name} {value}"),
        labels => writeln!(out, "cyborg_{name}{{{labels}}} {value}"),
    };
}

/// The outputs of events; nothing where there is none.
fn outputs(out: &mut String, outputs: &[OutputCount]) {
    if outputs.is_empty() {
        return;
    }
    head(out, "events_sent_total", "counter", "Events by way out and what came of them");
    for output in outputs {
        for (fate, number) in [("delivered", output.delivered), ("failed", output.failed), ("dropped", output.dropped)]
        {
            sample(out, "events_sent_total", &format!("way=\"{}\",fate=\"{fate}\"", output.name), number);
        }
    }
    head(out, "event_retries_total", "counter", "Tries to send an event that failed and were made again");
    outputs
        .iter()
        .for_each(|output| sample(out, "event_retries_total", &format!("way=\"{}\"", output.name), output.retried));
    head(out, "events_waiting", "gauge", "Events that wait to be sent");
    outputs
        .iter()
        .for_each(|output| sample(out, "events_waiting", &format!("way=\"{}\"", output.name), output.waiting));
}

fn ages(out: &mut String, source: &str, stage: &str, ages: &Ages) {
    let mut sum = 0;
    let edges = AGE_EDGES_MS.iter().map(|&edge| (edge as f64 / 1e3).to_string()).chain(["+Inf".to_owned()]);
    for (edge, number) in edges.zip(ages.buckets()) {
        sum += number;
        sample(out, "age_seconds_bucket", &format!("{source},stage=\"{stage}\",le=\"{edge}\""), sum);
    }
    let _ = writeln!(out, "cyborg_age_seconds_sum{{{source},stage=\"{stage}\"}} {}", ages.sum().as_secs_f64());
    sample(out, "age_seconds_count", &format!("{source},stage=\"{stage}\""), sum);
}

/// A label's value: backslash, quote and new line are written with a backslash.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::live::page::{Feed, FeedFacts, FeedKind, Limits};
    use crate::live::view::Audience as _;

    fn feed(name: &str) -> Arc<Feed> {
        let facts = FeedFacts { name: name.to_owned(), kind: FeedKind::Camera, whole: true };
        Arc::new(Feed::new(facts, Arc::new(LiveMetrics::default())))
    }

    #[test]
    fn buckets_are_summed_up_and_labels_quoted() {
        let feeds = vec![feed("a"), feed("a")];
        for age in [4, 30, 30, 9000] {
            feeds[0].metrics.verdict_age.count(Duration::from_millis(age));
        }
        feeds[0].metrics.overwritten.fetch_add(3, Ordering::Relaxed);
        feeds[1].metrics.overwritten.fetch_add(5, Ordering::Relaxed);
        feeds[0].source(SourceState::Ended);
        let thresholds = Limits { authentic_below: 0.3, synthetic_above: 0.7 };
        let (tool, provider, record) = ("cyborg".to_owned(), "cpu".to_owned(), None);
        let facts = Facts { tool, model: "a \"b\\\n".into(), provider, thresholds, record };
        let text = text(&Page::new(feeds), &facts, 2);
        for line in [
            "cyborg_age_seconds_bucket{source=\"a\",stage=\"verdict\",le=\"0.005\"} 1\n",
            "cyborg_age_seconds_bucket{source=\"a\",stage=\"verdict\",le=\"0.033\"} 3\n",
            "cyborg_age_seconds_bucket{source=\"a\",stage=\"verdict\",le=\"5\"} 3\n",
            "cyborg_age_seconds_bucket{source=\"a\",stage=\"verdict\",le=\"+Inf\"} 4\n",
            "cyborg_age_seconds_sum{source=\"a\",stage=\"verdict\"} 9.064\n",
            "cyborg_age_seconds_count{source=\"a\",stage=\"verdict\"} 4\n",
            "cyborg_frames_dropped_total{source=\"a\",cause=\"overwritten\"} 3\n",
            "cyborg_frames_dropped_total{source=\"a (2)\",cause=\"overwritten\"} 5\n",
            "cyborg_source_state{source=\"a\",state=\"ended\"} 1\n",
            "cyborg_source_state{source=\"a (2)\",state=\"starting\"} 1\n",
            "model=\"a \\\"b\\\\\\n\"",
        ] {
            assert!(text.contains(line), "`{line}` is not in\n{text}");
        }
        assert_eq!(text.matches("# TYPE cyborg_age_seconds ").count(), 1, "each is explained once");
    }
}
