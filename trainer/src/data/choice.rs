//! How the faces of a list are cut out and where their saliency comes from: as it was asked for, as in training, or as the list
//! itself suggests.

use std::path::PathBuf;

use anyhow::bail;

use super::config::{CropName, DataConfig, SaliencyName, absolute};
use super::list::{self, FaceList, Format, Label, Split};

/// The face and what is around it: hair and jaw are seen, the background hardly.
const MARGIN: f32 = 1.3;

/// What was asked for; nothing where it is left open.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The list.
    pub list: Option<PathBuf>,
    /// Folder that its paths start from.
    pub root: Option<PathBuf>,
    /// Folder of human maps.
    pub maps: Option<PathBuf>,
    /// What is cut out.
    pub crop: Option<CropName>,
    /// Side of a face crop over the longer side of the face box.
    pub margin: Option<f32>,
    /// Where saliency comes from.
    pub saliency: Option<SaliencyName>,
}

/// What is known of the data that a network was trained on.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// All of it, from the folder of its runs.
    pub data: Option<DataConfig>,
    /// The crop of its checkpoint.
    pub margin: Option<f32>,
}

/// A list that was read: what it says, and what is wrong with it.
#[derive(Debug)]
pub struct ReadList {
    /// Its rows.
    pub list: FaceList,
    /// What is wrong with them, a line each.
    pub problems: Vec<String>,
    /// How its faces are cut out.
    pub config: DataConfig,
}

impl ReadList {
    /// Reads the list of runs that go on, which was decided about before.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    pub fn again(config: &DataConfig) -> anyhow::Result<Self> {
        let (list, problems) = list::read(&config.place())?;
        Ok(Self { list, problems, config: config.clone() })
    }

    /// Decides what epochs are judged by: sources that are left out, where there are some, else the split that is named, else
    /// the one that such a list has for it, else faces that are kept out.
    pub fn judge_by(&mut self, split: Option<Split>, left_out: &[String]) {
        let by_format = match self.list.format {
            Format::Paper => Split::Test,
            Format::Header => Split::Validation,
        };
        let has = self.list.rows.iter().any(|row| row.split == by_format);
        self.config.left_out = left_out.to_vec();
        self.config.validation = match left_out {
            [] => split.or_else(|| has.then_some(by_format)),
            _ => None,
        };
    }
}

