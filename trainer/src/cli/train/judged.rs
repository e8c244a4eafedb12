//! Flags of `train` that say what epochs are judged by.

use clap::Args;

use crate::data::list::Split;
use crate::fit::Measure;

#[derive(Args, Debug)]
pub(in crate::cli) struct JudgedArgs {
    /// How the best epoch is chosen: accuracy, auc, class-loss or cam-error on the validation faces, or last
    #[arg(long, value_name = "MEASURE", default_value = "accuracy")]
    pub(super) best_by: Measure,
    /// Stop a run after this many epochs without improvement
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) patience: Option<u64>,
    /// Split that epochs are judged by [default: validation; test for the CYBORG data's CSV; else a tenth is kept out]
    #[arg(long, value_name = "SPLIT")]
    pub(super) validate_on: Option<Split>,
    /// Sources of the training split to leave out of training and to judge epochs by, with commas between them: how well it does
    /// on collections that it has not seen
    #[arg(long, value_name = "SOURCES", value_delimiter = ',', conflicts_with = "validate_on")]
    pub(in crate::cli) leave_out: Vec<String>,
}
