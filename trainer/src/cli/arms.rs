//! The arms of an experiment: settings that differ in their saliency alone.

use anyhow::ensure;
use clap::ValueEnum;

use super::outcome::wrong_usage;
use crate::data::config::SaliencyName;
use crate::fit::FitData;
use crate::run_folder::Config;

/// Folder of the setting without saliency, where no arms are named.
pub(super) const CLASSICAL: &str = "classical";
/// Folder of the setting with saliency.
pub(super) const CYBORG: &str = "cyborg";

/// Where an arm's saliency comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Arm {
    /// The list's maps; a face without one has no saliency term
    Human,
    /// A prior by landmarks in place of the list's maps: for the very faces that have one
    Prior,
    /// A prior by landmarks for all faces
    PriorForAll,
    /// The list's maps, and a prior by landmarks for faces without one
    Both,
    /// No saliency in the loss
    None,
}

/// A setting of an experiment.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Its name, and its folder's.
    pub(super) name: &'static str,
    /// How its runs are made.
    pub(super) config: Config,
}

impl Arm {
    /// Name of its folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Prior => "prior",
            Self::PriorForAll => "prior-for-all",
            Self::Both => "both",
            Self::None => "none",
        }
    }

    /// Names of the folders that an experiment may have.
    pub(super) fn folders() -> impl Iterator<Item = &'static str> {
        Self::value_variants().iter().map(|arm| arm.folder())
    }

    fn saliency(self) -> SaliencyName {
        match self {
            Self::Human | Self::None => SaliencyName::Maps,
            Self::Prior => SaliencyName::MappedPrior,
            Self::PriorForAll => SaliencyName::Prior,
            Self::Both => SaliencyName::Landmarks,
        }
    }

    fn config(self, base: &Config) -> Config {
        let mut config = base.clone();
        config.data.saliency = self.saliency();
        if self == Self::None {
            config.fit.loss.alpha = 1.0;
        }
        config
    }
}

/// What faces must be looked at for, so that all arms can be trained on them; nothing where there are no arms.
pub(super) fn looked_at(arms: &[Arm]) -> Option<SaliencyName> {
    let has_prior = arms.iter().any(|arm| arm.saliency() != SaliencyName::Maps);
    (!arms.is_empty()).then_some(if has_prior { SaliencyName::Landmarks } else { SaliencyName::Maps })
}

/// Checks that arms can be compared.
pub(super) fn check(arms: &[Arm]) -> anyhow::Result<()> {
    if arms.is_empty() {
        return Ok(());
    }
    if arms.len() < 2 || !arms.contains(&Arm::None) {
        return wrong_usage("`--arms` needs `none`, with which the others are compared, and one other at least");
    }
    if arms.iter().enumerate().any(|(at, arm)| arms[..at].contains(arm)) {
        return wrong_usage("`--arms` names an arm twice");
    }
    Ok(())
}

/// The settings of an experiment, that without saliency first: it is what the others are compared with.
pub(super) fn settings(arms: &[Arm], base: &Config) -> Vec<Setting> {
    if arms.is_empty() {
        let mut classical = base.clone();
        classical.fit.loss.alpha = 1.0;
        let cyborg = Setting { name: CYBORG, config: base.clone() };
        return vec![Setting { name: CLASSICAL, config: classical }, cyborg];
    }
    let others = arms.iter().filter(|&&arm| arm != Arm::None);
    let all = std::iter::once(&Arm::None).chain(others);
    all.map(|arm| Setting { name: arm.folder(), config: arm.config(base) }).collect()
}

