//! One verdict from several experts: their evidence is added up a kind of synthetic face, and the strongest kind decides.
//!
//! For each kind k, `e_k = bias_k + sum of weight_i * evidence_i` over its experts, where `evidence_i` is the expert's own
//! calibrated logit; then `e = max of e_k`, and p(synthetic) is the sigmoid of e. A face need look synthetic in one way only:
//! who looks for swapped faces has nothing to say against a generated one. As weights are positive, e grows with the
//! evidence of each expert.

use cyborg_models::contract::Kind;

/// Kinds that are told apart: generated, swapped, and what experts look for who don't say it.
pub const KINDS: [Option<Kind>; 3] = [Some(Kind::Generated), Some(Kind::Swapped), None];

/// How the evidence of experts becomes one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The experts, in the order of their evidence.
    pub voices: Vec<Voice>,
    /// What is added to the evidence of each kind, in the order of [`KINDS`]; finite.
    pub bias: [f32; 3],
}

/// What an expert counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    /// What it looks for.
    pub kind: Option<Kind>,
    /// What its evidence is multiplied by; finite and above 0.
    pub weight: f32,
}

/// What experts come to about a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// The evidence for synthetic, in logits; NaN where no expert gave a number.
    pub evidence: f32,
    /// The kind with the largest evidence.
    pub kind: Option<Kind>,
    /// Of the experts on that kind, the one that gave most of it: its place in [`Rule::voices`]. It shows where it saw that.
    pub voice: usize,
}

/// The place of a kind in [`KINDS`].
#[must_use]
pub fn place(kind: Option<Kind>) -> usize {
    match kind {
        Some(Kind::Generated) => 0,
        Some(Kind::Swapped) => 1,
        None => 2,
    }
}

impl Rule {
    /// What the experts come to, by the evidence of each, in their order.
    ///
    /// An expert that gives no number (NaN) has said nothing and is left out; a kind of whose experts none gives one is out,
    /// too. Of equals the first one decides.
    #[must_use]
    pub fn decide(&self, evidence: impl IntoIterator<Item = f32>) -> Decision {
        // In 64 bits nothing overflows, and what one expert alone says comes out as it went in.
        let mut sums = [None::<Sum>; 3];
        for (at, (voice, evidence)) in self.voices.iter().zip(evidence).enumerate() {
            if evidence.is_nan() {
                continue;
            }
            let part = f64::from(voice.weight) * f64::from(evidence.clamp(f32::MIN, f32::MAX));
            let kind = place(voice.kind);
            let sum = sums[kind].get_or_insert(Sum { evidence: self.bias[kind].into(), voice: at, most: part });
            sum.evidence += part;
            if part > sum.most {
                (sum.voice, sum.most) = (at, part);
            }
        }
        let mut decision = Decision { evidence: f32::NAN, kind: None, voice: 0 };
        let mut most = f64::NEG_INFINITY;
        for (sum, kind) in sums.into_iter().zip(KINDS) {
            if let Some(Sum { evidence, voice, .. }) = sum.filter(|sum| sum.evidence > most) {
                most = evidence;
                decision = Decision { evidence: evidence as f32, kind, voice };
            }
        }
        decision
    }
}

/// What the experts on one kind come to.
#[derive(Clone, Copy, Debug)]
struct Sum {
    evidence: f64,
    /// Who gave most, and how much.
    voice: usize,
    most: f64,
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    const GENERATED: Option<Kind> = Some(Kind::Generated);
    const SWAPPED: Option<Kind> = Some(Kind::Swapped);

    fn rule(voices: &[(Option<Kind>, f32)], bias: [f32; 3]) -> Rule {
        Rule { voices: voices.iter().map(|&(kind, weight)| Voice { kind, weight }).collect(), bias }
    }

    fn check(evidence: &[f32], expected: (f32, Option<Kind>, usize)) {
        let rule = rule(&[(GENERATED, 0.5), (SWAPPED, 2.0), (GENERATED, 1.0), (None, 1.0)], [0.25, -1.0, 0.0]);
        let Decision { evidence: found, kind, voice } = rule.decide(evidence.iter().copied());
        assert!((found - expected.0).abs() < 1e-6 || (found.is_nan() && expected.0.is_nan()), "{evidence:?}: {found}");
        assert_eq!((kind, voice), (expected.1, expected.2), "{evidence:?}");
    }

