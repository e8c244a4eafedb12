//! The thread of a feed's locator: finds and follows the faces of the newest frame, and shows it with what is known of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::desk::{Desk, POLL_INTERVAL, Said};
use super::opinions::Opinions;
use super::part::Part;
use super::reader::{Captured, Shared, give_back};
use super::view::{Audience, Person, ScoredFace, View};
use crate::BoxError;
use crate::face::follow::{DetectEvery, Follower, Planner, TrackId};
use crate::face::{Face, Locate};
use crate::frame::Frame;

/// Pictures that are kept to be used again: one each in the hands of locator, scorer and their slot, one of which faces were
/// just scored, the others with the audience.
const VIEWS: usize = 8;

/// Finds and follows faces, frame after frame.
pub(super) struct Locator<'a> {
    detector: &'a mut dyn Locate,
    shared: &'a Shared,
    desk: &'a Desk,
    audience: &'a dyn Audience,
    every: DetectEvery,
    planner: Planner,
    follower: Follower,
    /// Looks again only where something changed.
    part: Part,
    faces: Vec<Face>,
    tracks: Vec<TrackId>,
    opinions: Opinions,
    views: Vec<Arc<View>>,
    /// Session of the last frame.
    session: Option<u64>,
    /// Counts what nobody can be followed through: a source that was lost.
    scene: u64,
}

impl<'a> Locator<'a> {
    pub(super) fn new(
        detector: &'a mut dyn Locate,
        every: DetectEvery,
        follower: Follower,
        (shared, desk): (&'a Shared, &'a Desk),
        audience: &'a dyn Audience,
    ) -> Self {
        Self {
            detector,
            shared,
            desk,
            audience,
            every,
            planner: Planner::new(every),
            follower,
            part: Part::new(),
            faces: Vec::new(),
            tracks: Vec::new(),
            opinions: Opinions::default(),
            views: Vec::with_capacity(VIEWS),
            session: None,
            scene: 0,
        }
    }

    /// Works until its feed or the run is over, or the detector fails.
    pub(super) fn work(&mut self, done: &AtomicBool) -> Result<(), BoxError> {
        while !done.load(Ordering::Relaxed) && !self.desk.is_closed() {
            if let Some(captured) = self.shared.newest.take(POLL_INTERVAL) {
                self.step(captured)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, Captured { frame, session }: Captured) -> Result<(), BoxError> {
        if self.session.is_some_and(|known| session < known) {
            // A reader that was given up woke up again.
            give_back(self.shared, frame);
            return Ok(());
        }
        if self.session.replace(session).is_some_and(|known| known != session) {
            self.begin_scene();
        }
        self.follow(&frame)?;
        while let Some(Said { scored, view, score, quality, age }) = self.desk.said.pop() {
            if scored.scene == self.scene {
                let (track, bounds, opinion) = (scored.track, scored.bounds, &scored.opinion);
                let (score, quality) = (&score, &quality);
                self.audience.scored(&ScoredFace { view: &view, track, bounds, score, quality, opinion, age });
                self.opinions.take(scored, &self.shared.metrics);
            }
        }
        let view = self.view(frame);
        self.shared.metrics.shown_age.count(view.frame.captured.elapsed());
        self.audience.show(Arc::clone(&view));
        self.hand_over(view);
        // Whoever sees that it is counted finds it shown, and its faces handed over.
        self.shared.metrics.shown.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn begin_scene(&mut self) {
        self.scene += 1;
        self.follower.end_all();
        self.opinions.clear();
        self.part.begin_anew();
        self.planner = Planner::new(self.every);
    }

    fn follow(&mut self, frame: &Frame) -> Result<(), BoxError> {
        let mut plan = self.planner.plan(frame);
        // Where the source says what changed, a look costs nothing while nothing does.
        plan.looks |= frame.changed.is_some();
        self.part.see(frame, plan.cut || plan.resized_from.is_some());
        if plan.looks {
            self.part.locate(self.detector, frame, &mut self.faces)?;
        }
        self.follower.follow(frame, plan, &mut self.faces, &mut self.tracks);
        self.part.note(frame, &self.faces, &self.tracks);
        Ok(())
    }

    /// The picture to show, in the memory of one that everybody has done with.
    fn view(&mut self, frame: Frame) -> Arc<View> {
        let Self { opinions, faces, tracks, views, shared, .. } = self;
        let now = frame.captured;
        let mut fill = |persons: &mut Vec<Person>| opinions.persons(faces, tracks, now, persons);
        for shown in views.iter_mut() {
            if let Some(view) = Arc::get_mut(shown) {
                give_back(shared, std::mem::replace(&mut view.frame, frame));
                fill(&mut view.persons);
                return Arc::clone(shown);
            }
        }
        let mut persons = Vec::new();
        fill(&mut persons);
        let view = Arc::new(View { frame, persons });
        if views.len() < VIEWS {
            views.push(Arc::clone(&view));
        }
        view
    }

    /// Leaves the faces to the scorer, in place of those that it didn't get to.
    fn hand_over(&mut self, view: Arc<View>) {
        let mut job = self.desk.free.pop().unwrap_or_default();
        job.scene = self.scene;
        job.faces.clear();
        job.tracks.clear();
        for ((face, &track), person) in self.faces.iter().zip(&self.tracks).zip(&view.persons) {
            if self.part.is_due(track, person.opinion.as_ref(), view.frame.captured) {
                job.faces.push(*face);
                job.tracks.push(track);
            }
        }
        job.view = Some(view);
        if let Some(older) = self.desk.jobs.put(job) {
            self.desk.give_back(older);
        }
    }
}
