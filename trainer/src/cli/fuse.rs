//! `cyborg-train fuse`: fits bias and thresholds of a set of experts by what each of them says of the validation faces.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use cyborg_models::expert_set::ExpertSet;
use cyborg_models::name;

use super::outcome::Outcome;
use super::session::share_of_one;
use crate::checkpoint;
use crate::head::fused::{Fusion, fit, fuse, read};

#[derive(Args, Debug)]
pub(super) struct FuseArgs {
    /// Set file whose `[fusion]` and `[thresholds]` are replaced; its weights are kept
    set: PathBuf,
    /// What each expert says, in the set's order: tables that `cyborg image --list LIST --model EXPERT --csv TABLE` wrote
    #[arg(required = true, value_name = "TABLE")]
    tables: Vec<PathBuf>,
    /// Validation sources that decide nothing, with commas between them, such as those of swapped faces
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    apart: Vec<String>,
    /// Real faces of a validation collection that may lie above `--at`, at most
    #[arg(long, value_name = "SHARE", default_value_t = 0.03, value_parser = share_of_one)]
    bpcer: f64,
    /// The probability that this share is fitted for
    #[arg(long, value_name = "P", default_value_t = 0.9, value_parser = share_of_one)]
    at: f64,
    /// A probability above this is synthetic: more than `--at` where real collections that nobody has seen are to be called
    /// synthetic as seldom [default: as `--at`]
    #[arg(long, value_name = "P", value_parser = share_of_one)]
    synthetic_above: Option<f64>,
    /// Synthetic validation faces that may be called authentic, at most
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share_of_one)]
    apcer: f64,
}

pub(super) fn run(args: &FuseArgs) -> anyhow::Result<Outcome> {
    let fail = || format!("can't read the set in {}", name::of(&args.set));
    let text = fs::read_to_string(&args.set).with_context(fail)?;
    let mut set = ExpertSet::parse(&text).with_context(fail)?;
    ensure!(
        set.experts.len() == args.tables.len(),
        "{} has {} experts and {} tables were given: give one for each, in the set's order",
        name::of(&args.set),
        set.experts.len(),
        args.tables.len()
    );
    ensure!(
        set.experts.iter().all(|expert| expert.looks_for.is_none()),
        "{} has experts for one kind of synthetic faces: a bias a kind is not fitted by this command",
        name::of(&args.set)
    );
    let tables = args.tables.iter().map(|table| read(table)).collect::<anyhow::Result<Vec<_>>>()?;
    let weights: Vec<f64> = set.experts.iter().map(|expert| f64::from(expert.weight)).collect();
    let faces = fuse(&tables, &weights);
    let most = tables.iter().map(HashMap::len).max().unwrap_or(0);
    if faces.len() < most {
        log::warn!("{} validation faces are missing from some tables and are ignored", most - faces.len());
    }
    let wanted = Fusion {
        apart: &args.apart,
        bpcer: args.bpcer,
        at: args.at,
        synthetic_above: args.synthetic_above.unwrap_or(args.at),
        apcer: args.apcer,
    };
    let (bias, thresholds) = fit(&faces, &wanted)?;
    (set.fusion.anything, set.thresholds) = (Some(bias as f32), thresholds);
    checkpoint::replace(&args.set, set.to_toml().context("the set can't be written")?.as_bytes())
        .with_context(|| format!("can't write {}", name::of(&args.set)))?;
    log::info!("wrote {}", name::of(&args.set));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn set() -> String {
        let expert = |file: &str, weight: f32| {
            format!("[[expert]]\nfile = \"{file}\"\nsha256 = \"{}\"\nweight = {weight:?}\n", "0".repeat(64))
        };
        format!(
            "version = 1\nname = \"both\"\n\n[thresholds]\nauthentic_below = 0.1\nsynthetic_above = 0.8\n\n{}\n{}",
            expert("one.onnx", 1.0),
            expert("shipped", 0.5)
        )
    }

    fn args(folder: &Path) -> FuseArgs {
        FuseArgs {
            set: folder.join("set.toml"),
            tables: vec![folder.join("one.csv"), folder.join("two.csv")],
            apart: vec!["pairs".to_owned()],
            bpcer: 0.1,
            at: 0.9,
            synthetic_above: Some(0.95),
            apcer: 0.2,
        }
    }

    /// Real faces of evidence -10 to 29 by the first expert, fakes of 30 to 39, and twice that by the second.
    fn tables(folder: &Path) {
        for (table, times) in [("one.csv", 0.1), ("two.csv", 0.2)] {
            let mut text = "path,label,split,source,p_synthetic\n".to_owned();
            for at in -10..40 {
                let p = 1.0 / (1.0 + (-f64::from(at) * times).exp());
                let (label, source) = if at < 30 { ("real", "photos") } else { ("synthetic", "fakes") };
                text += &format!("{at}.png,{label},validation,{source},{p}\n");
            }
            // Neither decides: a pair's real face far above, and a face of another split.
            text += "pair.png,real,validation,pairs,0.99999\ntest.png,real,test,photos,0.99999\n";
            fs::write(folder.join(table), text).expect("it can be written");
        }
    }

    #[test]
    fn a_set_is_fitted_by_the_collection_that_is_hardest() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::write(folder.path().join("set.toml"), set()).expect("it can be written");
        tables(folder.path());
        let args = args(folder.path());
        assert_eq!(run(&args).expect("all is there"), Outcome::Done);
        let text = fs::read_to_string(&args.set).expect("it was written");
        let set = ExpertSet::parse(&text).expect("it is a set");
        // Of 40 real faces four lie above the fifth highest, 25: its evidence is 2.5 + 0.5 * 5.0, and its p becomes 0.9.
        assert!((f64::from(set.fusion.anything.expect("it was fitted")) - (9.0_f64.ln() - 5.0)).abs() < 1e-4, "{text}");
        // Of ten fakes two lie below the third, 32.
        let third = 1.0 / (1.0 + (-(6.4 + f64::from(set.fusion.anything.expect("it was fitted")))).exp());
        assert!((f64::from(set.thresholds.authentic_below) - third.min(0.95)).abs() < 1e-5, "{text}");
        assert_eq!(set.thresholds.synthetic_above, 0.95);
        assert_eq!(set.experts[1].weight, 0.5, "weights stay");
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::write(folder.path().join("set.toml"), set()).expect("it can be written");
        tables(folder.path());
        let mut one_table = args(folder.path());
        one_table.tables.pop();
        assert!(run(&one_table).expect_err("one is missing").to_string().contains("2 experts and 1 tables"));
        let twice = "path,label,split,source,p_synthetic\na,real,validation,x,0.5\na,real,validation,x,0.5\n";
        fs::write(folder.path().join("two.csv"), twice).expect("it can be written");
        let error = run(&args(folder.path())).expect_err("two models");
        assert!(error.to_string().contains("has a twice"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("set.toml")).expect("it is there"), set(), "it is left alone");
    }
}
