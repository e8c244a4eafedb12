//! What the portal's answers mean: a response code, and what it says beside. Pure functions.

use std::collections::HashMap;

use zbus::OwnedVariant;

use super::error::PortalError;

/// What comes with a response, by name.
pub(super) type Results = HashMap<String, OwnedVariant>;

/// A stream that may be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    /// PipeWire's node of it.
    pub(super) node: u32,
    /// With which it is given again.
    pub(super) token: Option<String>,
}

/// The results of a request that went well; 1 is the user's no, 2 and all others a request that ended in another way.
pub(super) fn results(request: &'static str, code: u32, results: Results) -> Result<Results, PortalError> {
    match code {
        0 => Ok(results),
        1 => Err(PortalError::Cancelled),
        code => Err(PortalError::Failed { request, reason: format!("response {code}") }),
    }
}

/// What the user chose, of the results of `Start`.
pub(super) fn granted(request: &'static str, mut results: Results) -> Result<Granted, PortalError> {
    let streams = results.remove("streams").and_then(|streams| <Vec<(u32, Results)>>::try_from(streams).ok());
    let Some((node, _)) = streams.and_then(|streams| streams.into_iter().next()) else {
        return Err(PortalError::Failed { request, reason: "it gave no stream".to_owned() });
    };
    let token = results.remove("restore_token").and_then(|token| String::try_from(token).ok());
    Ok(Granted { node, token: token.filter(|token| !token.is_empty()) })
}

#[cfg(test)]
mod tests {
    use zbus::Variant;

    use super::*;

    fn owned(value: impl Into<Variant<'static>>) -> OwnedVariant {
        value.into().try_into_owned().expect("it has no file descriptor")
    }

    fn streams(nodes: &[u32]) -> OwnedVariant {
        let each = |&node| (node, HashMap::<String, OwnedVariant>::from([("source_type".to_owned(), owned(1u32))]));
        owned(nodes.iter().map(each).collect::<Vec<_>>())
    }

    #[test]
    fn a_response_is_a_yes_a_no_or_an_end() {
        assert_eq!(results("Start", 0, Results::new()), Ok(Results::new()));
        assert_eq!(results("Start", 1, Results::new()), Err(PortalError::Cancelled));
        for code in [2, 3, u32::MAX] {
            let error = results("Start", code, Results::new()).expect_err("it ended");
            assert!(error.to_string().contains(&format!("failed at Start (response {code})")), "{error}");
        }
    }

    #[test]
    fn of_what_was_chosen_the_first_is_watched() {
        let found = granted("Start", Results::from([("streams".to_owned(), streams(&[42, 7]))]));
        assert_eq!(found, Ok(Granted { node: 42, token: None }));
        let token = |word: &'static str| {
            let all = [("streams".to_owned(), streams(&[1])), ("restore_token".to_owned(), owned(word))];
            granted("Start", Results::from(all)).expect("it is granted").token
        };
        assert_eq!(token("abc").as_deref(), Some("abc"));
        assert_eq!(token(""), None);
    }

    #[test]
    fn without_a_stream_nothing_is_granted() {
        let wrong = [Results::new(), Results::from([("streams".to_owned(), streams(&[]))])];
        for results in wrong.into_iter().chain([Results::from([("streams".to_owned(), owned("none"))])]) {
            let error = granted("Start", results).expect_err("there is none");
            assert!(error.to_string().contains("it gave no stream"), "{error}");
        }
    }
}
