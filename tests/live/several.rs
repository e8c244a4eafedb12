//! Live, several sources in one run: each has its own losses and its own end, and a fair share of the classifier.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::view::SourceState;

use crate::support::live::{LiveRun, Ran, Session, Step, Told};
use crate::support::stages::BrightnessClassifier;

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn frames(count: u32) -> Step {
    Step::Frames { count, millis: 10 }
}

/// A source whose silence is its own affair: the clock that all share is moved by each of them.
fn held(sessions: impl IntoIterator<Item = Session>) -> LiveRun {
    let mut run = LiveRun::held(sessions);
    (run.keep.stall, run.keep.opening) = (Duration::from_secs(100_000), Duration::from_secs(100_000));
    run
}

fn shown(ran: &Ran) -> Vec<u64> {
    let number = |told: &Told| if let Told::Shown { number, .. } = told { Some(*number) } else { None };
    ran.told.iter().filter_map(number).collect()
}

#[test]
fn each_source_has_its_own_losses_and_its_own_end() {
    let lost = [
        Session::Plays(vec![frames(8), Step::Damaged, Step::Break("unplugged")]),
        Session::Refused("no such camera"),
        Session::Last(vec![frames(8)]),
    ];
    let ran = LiveRun::together(vec![
        held([Session::Last(vec![frames(3)])]),
        held(lost),
        held([Session::Last(vec![Step::Size(96, 64), frames(60)])]),
    ]);
    let states = |at: usize| ran[at].states();
    assert_eq!(states(0), ["starting", "playing 64x48", "ended"]);
    let playing = "playing 64x48";
    assert_eq!(states(1), ["starting", playing, "lost 0: unplugged", "lost 1: no such camera", playing, "ended"]);
    assert_eq!(states(2), ["starting", "playing 96x64", "ended"]);
    let counts =
        ran.iter().map(|Ran { metrics, .. }| (count(&metrics.captured), count(&metrics.damaged), count(&metrics.lost)));
    assert_eq!(counts.collect::<Vec<_>>(), [(3, 0, 0), (16, 1, 1), (60, 0, 0)]);
    // Who is lost with one source is somebody else when it comes back; the others' persons stay who they are.
    assert_eq!(ran.iter().map(Ran::tracks).collect::<Vec<_>>(), [vec![1], vec![1, 2], vec![1]]);
    for ran in &ran {
        assert!(ran.ended.is_ok(), "{:?}", ran.ended);
        assert_eq!(ran.told.last(), Some(&Told::State(SourceState::Ended)), "nothing is told after the end");
        assert_eq!((shown(ran).len() as u64, count(&ran.metrics.overwritten)), (count(&ran.metrics.captured), 0));
    }
}

/// A source that goes by the machine's clock.
fn timed(steps: Vec<Step>) -> LiveRun {
    let mut run = LiveRun::of([Session::Last(steps)]);
    (run.keep.stall, run.keep.opening) = (Duration::from_secs(60), Duration::from_secs(60));
    run
}

/// Each is as fast as it is, and what is counted is each one's own.
#[test]
fn sources_of_different_rates_are_counted_apart() {
    let source = |count, millis| timed(vec![Step::Frames { count, millis }]);
    let ran = LiveRun::together(vec![source(200, 2), source(40, 10), source(10, 40)]);
    for (ran, frames) in ran.iter().zip([200, 40, 10]) {
        let metrics = &ran.metrics;
        let (captured, overwritten, numbers) = (count(&metrics.captured), count(&metrics.overwritten), shown(ran));
        assert_eq!((captured, count(&metrics.shown)), (frames, numbers.len() as u64));
        // The last one may still lie in its slot at the end.
        assert!((captured - 1..=captured).contains(&(overwritten + count(&metrics.shown))), "{:?}", metrics.counts());
        assert!(numbers.is_sorted_by(|a, b| a < b), "no frame comes twice, and none after a newer one: {numbers:?}");
        let ages: u64 = metrics.shown_age.buckets().iter().sum();
        assert_eq!(ages, count(&metrics.shown));
        assert!(count(&metrics.scored) >= 1, "the classifier came to each of them");
        assert_eq!(metrics.verdict_age.buckets().iter().sum::<u64>(), count(&metrics.scored));
    }
}

fn opinions(ran: &Ran) -> Vec<usize> {
    let opinions = |told: &Told| if let Told::Shown { opinions, .. } = told { Some(*opinions) } else { None };
    ran.told.iter().filter_map(opinions).collect()
}

/// Of who was lost with a source nothing is known when it comes back, until the face is scored anew; what is known of the
/// others' persons stays.
#[test]
fn what_is_known_of_the_others_outlives_a_loss() {
    let steady = |count| Step::Frames { count, millis: 5 };
    let mut lost = timed(vec![]);
    lost.sessions = vec![
        Session::Plays(vec![steady(5), Step::UntilScored, steady(40), Step::Break("unplugged")]),
        Session::Last(vec![steady(60)]),
    ];
    let mut ran = LiveRun::together(vec![timed(vec![steady(5), Step::UntilScored, steady(150)]), lost]);
    let lost = ran.pop().expect("there are two");
    let [others, lost] = [opinions(&ran[0]), opinions(&lost)];
    let first = others.iter().position(|&known| known == 1).expect("it was scored");
    assert!(others[first..].iter().all(|&known| known == 1), "{others:?}");
    let begins = lost.windows(2).filter(|pair| *pair == [0, 1]).count();
    assert_eq!((begins, lost.last()), (2, Some(&1)), "known, lost, and known again: {lost:?}");
}

