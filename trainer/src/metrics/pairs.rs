//! Pairs of a fake and the real face that it was made from: in how many is the fake the higher one?
//!
//! That is an AUC of pairs alone: person, light and camera are the same in both halves, so nothing else can tell them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::normal::REACH_95;
use super::proportion::wilson;

/// The scores of a fake and of its own real face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairScores<'a> {
    /// What several pairs may be of: a clip or a person. Such pairs don't say much more than one.
    pub group: &'a str,
    /// Score of the fake.
    pub fake: f64,
    /// Score of the real face.
    pub real: f64,
}

/// The share of pairs in order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InOrder {
    /// Pairs.
    pub pairs: usize,
    /// Groups that they are of.
    pub groups: usize,
    /// Share of pairs in which the fake scores higher than its real face; ties count half.
    pub share: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// The share of pairs in order; nothing without a pair. The interval is that of a mean over groups of unequal size (the
/// variance of a ratio, W. G. Cochran, Sampling Techniques, 1977, 6.3), so that many frames of a clip count as one clip. Where
/// all groups say the same it is Wilson's, by the number of groups.
#[must_use]
pub fn in_order(pairs: &[PairScores<'_>]) -> Option<InOrder> {
    let mut groups: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for pair in pairs {
        let (won, all) = groups.entry(pair.group).or_default();
        *won += match pair.fake.total_cmp(&pair.real) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        *all += 1.0;
    }
    let (count, parts) = (pairs.len(), groups.len());
    if count == 0 {
        return None;
    }
    let share = groups.values().map(|(won, _)| won).sum::<f64>() / count as f64;
    let square: f64 = groups.values().map(|(won, all)| (won - share * all).powi(2)).sum();
    let (low, high) = if parts > 1 && square > 0.0 {
        let variance = square / (count as f64).powi(2) * parts as f64 / (parts - 1) as f64;
        let reach = REACH_95 * variance.sqrt();
        ((share - reach).max(0.0), (share + reach).min(1.0))
    } else {
        // Rounding may put an end a hair inside of the share.
        let (low, high) = wilson(share, parts as f64);
        (low.min(share), high.max(share))
    };
    Some(InOrder { pairs: count, groups: parts, share, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(group: &str, fake: f64, real: f64) -> PairScores<'_> {
        PairScores { group, fake, real }
    }

    #[test]
    fn ties_count_half_and_groups_are_what_is_sure() {
        // Group a: 2 of 2; b: 0.5 of 1; c: 0 of 1. So 2.5 of 4.
        let found = in_order(&[pair("a", 2.0, 1.0), pair("a", 3.0, -1.0), pair("b", 1.0, 1.0), pair("c", 0.0, 1.0)]);
        let found = found.expect("there are pairs");
        assert_eq!((found.pairs, found.groups, found.share), (4, 3, 0.625));
        // By hand: (2 - 1.25)^2 + (0.5 - 0.625)^2 + (0 - 0.625)^2 = 0.96875; over 16, times 3 / 2: 0.090820; its root is
        // 0.301364, times 1.959964: 0.590665.
        assert!((found.low - 0.034_335).abs() < 1e-5 && found.high == 1.0, "{found:?}");
    }

    #[test]
    fn groups_that_say_the_same_have_wilsons_interval() {
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let all: Vec<PairScores<'_>> = names.iter().flat_map(|name| [pair(name, 1.0, 0.0); 7]).collect();
        let found = in_order(&all).expect("there are pairs");
        assert_eq!((found.pairs, found.groups, found.share, found.high), (70, 10, 1.0, 1.0));
        assert!((found.low - 0.722).abs() < 1e-3, "10 of 10: {found:?}");
        let one = in_order(&[pair("a", 1.0, 0.0), pair("a", 0.0, 1.0)]).expect("there are pairs");
        assert!(one.share == 0.5 && one.low < 0.1 && one.high > 0.9, "one group says nearly nothing: {one:?}");
        assert_eq!(in_order(&[]), None);
    }
}
