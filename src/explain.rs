//! Errors of any kind, and one with its causes as one line for people.

use std::error::Error;
use std::iter::successors;

/// An error of any kind: what a source, a detector, a classifier or a sink may fail with. Each may come from outside this crate.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The error and its causes, each said once: many messages hold their cause already.
#[must_use]
pub fn explain(error: &impl AsRef<dyn Error + Send + Sync>) -> String {
    let mut line = String::new();
    let first: &dyn Error = error.as_ref();
    for cause in successors(Some(first), |&cause| cause.source()).map(ToString::to_string) {
        if !line.contains(&cause) {
            if !line.is_empty() {
                line += ": ";
            }
            line += &cause;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::explain;

    #[test]
    fn each_cause_is_said_once() {
        let error = anyhow!("disk full").context("can't write a.csv: disk full").context("the clip was not completed");
        assert_eq!(explain(&error), "the clip was not completed: can't write a.csv: disk full");
    }
}