/// A crowd of twenty and a single face, both always there: each source has half of the classifier's time.
#[test]
fn a_crowd_starves_nobody() {
    const FRAMES: u32 = 300;
    let source = |crowd| {
        let mut run = timed(vec![Step::Size(200, 200), Step::Frames { count: FRAMES, millis: 2 }]);
        run.detector.crowd = Some(crowd);
        run
    };
    let (mut many, one) = (source(20), source(1));
    // A face is scored only when both have handed over the faces of a newer frame than at the last one: so both always have
    // something to be scored.
    let feeds = [&many, &one].map(|run| (Arc::clone(&run.metrics), AtomicU64::new(0)));
    let gate = move || {
        let shown = |metrics: &LiveMetrics| metrics.shown.load(Ordering::Acquire);
        let is_new = |(metrics, seen): &(Arc<LiveMetrics>, AtomicU64)| {
            shown(metrics) > count(seen) || count(&metrics.captured) == u64::from(FRAMES)
        };
        let open = feeds.iter().all(is_new);
        if open {
            feeds.iter().for_each(|(metrics, seen)| seen.store(shown(metrics), Ordering::Relaxed));
        }
        open
    };
    many.classifier.gate = Some(Box::new(gate));
    let ran = LiveRun::together(vec![many, one]);
    let [many, one] = [&ran[0], &ran[1]].map(|ran| count(&ran.metrics.scored));
    assert!(many + one >= 20, "{many} and {one}");
    // Half, but for the few turns in which one had ended, and for what a turn takes more or less than another.
    assert!(one * 3 >= many, "the single face was scored {one} times, the crowd {many} times");
    assert!(many * 3 >= one, "the single face was scored {one} times, the crowd {many} times");
    let tracks = ran[0].tracks();
    assert_eq!(tracks.len(), 20);
}

#[test]
fn a_detector_that_fails_ends_its_own_source() {
    let mut broken = held([Session::Last(vec![frames(20)])]);
    broken.detector.fails_at = Some(5);
    let ran = LiveRun::together(vec![held([Session::Last(vec![frames(40)])]), broken]);
    assert!(ran[0].ended.is_ok(), "{:?}", ran[0].ended);
    assert_eq!((shown(&ran[0]).len(), shown(&ran[1]).len()), (40, 5));
    let error = ran[1].ended.as_ref().expect_err("its detector failed");
    assert_eq!(error.to_string(), "the detector broke");
    for ran in &ran {
        assert_eq!(ran.states(), ["starting", "playing 64x48", "ended"]);
    }
}

#[test]
fn a_source_that_is_not_to_be_opened_again_ends_alone() {
    let sessions =
        [Session::Plays(vec![frames(5)]), Session::Forbidden("the user said no"), Session::Last(vec![frames(9)])];
    let ran = LiveRun::together(vec![held([Session::Last(vec![frames(40)])]), held(sessions)]);
    assert!(ran[0].ended.is_ok(), "{:?}", ran[0].ended);
    assert_eq!((shown(&ran[0]).len(), shown(&ran[1]).len()), (40, 5));
    let error = ran[1].ended.as_ref().expect_err("it is forbidden");
    assert_eq!(error.to_string(), "the user said no");
    assert_eq!(ran[1].states(), ["starting", "playing 64x48", "lost 0: it ended", "ended"]);
}

#[test]
fn a_classifier_that_fails_ends_the_run() {
    let mut first = held([Session::Plays(vec![frames(4), Step::Hang])]);
    first.classifier.fails_at = Some(3);
    let ran = LiveRun::together(vec![first, held([Session::Plays(vec![frames(2), Step::Hang])])]);
    let error = ran[0].ended.as_ref().expect_err("the classifier failed");
    assert_eq!(error.to_string(), "the classifier broke at 3");
    for ran in &ran {
        assert_eq!(ran.states(), ["starting", "playing 64x48", "ended"]);
    }
}

#[test]
fn a_stop_ends_all_sources_at_once() {
    let plays = |told: &Told| matches!(told, Told::State(SourceState::Playing { size: (96, 64), .. }));
    let forever = || held([Session::Plays(vec![frames(1_000_000)])]);
    let stopping = held([Session::Plays(vec![Step::Size(96, 64), frames(5), Step::Hang])]).stop_at(plays);
    for ran in LiveRun::together(vec![forever(), stopping, held([Session::Plays(vec![Step::Hang])])]) {
        assert!(ran.ended.is_ok(), "{:?}", ran.ended);
        assert_eq!(ran.states().last().map(String::as_str), Some("ended"));
    }
}

/// The quick model speaks at each source until the other has seen enough there.
#[test]
fn the_quick_model_speaks_at_each_source() {
    let source = || held([Session::Last(vec![frames(5), Step::UntilScored, frames(200)])]);
    let mut first = source();
    first.first_sight = Some(BrightnessClassifier::new(Duration::ZERO));
    for ran in LiveRun::together(vec![first, source()]) {
        let view = ran.newest.expect("something was shown");
        let opinion = view.persons[0].opinion.as_ref().expect("somebody spoke");
        assert!(opinion.scored <= view.frame.captured, "{opinion:?}");
        assert!(count(&ran.metrics.scored) >= 2, "{:?}", ran.metrics.counts());
    }
}
