//! Files in `contrib` that nothing builds: units, and how a fleet is set up in containers. Tests hold them to what the program and the
//! documentation say, since nobody would notice otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Files that call `cyborg fleet`.
const CALLERS: [&str; 4] =
    ["contrib/cyborg-worker@.service", "contrib/fleet/compose.yaml", "contrib/fleet/kubernetes.yaml", "docs/fleet.md"];
/// Commands of it, and the files that define their flags.
const COMMANDS: [(&str, &[&str]); 5] = [
    ("work", &["work"]),
    ("submit", &["submit", "flags"]),
    ("collect", &["collect"]),
    ("status", &["status"]),
    ("dead", &["jobs"]),
];
/// Seconds that a judge may take to hear that its clip is given up, and the broker to hear of it.
const LAST_WORDS: u64 = 15;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| unreachable!("{path} is ours: {error}"))
}

/// The flags that a source file defines: of each `#[arg(... long ...)]` the field's name, or the one that it gives.
fn defined(source: &str) -> BTreeSet<String> {
    let mut flags = BTreeSet::new();
    for part in source.split("#[arg(").skip(1) {
        let Some((attribute, rest)) = part.split_once(")]") else {
            continue;
        };
        let Some(long) = attribute.split(',').map(str::trim).find(|word| *word == "long" || word.starts_with("long ="))
        else {
            continue;
        };
        let field = rest.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', '/']));
        let field = field.and_then(|line| line.split(':').next()?.split(' ').next_back());
        let name = long.split('"').nth(1).or(field).unwrap_or_default();
        flags.insert(name.replace('_', "-"));
    }
    flags
}

/// The flags of each command.
fn flags() -> BTreeMap<&'static str, BTreeSet<String>> {
    let of = |name: &str| defined(&read(&format!("src/cli/{name}.rs")));
    let all = [of("mod"), of("fleet/broker")].concat_sets();
    let of_command = |(command, files): (&'static str, &[&str])| {
        let own: Vec<_> = files.iter().map(|file| of(&format!("fleet/{file}"))).collect();
        (command, [all.clone(), own.concat_sets()].concat_sets())
    };
    COMMANDS.into_iter().map(of_command).collect()
}

trait ConcatSets {
    fn concat_sets(&self) -> BTreeSet<String>;
}

impl ConcatSets for [BTreeSet<String>] {
    fn concat_sets(&self) -> BTreeSet<String> {
        self.iter().flatten().cloned().collect()
    }
}

/// The words of a file, without what YAML, a shell or Markdown puts around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let around = |letter: char| letter.is_whitespace() || ",[]'\"`|()".contains(letter);
    text.split(around).map(|word| word.trim_end_matches(['.', ':', ';'])).filter(|word| !word.is_empty())
}

/// Each flag that follows `fleet COMMAND`, up to the next command: with the command.
fn used<'a>(text: &'a str, commands: &BTreeMap<&'static str, BTreeSet<String>>) -> Vec<(&'static str, &'a str)> {
    let (mut used, mut command, mut before) = (Vec::new(), None, "");
    for word in words(text).filter(|&word| word != "-" && word != "#") {
        if before == "fleet" {
            command = commands.keys().find(|known| **known == word).copied();
        }
        if let (Some(command), Some(flag)) = (command, word.strip_prefix("--")) {
            used.push((command, flag.split('=').next().unwrap_or_default()));
        }
        // A new command of the shell.
        if matches!(word, "docker" | "kubectl" | "cyborg") {
            command = None;
        }
        before = word;
    }
    used
}

/// The number behind `key`, everywhere.
fn numbers(text: &str, key: &str) -> Vec<u64> {
    let number = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    text.split(key).skip(1).filter_map(number).collect()
}

