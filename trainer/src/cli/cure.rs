//! Errors of the library as the command line tells them: with the flag or the command that helps, which the library doesn't know.

use cyborg_edge::explain::explain;
use cyborg_edge::web::PageError;
use cyborg_models::name;

use crate::data::augment::video::NoVideoCoder;
use crate::data::inspect::InspectError;
use crate::data::list::{ListError, WriteListError};
use crate::data::teacher::TeacherError;
use crate::evaluation::compared::{NotEvaluated, OtherFaces};
use crate::export::ExportError;
use crate::fit::{Diverged, MixedOnCpu};
use crate::run_folder::HoldsRuns;
use crate::runs::faces::{LeftOutOneClass, Unfit};
use crate::runs::start::{NoStart, NoWeights};
use crate::torch::{DeviceError, ForeignWeights};

/// An error with its causes and its cure, as one line for people.
pub(super) fn in_words(error: &anyhow::Error) -> String {
    let line = explain(error);
    match cure(error) {
        Some(cure) => format!("{line}; {cure}"),
        None => line,
    }
}

/// What helps, where it is a flag or another command.
fn cure(error: &anyhow::Error) -> Option<String> {
    if let Some(HoldsRuns(folder)) = error.downcast_ref() {
        let folder = name::of(folder);
        return Some(format!("go on with them by `train --resume {folder}`, or name another folder with `--out`"));
    }
    if let Some(NotEvaluated(folder)) = error.downcast_ref() {
        return Some(format!("run `cyborg-train evaluate {} --data LIST` first", name::of(folder)));
    }
    let flags = [
        error.downcast_ref().and_then(of_faces),
        error.downcast_ref().and_then(of_list),
        error.downcast_ref().and_then(of_photos),
        error.downcast_ref().map(of_teacher),
        error.downcast_ref().and_then(of_new_list),
        error.downcast_ref().and_then(of_weights),
        error.downcast_ref().and_then(of_device),
        error.downcast_ref().and_then(of_export),
        error.downcast_ref().and_then(of_page),
        error.is::<NoStart>().then_some("`cargo xtask setup --trainer` fetches them"),
        error.is::<LeftOutOneClass>().then_some("name some more with `--leave-out`"),
        error.is::<ForeignWeights>().then_some("name the right network with `--network`"),
        error.is::<MixedOnCpu>().then_some("give `--device cuda`, or leave out `--precision mixed`"),
        error.is::<Diverged>().then_some("try a smaller `--rate`"),
        error.is::<NoVideoCoder>().then_some("leave out `--video-coding` otherwise"),
        error.is::<OtherFaces>().then_some("run `cyborg-train evaluate` on both with the same `--data` and `--split`"),
    ];
    flags.into_iter().flatten().next().map(str::to_owned)
}

fn of_faces(unfit: &Unfit) -> Option<&'static str> {
    Some(match unfit {
        Unfit::NoCamError => "give another `--best-by`",
        Unfit::NothingToForge => "leave out `--forge`",
        Unfit::NobodyToSwap => "leave out `--swap`",
    })
}

fn of_list(error: &ListError) -> Option<&'static str> {
    matches!(error, ListError::Maps { .. }).then_some("give such a folder with `--maps`")
}

fn of_photos(error: &InspectError) -> Option<&'static str> {
    const ROOT: &str = "`--root` names the folder that the paths start from";
    const WHOLE: &str = "`--crop whole` takes photos as they are";
    match error {
        InspectError::Empty { .. } => Some("`prepare --split` makes some, and `--split` names another"),
        InspectError::Problems { missing: true, .. } => Some(ROOT),
        InspectError::Problems { faceless: true, .. } => Some(WHOLE),
        _ => None,
    }
}

fn of_teacher(error: &TeacherError) -> &'static str {
    match error {
        TeacherError::SeveralModels(_) => "write it with one `--model`",
        TeacherError::OtherFaces(_) => "write it with `cyborg image --list` of the same list",
    }
}

fn of_new_list(error: &WriteListError) -> Option<&'static str> {
    let is_another = matches!(error, WriteListError::Foreign { .. } | WriteListError::Differs { .. });
    is_another.then_some("`--out` names another place")
}

fn of_weights(none: &NoWeights) -> Option<&'static str> {
    Some(match none {
        NoWeights::NoCache => "`--weights` names one",
        NoWeights::NotFetched(_) => {
            "give a file with `--weights` (torchvision's, for example), or `--weights none` for random ones"
        }
    })
}

fn of_device(error: &DeviceError) -> Option<&'static str> {
    (*error == DeviceError::NoCuda).then_some("`--device cpu` needs none")
}

fn of_export(error: &ExportError) -> Option<&'static str> {
    matches!(error, ExportError::AllTrained).then_some("train with `--tune head` or `--tune norms`")
}

fn of_page(error: &PageError) -> Option<&'static str> {
    match error {
        PageError::Listen { .. } => Some("choose another address with `--listen`"),
        PageError::Tls { .. } => Some("`--tls-cert` and `--tls-key` take a certificate and its key as PEM files"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Error, anyhow};

    use super::*;
    use crate::data::list::Split;

    #[test]
    fn errors_of_the_library_are_told_with_their_cure() {
        let taken = std::io::ErrorKind::AddrInUse.into();
        let listen = PageError::Listen { address: ([127, 0, 0, 1], 80).into(), reason: taken };
        let cases: [(Error, &str); 10] = [
            (listen.into(), "choose another address with `--listen`"),
            (
                HoldsRuns("runs/mine".into()).into(),
                "runs/mine holds runs already; go on with them by `train --resume runs/mine`",
            ),
            (NoWeights::NoCache.into(), "--weights"),
            (DeviceError::NoCuda.into(), "--device cpu"),
            (Unfit::NobodyToSwap.into(), "another's; leave out `--swap`"),
            (ListError::Maps { path: "maps".into() }.into(), "--maps"),
            (NotEvaluated("runs/mine".into()).into(), "evaluate runs/mine --data"),
            (InspectError::Empty { list: "mine".into(), split: Split::Test }.into(), "`prepare --split` makes some"),
            (
                TeacherError::OtherFaces("scores.csv".into()).into(),
                "none of the training faces; write it with `cyborg image",
            ),
            (
                InspectError::Problems { list: "mine".into(), problems: vec![], missing: false, faceless: true }.into(),
                "; `--crop whole`",
            ),
        ];
        for (error, part) in cases {
            assert!(in_words(&error).contains(part), "{}", in_words(&error));
            // Whatever was being done when it happened.
            let error = error.context("seed 3");
            assert!(
                in_words(&error).starts_with("seed 3: ") && in_words(&error).contains(part),
                "{}",
                in_words(&error)
            );
        }
        let counted = anyhow!("the validation faces are 3 real and 0 synthetic").context(LeftOutOneClass);
        assert!(
            in_words(&counted).ends_with("0 synthetic; name some more with `--leave-out`"),
            "{}",
            in_words(&counted)
        );
        assert_eq!(in_words(&anyhow!("disk full").context("can't write a.csv")), "can't write a.csv: disk full");
    }
}
