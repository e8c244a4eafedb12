//! The newest crop of each person: made when somebody asks, and again no sooner than there is something new to see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::Mutex;

use super::crops::CropMaker;
use super::feed::Shown;

/// A crop is shown again for so long, to whoever asks.
const FRESH: Duration = Duration::from_millis(400);
/// More crops are not kept: the oldest go.
const MOST: usize = 128;

/// The newest crops of a feed's persons.
#[derive(Debug, Default)]
pub(super) struct Faces {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    maker: CropMaker,
    /// By track, and whether the heat map is in it.
    crops: BTreeMap<(u64, bool), Crop>,
}

#[derive(Debug)]
struct Crop {
    /// The picture that it is of.
    number: u64,
    made: Instant,
    file: Bytes,
}

impl Faces {
    /// The newest crop of this person; `None` where the person isn't in the picture and no crop of it is kept.
    pub(super) async fn get(&self, shown: &Shown, track: u64, heat: bool) -> Option<Bytes> {
        let mut kept = Arc::clone(&self.kept).lock_owned().await;
        let old = kept.crops.get(&(track, heat));
        let there = shown.view.as_ref().filter(|view| view.persons.iter().any(|person| person.track.0 == track));
        let fresh = |old: &&Crop| there.is_none() || old.number == shown.number || old.made.elapsed() < FRESH;
        if let Some(old) = old.filter(fresh) {
            return Some(old.file.clone());
        }
        let (view, number) = (Arc::clone(there?), shown.number);
        let made = tokio::task::spawn_blocking(move || {
            let person = view.persons.iter().find(|person| person.track.0 == track)?;
            match kept.maker.make(&view.frame, person, heat) {
                Ok(file) => {
                    kept.keep((track, heat), Crop { number, made: Instant::now(), file: file.clone() });
                    Some(file)
                }
                Err(error) => {
                    log::debug!("a face for the page: {error}");
                    None
                }
            }
        });
        made.await.ok().flatten()
    }
}

impl Kept {
    fn keep(&mut self, of: (u64, bool), crop: Crop) {
        self.crops.insert(of, crop);
        while self.crops.len() > MOST {
            let Some(oldest) = self.crops.iter().min_by_key(|(_, crop)| crop.made).map(|(&of, _)| of) else {
                return;
            };
            self.crops.remove(&oldest);
        }
    }
}
