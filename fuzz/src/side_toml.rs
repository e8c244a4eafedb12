//! The TOML of a foreign model, and the network behind it: an error, or numbers within their ranges.
//!
//! The text goes to the first NUL, which no TOML may hold; what follows it is the ONNX file.

use cyborg_models::contract::Contract;
use cyborg_models::foreign::{Foreign, ForeignModel};

use super::check_message;
use super::model::check_contract;

/// Reads a TOML and the network behind it; whether the TOML, and the network if there is one, are good.
pub fn holds(bytes: &[u8]) -> bool {
    let (text, network) = match bytes.iter().position(|&byte| byte == 0) {
        Some(end) => (&bytes[..end], Some(&bytes[end + 1..])),
        None => (bytes, None),
    };
    // The runtime reads it as text; what is none never comes this far.
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let described = match Foreign::parse(text) {
        Ok(described) => described,
        Err(error) => {
            check_message(&error, "TOML");
            return false;
        }
    };
    assert!((1..=4096).contains(&described.input.side));
    assert!(described.input.std.iter().all(|std| std.is_normal()), "{described:?}");
    assert!(described.input.mean.iter().all(|mean| mean.is_finite()), "{described:?}");
    assert!((1..=2).contains(&described.output.classes.len()), "{described:?}");
    let Some(network) = network else { return true };
    let model = match ForeignModel::parse(text, network) {
        Ok(model) => model,
        Err(error) => {
            check_message(&error, "");
            return false;
        }
    };
    assert_eq!(model.description, described);
    assert_eq!(model.file.input_side, described.input.side);
    assert!(model.batch.is_none_or(|batch| batch == 1));
    let (height, width) = model.file.cam_size;
    match described.cam {
        Some(_) => assert!((1..=4096).contains(&height) && (1..=4096).contains(&width)),
        None => assert_eq!((height, width), (0, 0)),
    }
    let contract = &model.file.contract;
    check_contract(contract);
    let again = Contract::from_metadata(&contract.to_metadata()).expect("a contract can be read that was written");
    assert_eq!(again, *contract);
    true
}
