//! Who should be left out and why, by stated rules. Nobody is left out by them: that is for the user to say.

use serde::Serialize;

use super::signal::Answers;
use crate::metrics::Proportion;

/// Bounds of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rules {
    /// At least so many checks failed, and more than the share below.
    pub failed_checks: usize,
    /// Share of failed checks that is more than a slip.
    pub failed_share: f64,
    /// Answers that are needed before accuracy or one-sidedness count.
    pub answers: usize,
    /// The upper end of the 95 % interval of the accuracy lies below this.
    pub accuracy_below: f64,
    /// The median answer took less, in seconds.
    pub quickest: f64,
    /// At least so large a share of the answers is the same.
    pub same_answer: f64,
    /// Repeats that are needed before agreement with oneself counts.
    pub repeats: usize,
    /// Cohen's kappa of the repeats is at most this.
    pub kappa: f64,
}

/// What the rules look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// Answers to faces shown alone.
    pub answers: Answers,
    /// Right choices among pairs.
    pub pairs: Option<Proportion>,
    /// Passed checks.
    pub checks: Option<Proportion>,
    /// Median of the seconds an answer took.
    pub median: Option<f64>,
    /// Repeats that were answered as before, and Cohen's kappa.
    pub repeats: Option<(Proportion, f64)>,
}

impl Rules {
    /// The usual bounds, but for the quickest median in seconds.
    #[must_use]
    pub fn usual(quickest: f64) -> Self {
        Self {
            failed_checks: 2,
            failed_share: 0.2,
            answers: 20,
            accuracy_below: 0.5,
            quickest,
            same_answer: 0.95,
            repeats: 8,
            kappa: 0.0,
        }
    }

    /// The rules in words, in the order in which they are looked at.
    #[must_use]
    pub fn words(&self) -> [String; 5] {
        let percent = |share: f64| (share * 100.0).round();
        [
            format!(
                "{} checks or more failed, and more than {} % of them",
                self.failed_checks,
                percent(self.failed_share)
            ),
            format!(
                "of at least {} answers so few right that the upper end of the 95 % interval is below {} %: worse than \
                 guessing",
                self.answers,
                percent(self.accuracy_below)
            ),
            format!("a median answer quicker than {} s", self.quickest),
            format!("{} % or more of at least {} answers the same", percent(self.same_answer), self.answers),
            format!(
                "of at least {} repeats answered no more alike than by chance (Cohen's kappa of {} or less)",
                self.repeats, self.kappa
            ),
        ]
    }

    /// Why an annotator should be left out; nothing of one who is as annotators should be.
    #[must_use]
    pub fn reasons(&self, record: &Record) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut because = |rule, what: String| reasons.push(Reason { rule, what });
        if let Some(checks) = record.checks {
            let failed = checks.of - checks.count;
            if failed >= self.failed_checks && failed as f64 > self.failed_share * checks.of as f64 {
                because(Rule::Checks, format!("failed {failed} of {} checks", checks.of));
            }
        }
        let answers = record.answers;
        let right = Proportion::new(answers.right(), answers.all());
        for (right, what) in [(right, "answers"), (record.pairs, "choices")] {
            let Some(right) = right.filter(|right| right.of >= self.answers && right.high < self.accuracy_below) else {
                continue;
            };
            because(Rule::Accuracy, format!("{} of {} {what} right, worse than guessing", right.count, right.of));
        }
        if let Some(median) = record.median.filter(|median| *median < self.quickest) {
            because(Rule::Quick, format!("half of the answers took less than {median:.2} s"));
        }
        let synthetic = answers.hits + answers.false_alarms;
        let most = synthetic.max(answers.all() - synthetic);
        let both_shown = answers.synthetic > 0 && answers.real > 0;
        if both_shown && answers.all() >= self.answers && most as f64 >= self.same_answer * answers.all() as f64 {
            let word = if most == synthetic { "synthetic" } else { "real" };
            because(Rule::SameAnswer, format!("called {most} of {} faces {word}", answers.all()));
        }
        if let Some((same, kappa)) = record.repeats.filter(|(same, _)| same.of >= self.repeats)
            && kappa <= self.kappa
        {
            let what = format!("{} of {} repeats answered as before, kappa {kappa:.2}", same.count, same.of);
            because(Rule::Repeats, what);
        }
        reasons
    }
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Failed checks.
    Checks,
    /// Worse than guessing.
    Accuracy,
    /// Too quick.
    Quick,
    /// Always the same answer.
    SameAnswer,
    /// No agreement with themselves.
    Repeats,
}

/// Why somebody should be left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// By which rule.
    pub rule: Rule,
    /// In words, with the numbers.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing speaks against them: 30 of 40 right, half of them called synthetic.
    fn sound() -> Record {
        let right = |count, of| Proportion::new(count, of).expect("there are some");
        Record {
            answers: Answers { hits: 15, synthetic: 20, false_alarms: 5, real: 20 },
            pairs: Some(right(15, 20)),
            checks: Some(right(9, 10)),
            median: Some(4.0),
            repeats: Some((right(8, 10), 0.6)),
        }
    }

    fn check(change: fn(&mut Record), expected: &[Rule]) {
        let mut record = sound();
        change(&mut record);
        let found: Vec<Rule> = Rules::usual(1.5).reasons(&record).iter().map(|reason| reason.rule).collect();
        assert_eq!(found, expected, "{record:?}");
    }

    #[test]
    fn each_rule_says_why() {
        check(|_| {}, &[]);
        check(|record| record.checks = Proportion::new(3, 5), &[Rule::Checks]);
        check(|record| record.checks = Proportion::new(0, 1), &[]);
        check(|record| record.checks = Proportion::new(8, 10), &[]);
        check(|record| record.median = Some(1.4), &[Rule::Quick]);
        check(|record| record.repeats = record.repeats.map(|(same, _)| (same, 0.0)), &[Rule::Repeats]);
        check(|record| record.repeats = Proportion::new(2, 4).map(|same| (same, -1.0)), &[]);
        check(|record| record.pairs = Proportion::new(3, 20), &[Rule::Accuracy]);
        check(|record| (record.answers.hits, record.answers.false_alarms) = (4, 15), &[Rule::Accuracy]);
        check(|record| (record.answers.hits, record.answers.false_alarms) = (20, 19), &[Rule::SameAnswer]);
        check(|record| (record.answers.hits, record.answers.false_alarms) = (0, 1), &[Rule::SameAnswer]);
        // Chance alone speaks against nobody: good fakes are hard.
        check(|record| (record.answers.hits, record.answers.false_alarms) = (10, 10), &[]);
    }
}