    #[test]
    fn the_strongest_kind_decides() {
        // Generated 0.25 + 0.5 * 2 + 1 = 2.25, swapped -1 + 2 * 1.5 = 2, all 0.5.
        check(&[2.0, 1.5, 1.0, 0.5], (2.25, GENERATED, 0));
        check(&[2.0, 1.7, 1.0, 0.5], (2.4, SWAPPED, 1));
        check(&[2.0, 1.5, 1.1, 0.5], (2.35, GENERATED, 2));
        check(&[-2.0, -1.5, -1.0, -0.5], (-0.5, None, 3));
        // Both 0.25: of equals the first one decides.
        check(&[0.0, -9.0, 0.0, 0.25], (0.25, GENERATED, 0));
    }

    #[test]
    fn who_gives_no_number_is_left_out() {
        let none = f32::NAN;
        check(&[none, 1.5, 1.0, 0.5], (2.0, SWAPPED, 1));
        check(&[none, 0.5, 1.0, 0.5], (1.25, GENERATED, 2));
        // A kind of which nobody speaks has no bias either.
        check(&[none, -9.0, none, -2.0], (-2.0, None, 3));
        check(&[none; 4], (none, None, 0));
        check(&[f32::INFINITY, 0.0, f32::NEG_INFINITY, 0.0], (0.0, None, 3));
    }

    #[test]
    fn one_expert_alone_says_what_it_says() {
        for evidence in [0.1_f32, -7.3e-5, f32::MAX, 1.0 / 3.0] {
            let decision = rule(&[(SWAPPED, 1.0)], [0.0; 3]).decide([evidence]);
            assert_eq!(decision, Decision { evidence, kind: SWAPPED, voice: 0 });
        }
    }

    fn number(random: &mut ChaCha8Rng) -> f32 {
        (f64::from(random.next_u32()) / f64::from(u32::MAX) * 24.0 - 12.0) as f32
    }

    /// Calls `property` with many rules and what their experts say.
    fn for_many(property: impl Fn(&mut ChaCha8Rng, &Rule, &[f32])) {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        for _ in 0..2000 {
            let count = 1 + random.next_u32() as usize % 5;
            let voices: Vec<_> =
                (0..count).map(|_| (KINDS[random.next_u32() as usize % 3], number(&mut random).abs() + 0.01)).collect();
            let rule = rule(&voices, [(); 3].map(|()| number(&mut random) / 4.0));
            let evidence: Vec<f32> =
                (0..count).map(|_| if random.next_u32() % 8 == 0 { f32::NAN } else { number(&mut random) }).collect();
            property(&mut random, &rule, &evidence);
        }
    }

    #[test]
    fn more_evidence_of_anybody_never_gives_less() {
        for_many(|random, rule, evidence| {
            let before = rule.decide(evidence.iter().copied()).evidence;
            let at = random.next_u32() as usize % evidence.len();
            let mut more = evidence.to_vec();
            more[at] += number(random).abs();
            let after = rule.decide(more.iter().copied()).evidence;
            assert!(after >= before || before.is_nan(), "{rule:?} {evidence:?} {at}: {before}, {after}");
        });
    }

    #[test]
    fn who_says_nothing_changes_nothing() {
        for_many(|random, rule, evidence| {
            let at = random.next_u32() as usize % evidence.len();
            let (mut silent, mut without, mut rest) = (evidence.to_vec(), rule.clone(), evidence.to_vec());
            silent[at] = f32::NAN;
            without.voices.remove(at);
            rest.remove(at);
            let (found, expected) = (rule.decide(silent), without.decide(rest));
            assert_eq!(found.kind, expected.kind);
            assert!(found.evidence == expected.evidence || (found.evidence.is_nan() && expected.evidence.is_nan()));
        });
    }

    #[test]
    fn the_voice_is_of_the_kind_and_speaks_most_for_it() {
        for_many(|_, rule, evidence| {
            let Decision { evidence: found, kind, voice } = rule.decide(evidence.iter().copied());
            if found.is_nan() {
                return;
            }
            let part = |at: usize| rule.voices[at].weight * evidence[at];
            assert_eq!(rule.voices[voice].kind, kind);
            let of_kind = (0..evidence.len()).filter(|&at| rule.voices[at].kind == kind && !evidence[at].is_nan());
            let (mut sum, bias) = (0.0, rule.bias[place(kind)]);
            for at in of_kind {
                assert!(part(voice) >= part(at));
                sum += part(at);
            }
            assert!((sum + bias - found).abs() < 1e-3, "{rule:?} {evidence:?}: {found}");
        });
    }
}
