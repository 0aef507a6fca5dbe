//! Ways of looking at the table that the user saved.

use athanor_engine::Engine;
use athanor_engine::home::now_ms;

use super::{Result, columns, query, sorts, wrong};
use crate::wire::{self, ApiError, ErrorCode, Nothing};

/// Views of one data folder.
const VIEWS: i64 = 200;

pub(crate) async fn list(engine: &Engine, _: Nothing) -> Result<wire::SavedViews> {
    let texts = engine.runs().store().views().await?;
    // What this program does not understand, a newer one wrote: it stays where it is.
    let views = texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    Ok(wire::SavedViews { views })
}

/// The columns without those that have no cells: `spark.KEY` is a metric’s course, which the window draws.
fn with_cells(ids: &[String]) -> Vec<String> {
    ids.iter().filter(|id| id.strip_prefix("spark.").is_none_or(str::is_empty)).cloned().collect()
}

pub(crate) async fn save(engine: &Engine, mut view: wire::SavedView) -> Result<wire::SavedViews> {
    view.name = view.name.trim().to_owned();
    let length = view.name.chars().count();
    if length == 0 || length > 100 || view.name.chars().any(char::is_control) {
        return Err(wrong(
            "name",
            "a view’s name has 1 to 100 characters, none of which controls a terminal",
        ));
    }
    query::parsed(&view.query)?;
    columns("columns", &with_cells(&view.columns))?;
    columns("group", &view.group)?;
    columns("pinned", &with_cells(&view.pinned))?;
    sorts(&view.sort)?;
    if view.widths.len() > 1_000 || view.widths.values().any(|width| !(0.0..=10_000.0).contains(width)) {
        return Err(wrong("widths", "a width is 0 to 10,000 pixels"));
    }
    let content = serde_json::to_string(&view)
        .map_err(|cause| ApiError::new(ErrorCode::Internal, format!("the view can’t be written: {cause}")))?;
    let store = engine.runs().store();
    let mut tx = store.begin().await?;
    store.put_view(&mut tx, &view.name, &content, now_ms()).await?;
    if store.count_views(&mut tx).await? > VIEWS {
        return Err(
            wrong("name", format!("there are {VIEWS} views already")).hint("Delete one that you do not use.")
        );
    }
    tx.commit().await?;
    list(engine, Nothing {}).await
}

pub(crate) async fn delete(engine: &Engine, input: wire::SavedViewRef) -> Result<wire::SavedViews> {
    let store = engine.runs().store();
    let mut tx = store.begin().await?;
    if !store.drop_view(&mut tx, &input.name).await? {
        return Err(
            ApiError::new(ErrorCode::NotFound, format!("there is no view “{}”", input.name)).field("name")
        );
    }
    tx.commit().await?;
    list(engine, Nothing {}).await
}