impl Choice {
    /// Reads the list, and decides by it what was left open. What is known from training goes before the list, and gives
    /// the list itself where none was named.
    ///
    /// # Errors
    ///
    /// When no list is named or known, or it can't be read.
    pub fn read(&self, known: &Known) -> anyhow::Result<ReadList> {
        let trained = known.data.as_ref();
        let mut config = match (&self.list, trained) {
            (Some(list), _) => DataConfig {
                list: absolute(list)?,
                root: None,
                maps: None,
                crop: CropName::Face,
                margin: MARGIN,
                saliency: SaliencyName::Landmarks,
                has_maps: false,
                validation: None,
                left_out: Vec::new(),
                taught_by: None,
            },
            (None, Some(trained)) => trained.clone(),
            (None, None) => bail!("no list of faces is named"),
        };
        for (asked, place) in [(&self.root, &mut config.root), (&self.maps, &mut config.maps)] {
            if let Some(folder) = asked {
                *place = Some(absolute(folder)?);
            }
        }
        config.margin = self.margin.or(known.margin).unwrap_or(MARGIN);
        let (list, problems) = list::read(&config.place())?;
        // Where the list says where faces are, they are cut out as the runtime would, whatever the training photos were like.
        let has_boxes = list.rows.iter().any(|row| row.face.is_some());
        let by_list = match (list.format, trained) {
            (Format::Header, _) if has_boxes => CropName::Face,
            (_, Some(trained)) => trained.crop,
            (Format::Header, None) => CropName::Face,
            (Format::Paper, None) => CropName::Whole,
        };
        let has_map = |label| list.rows.iter().any(|row| row.map.is_some() && row.label == label);
        config.has_maps = has_map(Label::Authentic) || has_map(Label::Synthetic);
        // Fakes that were forged bring their masks; the real faces beside them then have the prior.
        let by_maps = if has_map(Label::Authentic) { SaliencyName::Maps } else { SaliencyName::Landmarks };
        let is_trained = self.list.is_none();
        config.crop = self.crop.unwrap_or(if is_trained { config.crop } else { by_list });
        config.saliency = self.saliency.unwrap_or(if is_trained { config.saliency } else { by_maps });
        Ok(ReadList { list, problems, config })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn decided(choice: &Choice, known: &Known) -> (CropName, SaliencyName, f32) {
        let DataConfig { crop, saliency, margin, .. } = choice.read(known).expect("the list is there").config;
        (crop, saliency, margin)
    }

    #[test]
    fn what_is_left_open_is_decided_by_training_and_by_the_list() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("it can be written");
            path
        };
        let paper = write("paper.csv", "train,Real,a.png\ntrain,Synthetic,b.png\n");
        let header = write("header.csv", "file,label,map\na.png,real,m.png\nb.png,synthetic,\n");
        let boxes = "file,label,face_x,face_y,face_w,face_h,map\na.png,real,1,1,9,9,\nb.png,synthetic,1,1,9,9,m.png\n";
        let boxes = write("boxes.csv", boxes);
        let of = |list: &PathBuf| Choice { list: Some(list.clone()), ..Choice::default() };
        let nothing = Known::default();
        assert_eq!(decided(&of(&paper), &nothing), (CropName::Whole, SaliencyName::Landmarks, MARGIN));
        assert_eq!(decided(&of(&header), &nothing), (CropName::Face, SaliencyName::Maps, MARGIN));
        assert_eq!(decided(&of(&boxes), &nothing), (CropName::Face, SaliencyName::Landmarks, MARGIN));
        let asked = Choice { crop: Some(CropName::Face), margin: Some(2.0), ..of(&paper) };
        assert_eq!(decided(&asked, &nothing), (CropName::Face, SaliencyName::Landmarks, 2.0));
        let mut trained = asked.read(&nothing).expect("the list is there").config;
        trained.crop = CropName::Whole;
        trained.saliency = SaliencyName::Maps;
        let known = Known { data: Some(trained), margin: Some(1.5) };
        assert_eq!(decided(&Choice::default(), &known), (CropName::Whole, SaliencyName::Maps, 1.5), "as in training");
        assert_eq!(decided(&of(&header), &known).0, CropName::Whole, "cut as in training");
        assert_eq!(decided(&of(&boxes), &known).0, CropName::Face, "by its boxes, as the runtime would");
        assert!(Choice::default().read(&nothing).is_err(), "there is no list");
    }

    #[test]
    fn epochs_are_judged_by_what_is_named_or_what_the_list_has() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("list.csv");
        let judged = |text: &str, split: Option<Split>, left_out: &[String]| {
            fs::write(&path, text).expect("it can be written");
            let choice = Choice { list: Some(path.clone()), ..Choice::default() };
            let mut read = choice.read(&Known::default()).expect("the list is there");
            read.judge_by(split, left_out);
            (read.config.validation, read.config.left_out)
        };
        let paper = "train,Real,a.png\ntest,Synthetic,b.png\n";
        assert_eq!(judged(paper, None, &[]), (Some(Split::Test), Vec::new()));
        assert_eq!(judged("train,Real,a.png\n", None, &[]).0, None, "a tenth is kept out");
        let ours = "file,label,split\na.png,real,test\nb.png,real,validation\n";
        assert_eq!(judged(ours, None, &[]).0, Some(Split::Validation));
        assert_eq!(judged(ours, Some(Split::Test), &[]).0, Some(Split::Test));
        let sources = ["gan".to_owned()];
        assert_eq!(judged(ours, None, &sources), (None, sources.to_vec()));
    }
}
