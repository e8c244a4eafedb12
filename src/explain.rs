//! An error with its causes, as one line for people.

/// The error and its causes, each said once: many messages hold their cause already.
#[must_use]
pub fn explain(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
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
