//! axe-core in a browser's page: what would keep somebody from using it.

use std::fs;

use cyborg_models::lock;
use serde_json::json;

use super::browser::Browser;

/// What it finds serious, as JSON.
const SERIOUS: &str = "window.found = null; axe.run().then(result => { window.found = JSON.stringify(result.violations\
    .filter(each => ['serious', 'critical'].includes(each.impact)).map(each => [each.id, each.nodes.map(node => node.html)])) }, \
    error => { window.found = String(error) }); 0";

/// axe-core, where it was fetched.
pub(crate) fn axe() -> Option<String> {
    fs::read_to_string(lock::cached("axe")?).ok()
}

/// Nothing serious is found on the page as it is now, which is called `at`; not looked for without axe-core.
pub(crate) fn accessible(browser: &mut Browser, axe: Option<&str>, at: &str) {
    let Some(axe) = axe else { return };
    browser.call("Runtime.evaluate", json!({ "expression": axe }));
    browser.value(SERIOUS);
    browser.until("window.found !== null");
    assert_eq!(browser.value("window.found"), "[]", "{at}");
}