/// The rights of a role as the documentation has them: what stands between backticks in its row.
fn documented(role: &str) -> Vec<String> {
    let text = read("docs/fleet.md");
    let start = format!("| {role}");
    let row = text.lines().find(|line| line.starts_with(&start) && line.contains("$JS."));
    let rights = row.unwrap_or_else(|| unreachable!("the page has a row for {role}")).rsplit('|').nth(1);
    rights.unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The same as the settings of the server have them: what stands between quotes in the list behind its key.
fn configured(role: &str) -> Vec<String> {
    let text = read("contrib/fleet/nats.conf");
    let (_, user) = text.split_once(&format!("nkey: ${role}_NKEY")).expect("the settings have each role");
    let (_, list) = user.split_once("publish: [").expect("a list");
    let (list, rest) = list.split_once(']').expect("its end");
    assert!(rest.trim_start().starts_with("subscribe: \"_INBOX.>\"\n"), "{role} may hear more than its own answers");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn flags_in_contrib_are_those_of_the_program() {
    let commands = flags();
    for file in CALLERS {
        let text = read(file);
        let used = used(&text, &commands);
        assert!(used.len() > 2, "{file} calls nothing: {used:?}");
        for (command, flag) in used {
            assert!(commands[command].contains(flag), "{file}: `cyborg fleet {command}` has no flag --{flag}");
        }
    }
}

#[test]
fn roles_have_the_rights_that_are_documented() {
    for (role, key) in [("worker", "WORKER"), ("submitter", "SUBMITTER"), ("reader", "READER")] {
        assert!(documented(role).len() > 5, "{role}: {:?}", documented(role));
        assert_eq!(configured(key), documented(role), "{role}");
    }
}

#[test]
fn a_worker_has_time_for_its_last_words() {
    let default = numbers(&read("src/cli/fleet/work.rs").replace("default_value = \"", "default="), "default=");
    assert!(default.contains(&20), "the grace time without the flag is another one: {default:?}");
    for (file, key, grace) in [
        ("contrib/cyborg-worker@.service", "TimeoutStopSec=", None),
        ("contrib/fleet/compose.yaml", "stop_grace_period: ", Some(20)),
        ("contrib/fleet/kubernetes.yaml", "terminationGracePeriodSeconds: ", Some(120)),
    ] {
        let text = read(file);
        let given = numbers(&text, "--grace=").into_iter().find(|&grace| grace > 0);
        assert_eq!(given, grace, "{file}");
        let killed = numbers(&text, key);
        assert!(killed.iter().all(|&after| after >= given.unwrap_or(20) + LAST_WORDS), "{file}: {killed:?}");
        assert_eq!(killed.len(), 1, "{file}");
    }
}

#[test]
fn the_autoscaler_asks_for_streams_and_consumers_that_there_are() {
    let (text, subjects) = (read("contrib/fleet/kubernetes.yaml"), read("src/fleet/subjects.rs"));
    for name in words(&text).flat_map(|word| word.split(['=', '{', '}', '.'])).filter(|word| word.contains("CYBORG_")) {
        assert!(subjects.contains(&format!("\"{name}\"")), "no stream {name}");
    }
    assert!(read("src/fleet/store.rs").contains("format!(\"workers-{priority}\")"), "consumers have other names");
    for priority in ["high", "normal", "low"] {
        assert!(text.contains(&format!("`workers-{priority}`")), "no consumer of {priority}");
    }
}

#[test]
fn flags_are_read_as_clap_has_them() {
    let source = "#[arg(long, value_name = \"DIR\")]\n    root: Vec<PathBuf>,\n#[arg(short)]\n q: bool,\n\
                  #[arg(\n    long = \"as\",\n)]\n    pub(super) other: u8,\n#[arg(long)]\n#[x]\n    pub allow_url: u8,\n";
    let found: Vec<String> = defined(source).into_iter().collect();
    assert_eq!(found, ["allow-url", "as", "root"]);
    let commands = BTreeMap::from([("work", BTreeSet::new())]);
    let text = "timeout --x\n- fleet\n- work\n- --nats=nats://a\n[cyborg, fleet, work, --root, a]\ndocker compose --rm";
    assert_eq!(used(text, &commands), [("work", "nats"), ("work", "root")]);
}
