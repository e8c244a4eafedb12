//! Messages that are none of ours: told, kept as dead letters, and no worker minds. And a broker that isn't there, or lets nobody in.

use cyborg_edge::fleet::broker::BrokerSettings;
use cyborg_edge::fleet::dead::Cause;
use cyborg_edge::fleet::desk::Desk;
use cyborg_edge::fleet::error::FleetError;
use cyborg_edge::fleet::store::StoreSettings;

use crate::broker::{Broker, free_port};
use crate::faults::until;
use crate::mock::{Clips, ThreadWorker, collect, job, task};

/// Sends messages by hand.
fn send(url: &str, messages: Vec<(String, Vec<u8>)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let client = async_nats::connect(url).await.expect("the broker answers");
        let stream = async_nats::jetstream::new(client);
        for (subject, bytes) in messages {
            stream.publish(subject, bytes.into()).await.expect("it is sent").await.expect("it is stored");
        }
    });
}

#[test]
fn what_is_no_task_is_a_dead_letter() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let desk = broker.desk();
    let path = clips.write("good", "wait 1");
    let good = task("j", &path);
    let id = good.id.to_string();
    let text = serde_json::to_string(&good).expect("it can be written");
    let at = |job: &str, id: &str| format!("cyborg.tasks.high.{job}.{id}");
    send(
        &broker.url(),
        vec![
            (at("j", "x1"), b"\xff\x00no JSON".to_vec()),
            (at("j", "x2"), b"{}".to_vec()),
            (at("j", "x3"), vec![b'['; 900_000]),
            (at("j", "x4"), text.clone().into_bytes()),
            (at("other", &id), text.clone().into_bytes()),
            (at("j", &id), text.replace("\"schema\":1", "\"schema\":2").into_bytes()),
            (at("j", &id), text.replace("good\"}", "evil\"}").into_bytes()),
            (at("j", &id), text.replace("\"job\":\"j\"", "\"job\":\"a.b\"").into_bytes()),
            (at("j", "x5"), Vec::new()),
        ],
    );
    let worker = ThreadWorker::start(&broker.url(), "worker", "mock", &[clips.root()]);
    until(&broker, "all told", |status| status.strays == 9);
    let letters = desk.dead_letters(None).expect("the broker answers");
    assert!(letters.iter().all(|letter| letter.cause == Cause::Malformed && letter.task.is_none()), "{letters:#?}");
    assert!(
        letters.iter().all(|letter| letter.raw.as_ref().is_some_and(|raw| raw.len() <= 8192)),
        "raw bytes are bounded"
    );
    for part in ["version 2", "than its subject", "not that of its clip", "at most 65536", "no message of ours"] {
        assert!(letters.iter().any(|letter| letter.error.contains(part)), "no `{part}` in {letters:#?}");
    }
    // Of a job that nobody submitted, a task is none either.
    send(&broker.url(), vec![(at("j", &id), text.into_bytes())]);
    until(&broker, "one more", |_| {
        let letters = desk.dead_letters(Some(&crate::mock::name("j"))).expect("the broker answers");
        letters.iter().any(|letter| letter.error == "there is no such job")
    });
    // And the worker goes on.
    desk.submit(&job("k"), vec![task("k", &path)]).expect("it is new");
    let (collected, taken) = collect(&desk, "k", true);
    assert!(collected.dead.is_empty() && taken.len() == 1, "{collected:?}");
    assert_eq!(worker.end().done, 1);
}

#[test]
fn forged_results_are_told_and_not_written() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let desk = broker.desk();
    let path = clips.write("good", "wait 1");
    let good = task("j", &path);
    desk.submit(&job("j"), vec![good.clone()]).expect("it is new");
    send(&broker.url(), vec![(format!("cyborg.results.j.{}", good.id), b"{\"schema\":1}\nx".to_vec())]);
    let (collected, taken) = collect(&desk, "j", true);
    assert!(taken.is_empty() && collected.damaged.len() == 1, "{collected:?}");
    assert!(collected.damaged[0].contains("is no result"), "{collected:?}");
}

#[test]
fn a_broker_that_is_not_there_is_told() {
    let broker = BrokerSettings::at(&format!("nats://me:secret@127.0.0.1:{}", free_port()));
    let error = Desk::open(&broker, StoreSettings::default()).expect_err("nobody is there");
    let told = error.to_string();
    assert!(matches!(error, FleetError::Away { .. }) && !told.contains("secret"), "{told}");
}

#[test]
fn a_broker_that_lets_nobody_in_is_told() {
    let broker = Broker::with(&["--user", "me", "--pass", "right"]);
    let at = |login: &str| BrokerSettings::at(&format!("nats://{login}127.0.0.1:{}", broker.port));
    for login in ["", "me:wrong@"] {
        let error = Desk::open(&at(login), StoreSettings::default()).expect_err("it is refused");
        let told = error.to_string();
        assert!(matches!(error, FleetError::Refused { .. }) && !told.contains("wrong"), "{told}");
    }
    Desk::open(&at("me:right@"), StoreSettings::default()).expect("it is let in");
}

#[test]
fn a_broker_is_spoken_to_by_tls_and_believed_only_with_a_voucher() {
    let fixture = |name: &str| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name);
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| fixture(name).display().to_string());
    let broker = Broker::with(&["--tls", "--tlscert", &certificate, "--tlskey", &key]);
    let open = |authorities: Option<&str>| {
        let url = format!("tls://localhost:{}", broker.port);
        let settings = BrokerSettings { authorities: authorities.map(fixture), ..BrokerSettings::at(&url) };
        Desk::open(&settings, StoreSettings::default())
    };
    open(Some("certificate.pem")).expect("somebody vouches for it");
    for nobody in [Some("stranger.pem"), None] {
        let told = open(nobody).expect_err("nobody vouches for it").to_string();
        assert!(told.contains("certificate"), "{told}");
    }
    assert!(matches!(open(Some("none.pem")), Err(FleetError::Secret { .. })));
}
