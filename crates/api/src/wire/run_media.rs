//! Images and histograms of runs on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Chart, Number, Theme};

/// What is shown otherwise than as a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunMediumKind {
    /// An encoded picture.
    Image,
    /// Counts by value.
    Histogram,
}

/// Asks which images and histograms a run has.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ListRunMedia {
    /// The run.
    pub uid: String,
    /// Only these; both if absent.
    #[serde(default)]
    #[ts(optional)]
    pub kind: Option<RunMediumKind>,
    /// Only those of this name.
    #[serde(default)]
    #[ts(optional)]
    pub key: Option<String>,
    /// How many to pass over.
    #[serde(default)]
    #[ts(optional, as = "Option<u64>")]
    pub after: u64,
    /// How many at most: 0 (only the names) to 10,000.
    pub limit: u32,
}

/// Images and histograms of a run, as far as its files have been looked through.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunMediaPage {
    /// In the order in which they stand in the files.
    pub items: Vec<RunMedium>,
    /// How many there are of what was asked for.
    pub total: u64,
    /// All names, whatever was asked for.
    pub groups: Vec<RunMediaGroup>,
    /// The files have been looked through. If not, asking again goes on with it.
    pub done: bool,
    /// Bytes of the files that have been looked through.
    pub read: u64,
    /// Bytes of the files.
    pub size: u64,
    /// There are more than are listed.
    pub cut: bool,
    /// What can't be listed.
    pub problems: Vec<RunMediaProblem>,
}

/// Images or histograms of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunMediaGroup {
    /// What they are.
    pub kind: RunMediumKind,
    /// Their name.
    pub key: String,
    /// How many there are.
    pub count: u64,
}

/// A file of which nothing is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunMediaProblem {
    /// The file.
    pub path: String,
    /// Why.
    pub message: String,
}

/// An image or a histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RunMedium {
    /// What it is.
    pub kind: RunMediumKind,
    /// Its name.
    pub key: String,
    /// Its number among those that were logged at once under that name.
    pub index: u32,
    /// Position on the x axis.
    pub step: f64,
    /// When it was logged.
    pub wall: Option<i64>,
    /// Width of an image in pixels, where that is said.
    pub width: Option<u32>,
    /// Height of an image in pixels, where that is said.
    pub height: Option<u32>,
    /// The file in which it was found.
    pub file: String,
    /// Where in it; to be handed back as it is.
    pub place: RunMediumPlace,
}

/// Where an image or a histogram is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum RunMediumPlace {
    /// Bytes of the file.
    Bytes {
        /// The first one.
        from: u64,
        /// The one behind the last.
        to: u64,
        /// How they are read.
        form: RunMediumForm,
    },
    /// A file of its own.
    File {
        /// Its path from the run's folder on.
        path: String,
    },
    /// In the listing.
    Listed {
        /// How many of the file are listed before it.
        number: u32,
    },
}

/// How the bytes of a place are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunMediumForm {
    /// As an encoded picture.
    Picture,
    /// As a histogram of TensorFlow 1 or PyTorch.
    Buckets,
    /// As a histogram of TensorFlow 2.
    Tensor,
}

/// Asks for an image or a histogram of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadRunMedium {
    /// The run.
    pub uid: String,
    /// The file in which it was found.
    pub file: String,
    /// Where in it, as it was listed.
    pub place: RunMediumPlace,
}

/// An image as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunImage {
    /// `image/png`, `image/jpeg` or `image/gif`.
    pub mime: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its bytes.
    pub base64: String,
}

/// A histogram.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunHistogram {
    /// Lower limit, upper limit and count of each bucket, by value; empty ones are among them.
    pub buckets: Vec<(Number, Number, Number)>,
    /// How many values there are.
    pub total: Number,
    /// Their median, if those of a bucket lie evenly in it.
    pub median: Option<Number>,
}

/// Asks for a picture of histograms over steps.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrawRunHistograms {
    /// The run.
    pub uid: String,
    /// The histograms' name.
    pub key: String,
    /// Width in CSS pixels, 40 to 8000.
    pub width: u32,
    /// Height in CSS pixels, 40 to 8000.
    pub height: u32,
    /// The theme.
    pub theme: Theme,
}

/// Histograms over steps, drawn.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunHistograms {
    /// The picture; its line goes through the medians and is not drawn.
    pub chart: Chart,
    /// What is drawn, by step.
    pub columns: Vec<RunMedium>,
    /// How many steps have a histogram.
    pub total: u64,
    /// How many of those that were to be drawn could not be read.
    pub unread: u64,
}
