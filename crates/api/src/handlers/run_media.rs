//! Images and histograms of runs.

use athanor_core::chart::{HeatChart, HeatColumn, render_heat};
use athanor_core::runs::media::{Form, Histogram, MediumKind};
use athanor_engine::Engine;
use athanor_engine::run_media::{MediaWanted, MediumPlace, RunMedium};
use base64::Engine as _;

use crate::wire::{self, ApiError, ErrorCode, Number};

type Result<T> = std::result::Result<T, ApiError>;

/// Images and histograms of one answer at most.
const MOST: u32 = 10_000;

/// CSS pixels of a column of a picture at least.
const COLUMN: u32 = 4;

pub(crate) async fn list(engine: &Engine, input: wire::ListRunMedia) -> Result<wire::RunMediaPage> {
    if input.limit > MOST {
        let message = format!("ask for at most {MOST} at once");
        return Err(ApiError::new(ErrorCode::InvalidInput, message).field("limit"));
    }
    let wanted = MediaWanted {
        kind: input.kind.map(Into::into),
        key: input.key,
        after: usize::try_from(input.after).unwrap_or(usize::MAX),
        limit: input.limit as usize,
    };
    let page = engine.run_media(&input.uid, wanted).await?;
    let group = |((kind, key), count): ((MediumKind, String), usize)| wire::RunMediaGroup {
        kind: kind.into(),
        key,
        count: count as u64,
    };
    Ok(wire::RunMediaPage {
        items: page.items.into_iter().map(Into::into).collect(),
        total: page.total as u64,
        groups: page.groups.into_iter().map(group).collect(),
        done: page.done,
        read: page.read,
        size: page.size,
        cut: page.cut,
        problems: page
            .problems
            .into_iter()
            .map(|(path, message)| wire::RunMediaProblem { path, message })
            .collect(),
    })
}

pub(crate) async fn image(engine: &Engine, input: wire::ReadRunMedium) -> Result<wire::RunImage> {
    let image = engine.run_image(&input.uid, &input.file, &input.place.into()).await?;
    Ok(wire::RunImage {
        mime: image.encoding.mime().into(),
        width: image.size.0,
        height: image.size.1,
        base64: base64::engine::general_purpose::STANDARD.encode(&image.bytes),
    })
}

pub(crate) async fn histogram(engine: &Engine, input: wire::ReadRunMedium) -> Result<wire::RunHistogram> {
    let histogram = engine.run_histogram(&input.uid, &input.file, &input.place.into()).await?;
    Ok(histogram.into())
}

pub(crate) async fn draw(engine: &Engine, input: wire::DrawRunHistograms) -> Result<wire::RunHistograms> {
    let most = (input.width / COLUMN).clamp(2, 2_000) as usize;
    let found = engine.run_histograms(&input.uid, &input.key, most).await?;
    let (theme, key) = (input.theme.into(), input.key);
    let drawn = tokio::task::spawn_blocking(move || {
        let column = |(medium, histogram): &(RunMedium, Histogram)| (medium.step, histogram.clone());
        let held: Vec<(f64, Histogram)> = found.columns.iter().map(column).collect();
        let rendered = render_heat(&HeatChart {
            width: f64::from(input.width),
            height: f64::from(input.height),
            theme,
            title: key,
            columns: held.iter().map(|(step, histogram)| HeatColumn { step: *step, histogram }).collect(),
        });
        (rendered, found)
    });
    let (rendered, found) = drawn.await.map_err(athanor_engine::Error::from)?;
    let total = found.total as u64;
    Ok(wire::RunHistograms {
        chart: super::chart_on_wire(rendered, |_, _| total),
        columns: found.columns.into_iter().map(|(medium, _)| medium.into()).collect(),
        total,
        unread: found.unread as u64,
    })
}

impl From<RunMedium> for wire::RunMedium {
    fn from(medium: RunMedium) -> Self {
        Self {
            kind: medium.kind.into(),
            key: medium.key,
            index: medium.index,
            step: medium.step,
            wall: medium.wall_ms,
            width: medium.size.map(|size| size.0),
            height: medium.size.map(|size| size.1),
            file: medium.file,
            place: match medium.place {
                MediumPlace::Bytes(range, form) => {
                    wire::RunMediumPlace::Bytes { from: range.start, to: range.end, form: form.into() }
                }
                MediumPlace::File(path) => wire::RunMediumPlace::File { path },
                MediumPlace::Listed(number) => {
                    wire::RunMediumPlace::Listed { number: u32::try_from(number).unwrap_or(u32::MAX) }
                }
            },
        }
    }
}

impl From<wire::RunMediumPlace> for MediumPlace {
    fn from(place: wire::RunMediumPlace) -> Self {
        match place {
            wire::RunMediumPlace::Bytes { from, to, form } => Self::Bytes(from..to, form.into()),
            wire::RunMediumPlace::File { path } => Self::File(path),
            wire::RunMediumPlace::Listed { number } => Self::Listed(number as usize),
        }
    }
}

impl From<MediumKind> for wire::RunMediumKind {
    fn from(kind: MediumKind) -> Self {
        match kind {
            MediumKind::Image => Self::Image,
            MediumKind::Histogram => Self::Histogram,
        }
    }
}

impl From<wire::RunMediumKind> for MediumKind {
    fn from(kind: wire::RunMediumKind) -> Self {
        match kind {
            wire::RunMediumKind::Image => Self::Image,
            wire::RunMediumKind::Histogram => Self::Histogram,
        }
    }
}

impl From<Form> for wire::RunMediumForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Picture => Self::Picture,
            Form::Buckets => Self::Buckets,
            Form::Tensor => Self::Tensor,
        }
    }
}

impl From<wire::RunMediumForm> for Form {
    fn from(form: wire::RunMediumForm) -> Self {
        match form {
            wire::RunMediumForm::Picture => Self::Picture,
            wire::RunMediumForm::Buckets => Self::Buckets,
            wire::RunMediumForm::Tensor => Self::Tensor,
        }
    }
}

impl From<Histogram> for wire::RunHistogram {
    fn from(histogram: Histogram) -> Self {
        let bucket = |bucket: &athanor_core::runs::media::Bucket| {
            (Number(bucket.from), Number(bucket.to), Number(bucket.count))
        };
        Self {
            buckets: histogram.buckets.iter().map(bucket).collect(),
            total: Number(histogram.total()),
            median: histogram.median().map(Number),
        }
    }
}
