//! The numbers of a run in Prometheus' text format, version 0.0.4.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::settings::Facts;
use crate::live::metrics::{AGE_EDGES_MS, Ages, LiveMetrics, OutputCount};
use crate::live::view::SourceState;
use crate::verdict::Verdict;

/// All numbers. `readers` is how many connections there are.
pub(super) fn text(metrics: &LiveMetrics, source: &SourceState, facts: &Facts, readers: usize) -> String {
    let mut out = String::new();
    let read = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
    head(&mut out, "frames_captured_total", "counter", "Frames that the source gave");
    sample(&mut out, "frames_captured_total", "", read(&metrics.captured));
    head(&mut out, "frames_dropped_total", "counter", "Frames that were not looked at, by cause");
    sample(&mut out, "frames_dropped_total", "cause=\"overwritten\"", read(&metrics.overwritten));
    sample(&mut out, "frames_dropped_total", "cause=\"damaged\"", read(&metrics.damaged));
    head(&mut out, "frames_shown_total", "counter", "Frames that were shown");
    sample(&mut out, "frames_shown_total", "", read(&metrics.shown));
    head(&mut out, "faces_scored_total", "counter", "Faces that were scored");
    sample(&mut out, "faces_scored_total", "", read(&metrics.scored));
    head(&mut out, "source_lost_total", "counter", "Times that the source was lost");
    sample(&mut out, "source_lost_total", "", read(&metrics.lost));
    head(
        &mut out,
        "verdicts_total",
        "counter",
        "Verdicts on a person that differ from the one before, those at first sight among them",
    );
    for (verdict, number) in [Verdict::Authentic, Verdict::Unsure, Verdict::Synthetic].iter().zip(&metrics.verdicts) {
        sample(&mut out, "verdicts_total", &format!("verdict=\"{verdict}\""), read(number));
    }
    head(&mut out, "events_total", "counter", "Events reported");
    sample(&mut out, "events_total", "", read(&metrics.events));
    outputs(&mut out, &metrics.output_counts());
    if let Some(record) = metrics.record.get() {
        head(
            &mut out,
            "record_rows_total",
            "counter",
            "Scored faces for the record of the session and what came of them",
        );
        sample(&mut out, "record_rows_total", "fate=\"written\"", read(&record.written));
        sample(&mut out, "record_rows_total", "fate=\"dropped\"", read(&record.dropped));
    }
    head(&mut out, "age_seconds", "histogram", "Age of frames since they were captured, by stage");
    ages(&mut out, "shown", &metrics.shown_age);
    ages(&mut out, "verdict", &metrics.verdict_age);
    head(&mut out, "source_state", "gauge", "1 for the state that the source is in");
    let now = match source {
        SourceState::Starting => "starting",
        SourceState::Playing { .. } => "playing",
        SourceState::Lost { .. } => "lost",
        SourceState::Ended => "ended",
    };
    for state in ["starting", "playing", "lost", "ended"] {
        sample(&mut out, "source_state", &format!("state=\"{state}\""), u64::from(state == now));
    }
    head(&mut out, "connections", "gauge", "Connections to the page");
    sample(&mut out, "connections", "", readers as u64);
    head(&mut out, "info", "gauge", "What the run is made with");
    let Facts { tool, model, provider, .. } = facts;
    let labels = format!("tool=\"{}\",model=\"{}\",provider=\"{}\"", quoted(tool), quoted(model), quoted(provider));
    sample(&mut out, "info", &labels, 1);
    out
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

fn ages(out: &mut String, stage: &str, ages: &Ages) {
    let mut sum = 0;
    let edges = AGE_EDGES_MS.iter().map(|&edge| (edge as f64 / 1e3).to_string()).chain(["+Inf".to_owned()]);
    for (edge, number) in edges.zip(ages.buckets()) {
        sum += number;
        sample(out, "age_seconds_bucket", &format!("stage=\"{stage}\",le=\"{edge}\""), sum);
    }
    let _ = writeln!(out, "cyborg_age_seconds_sum{{stage=\"{stage}\"}} {}", ages.sum().as_secs_f64());
    sample(out, "age_seconds_count", &format!("stage=\"{stage}\""), sum);
}

/// A label's value: backslash, quote and new line are written with a backslash.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::live::page::Limits;

    #[test]
    fn buckets_are_summed_up_and_labels_quoted() {
        let metrics = LiveMetrics::default();
        for age in [4, 30, 30, 9000] {
            metrics.verdict_age.count(Duration::from_millis(age));
        }
        metrics.overwritten.fetch_add(3, Ordering::Relaxed);
        let thresholds = Limits { authentic_below: 0.3, synthetic_above: 0.7 };
        let (tool, source) = ("cyborg".to_owned(), "a".to_owned());
        let facts = Facts { tool, source, model: "a \"b\\\n".into(), provider: "cpu".into(), thresholds };
        let text = text(&metrics, &SourceState::Ended, &facts, 2);
        for line in [
            "cyborg_age_seconds_bucket{stage=\"verdict\",le=\"0.005\"} 1\n",
            "cyborg_age_seconds_bucket{stage=\"verdict\",le=\"0.033\"} 3\n",
            "cyborg_age_seconds_bucket{stage=\"verdict\",le=\"5\"} 3\n",
            "cyborg_age_seconds_bucket{stage=\"verdict\",le=\"+Inf\"} 4\n",
            "cyborg_age_seconds_sum{stage=\"verdict\"} 9.064\n",
            "cyborg_age_seconds_count{stage=\"verdict\"} 4\n",
            "cyborg_frames_dropped_total{cause=\"overwritten\"} 3\n",
            "cyborg_source_state{state=\"ended\"} 1\n",
            "model=\"a \\\"b\\\\\\n\"",
        ] {
            assert!(text.contains(line), "`{line}` is not in\n{text}");
        }
    }
}
