//! A model file: an error, or numbers within their ranges that survive being written and read again.

use cyborg_models::contract::Contract;
use cyborg_models::model_file::{ModelFile, set_contract_of_expert};
use cyborg_models::onnx::ModelProto;
use prost::Message;

use super::check_message;

/// Reads a model file; whether it holds the contract.
pub fn holds(bytes: &[u8]) -> bool {
    let file = match ModelFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            check_message(&error, "");
            return false;
        }
    };
    let sides = [file.input_side, file.cam_size.0, file.cam_size.1];
    assert!(sides.iter().all(|side| (1..=4096).contains(side)), "{sides:?}");
    assert_eq!(file.digest.len(), 64);
    check_contract(&file.contract);
    // The reader passes over nodes and weights, which are ONNX Runtime's to judge: they may be broken.
    let Ok(mut model) = ModelProto::decode(bytes) else { return true };
    set_contract_of_expert(&mut model, &file.contract, &file.expertise);
    let again = ModelFile::parse(&model.encode_to_vec()).expect("what was taken is taken again");
    assert_eq!((&again.contract, &again.expertise), (&file.contract, &file.expertise));
    assert_eq!([again.input_side, again.cam_size.0, again.cam_size.1], sides);
    true
}

/// What the runtime counts on.
pub(crate) fn check_contract(contract: &Contract) {
    let Contract { crop, saliency, calibration, thresholds, auc, .. } = contract;
    assert!((1.0..=4.0).contains(&crop.margin), "{crop:?}");
    assert!((0.0..=1.0).contains(&saliency.alpha), "{saliency:?}");
    assert!(calibration.temperature > 0.0 && calibration.temperature.is_finite(), "{calibration:?}");
    assert!(calibration.bias.is_finite(), "{calibration:?}");
    assert!(thresholds.authentic_below >= 0.0 && thresholds.synthetic_above <= 1.0, "{thresholds:?}");
    assert!(thresholds.authentic_below <= thresholds.synthetic_above, "{thresholds:?}");
    let rates = thresholds.error_rates.iter().flat_map(|rates| [rates.apcer, rates.bpcer]);
    assert!(rates.chain(auc.values().copied()).all(|share| (0.0..=1.0).contains(&share)), "{contract:?}");
}