/// The faces of a setting: the same as of all, with its own saliency.
pub(super) fn faces(setting: &Setting, data: &FitData) -> anyhow::Result<FitData> {
    let source = setting.config.data.saliency_source();
    let faces = data.faces.with_saliency(source);
    if setting.config.fit.loss.alpha < 1.0 {
        let guided = data.train.iter().filter(|&&index| faces.has_saliency(index)).count();
        ensure!(
            guided > 0,
            "no training face of the setting `{}` has saliency: give the folder of people's maps with `--maps`, or leave the \
             setting out of `--arms`",
            setting.name
        );
        log::info!("{}: {guided} of {} training faces have saliency", setting.name, data.train.len());
    }
    Ok(FitData { faces: faces.into(), ..data.clone() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::config::{CropName, DataConfig};
    use crate::data::loader::tests::faces as some_faces;
    use crate::fit::settings::tests::paper;

    fn base() -> Config {
        Config {
            tool: String::new(),
            network: "efficientnet_lite0".to_owned(),
            cam_tap: "head".to_owned(),
            side: None,
            smooth: false,
            depth: None,
            cache: None,
            views: None,
            weights: None,
            data: DataConfig {
                list: "list.csv".into(),
                root: None,
                maps: None,
                crop: CropName::Whole,
                margin: 1.3,
                saliency: SaliencyName::Landmarks,
                has_maps: true,
                validation: None,
                left_out: Vec::new(),
                taught_by: None,
            },
            data_sha256: String::new(),
            list_sha256: String::new(),
            fit: paper(),
            runs: 1,
        }
    }

    #[test]
    fn settings_differ_in_their_saliency_alone() {
        let base = base();
        let of = |arms: &[Arm]| {
            let found = settings(arms, &base);
            for Setting { config, .. } in &found {
                let mut same = config.clone();
                same.data.saliency = base.data.saliency;
                same.fit.loss.alpha = base.fit.loss.alpha;
                assert_eq!(same, base);
            }
            let told = |each: &Setting| (each.name, each.config.data.saliency, each.config.fit.loss.alpha);
            found.iter().map(told).collect::<Vec<_>>()
        };
        let alpha = base.fit.loss.alpha;
        assert!(alpha < 1.0);
        use SaliencyName::{Landmarks, MappedPrior, Maps};
        assert_eq!(of(&[]), [("classical", Landmarks, 1.0), ("cyborg", Landmarks, alpha)], "as ever");
        let three = [("none", Maps, 1.0), ("human", Maps, alpha), ("prior", MappedPrior, alpha)];
        assert_eq!(of(&[Arm::Human, Arm::Prior, Arm::None]), three);
    }

    #[test]
    fn arms_that_can_t_be_compared_are_told() {
        assert!(check(&[]).is_ok() && check(&[Arm::Human, Arm::None]).is_ok());
        for arms in [&[Arm::None][..], &[Arm::Human, Arm::Prior], &[Arm::None, Arm::Human, Arm::Human]] {
            assert!(check(arms).expect_err("they can't").to_string().contains("--arms"), "{arms:?}");
        }
        assert_eq!(looked_at(&[]), None);
        assert_eq!(looked_at(&[Arm::Human, Arm::None]), Some(SaliencyName::Maps), "no face is looked for in vain");
        assert_eq!(looked_at(&[Arm::Prior, Arm::None]), Some(SaliencyName::Landmarks));
    }

    #[test]
    fn an_arm_that_guides_no_face_names_what_it_needs() {
        let (_folder, shared) = some_faces(6);
        let data = FitData { faces: Arc::clone(&shared), train: vec![0, 1, 2, 3], validation: vec![4, 5], trunk: None };
        let all = settings(&[Arm::Human, Arm::Prior, Arm::PriorForAll, Arm::None], &base());
        // All have landmarks, and none a map.
        for setting in &all[1..3] {
            let error = faces(setting, &data).expect_err("no face has a map").to_string();
            assert!(error.contains(setting.name) && error.contains("--maps"), "{error}");
        }
        let guided = faces(&all[3], &data).expect("all have landmarks");
        assert!((0..6).all(|index| guided.faces.has_saliency(index)));
        assert!(faces(&all[0], &data).is_ok(), "it needs none");
    }
}
