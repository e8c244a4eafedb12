//! Flags of `train` that say which layers of a network learn, and on what.

use std::path::PathBuf;

use clap::Args;

use crate::data::augment::Preset;
use crate::data::config::absolute;
use crate::network::Network;
use crate::torch::Tune;

/// Variants of a face that are kept unless told otherwise.
const VIEWS: u64 = 4;

#[derive(Args, Debug)]
pub(super) struct TuningArgs {
    /// Freeze the layers before the first whose map is this many times smaller than the picture; 1 freezes none
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(super) freeze: u8,
    /// Which layers learn: all, norms (normalisations and the classifier) or head (what comes behind the trunk)
    #[arg(long, value_name = "LAYERS", default_value = "all")]
    pub(super) tune: Tune,
    /// With `--tune head`: keep what the trunk gives for each face in this folder, so that it runs once and not in each epoch
    #[arg(long, value_name = "FOLDER")]
    pub(super) cache: Option<PathBuf>,
    /// With `--cache` and `--augment`: variants of each face that are kept, and shown in turns [default: 4]
    #[arg(long, value_name = "N", requires = "cache", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(super) views: Option<u64>,
    /// Shuffle the patches of clip_vit_b16 in training, before their places are added
    #[arg(long)]
    pub(super) shuffle_patches: bool,
}

/// What else is asked for that must go together with these flags.
pub(super) struct Beside {
    pub(super) augment: Preset,
    /// Whether fakes are made in training.
    pub(super) makes_fakes: bool,
    /// Whether faces are coded as video.
    pub(super) codes: bool,
}

impl TuningArgs {
    /// Whether the flags go together.
    pub(super) fn check(&self, network: &Network, beside: &Beside) -> anyhow::Result<()> {
        let has_blocks = network.architecture.depth().is_some();
        let head_alone = self.tune == Tune::Head;
        let faults = [
            (
                self.freeze > 1 && has_blocks,
                "--freeze goes by the size of a layer's map, and all blocks of clip_vit_b16 have one size: use --tune",
            ),
            (
                self.freeze > 1 && self.tune != Tune::All,
                "--freeze and --tune both say which layers learn: give one of them",
            ),
            (
                self.shuffle_patches && !has_blocks,
                "--shuffle-patches is for clip_vit_b16, other networks have no patches",
            ),
            (self.cache.is_some() && !head_alone, "--cache stores the features of a frozen trunk: add --tune head"),
            (
                self.cache.is_some() && beside.makes_fakes,
                "--forge and --swap make new faces in every epoch, which a cache can't hold: drop them, or drop --cache",
            ),
            (
                self.cache.is_some() && beside.codes,
                "--video-coding recompresses faces in every epoch, which a cache can't hold: drop it, or drop --cache",
            ),
            (
                self.cache.is_some() && self.shuffle_patches,
                "--shuffle-patches changes what the trunk sees in each epoch: leave it out, or --cache",
            ),
            (
                self.cache.is_some() && network.tap_node().0 < network.trunk.0,
                "the reference tap lies inside the trunk, of which --cache keeps the end alone: give --cam-tap head",
            ),
            (
                self.views.is_some() && beside.augment == Preset::None,
                "--views counts variants, and without --augment there is one: leave it out, or give --augment",
            ),
        ];
        match faults.into_iter().find(|(found, _)| *found) {
            Some((_, fault)) => crate::cli::outcome::wrong_usage(fault),
            None => Ok(()),
        }
    }

    /// Where the cache is, from whatever folder the runs are gone on with.
    pub(super) fn cache(&self) -> anyhow::Result<Option<PathBuf>> {
        self.cache.as_deref().map(absolute).transpose()
    }

    /// Variants of each face in it.
    pub(super) fn views(&self) -> Option<u64> {
        self.cache.as_ref().map(|_| self.views.unwrap_or(VIEWS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Architecture, Tap};

    const PLAIN: TuningArgs =
        TuningArgs { freeze: 1, tune: Tune::All, cache: None, views: None, shuffle_patches: false };

    /// No fakes, and no video.
    const NONE: [bool; 2] = [false; 2];

    fn check(args: &TuningArgs, network: &Network, made: [bool; 2], says: &str) {
        let [makes_fakes, codes] = made;
        let beside = Beside { augment: Preset::None, makes_fakes, codes };
        match args.check(network, &beside) {
            Ok(()) => assert_eq!(says, "", "{args:?}"),
            Err(error) => assert!(!says.is_empty() && error.to_string().contains(says), "{args:?}: {error}"),
        }
    }

    #[test]
    fn flags_that_do_not_go_together_are_told() {
        let clip = Architecture::known("clip_vit_b16").with_depth(Some(1)).expect("one of its blocks").describe(2);
        let lite = Architecture::known("efficientnet_lite0").describe(2);
        let frozen = || TuningArgs { freeze: 8, ..PLAIN };
        let cached = || TuningArgs { tune: Tune::Head, cache: Some("kept".into()), ..PLAIN };
        check(&frozen(), &lite, [true, false], "");
        check(&frozen(), &clip, NONE, "use --tune");
        check(&TuningArgs { tune: Tune::Norms, ..frozen() }, &lite, NONE, "give one of them");
        check(&TuningArgs { shuffle_patches: true, ..PLAIN }, &clip, NONE, "");
        check(&TuningArgs { shuffle_patches: true, ..PLAIN }, &lite, NONE, "no patches");
        check(&cached(), &clip, NONE, "");
        check(&cached(), &clip.with_tap(Tap::Reference), NONE, "");
        check(&cached(), &lite, NONE, "");
        check(&cached(), &lite.clone().with_tap(Tap::Reference), NONE, "--cam-tap head");
        check(&TuningArgs { tune: Tune::Norms, ..cached() }, &lite, NONE, "add --tune head");
        check(&cached(), &lite, [true, false], "a cache can't hold");
        check(&cached(), &lite, [false, true], "a cache can't hold");
        check(&TuningArgs { views: Some(2), ..cached() }, &lite, NONE, "leave it out, or give --augment");
    }
}
