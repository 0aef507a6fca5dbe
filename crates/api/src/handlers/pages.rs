//! Pages of charts.

use std::collections::HashMap;

use athanor_core::panels::{arranged, section};
use athanor_core::query::Field;
use athanor_engine::Engine;
use athanor_engine::home::now_ms;

use super::plots::describe;
use super::runs::wanted;
use crate::wire::{self, ApiError, ChartSpec, ErrorCode, LinesSpec, Panel};

type Result<T> = std::result::Result<T, ApiError>;

/// Panels of one page.
const PANELS: usize = 1_000;
/// A metric is rare that so few times fewer runs have than the commonest.
const RARE: i64 = 10;
/// A page's text, bytes.
const BYTES: usize = 4 << 20;

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

pub(crate) async fn list(engine: &Engine, _: wire::Nothing) -> Result<wire::PageList> {
    let pages = engine.runs().store().pages().await?.into_iter().map(|page| wire::PageFacts {
        project: page.project,
        panels: page.panels,
        revision: page.revision,
        saved_at: page.saved_at,
    });
    Ok(wire::PageList { pages: pages.collect() })
}

pub(crate) async fn get(engine: &Engine, input: wire::GetPage) -> Result<wire::StoredPage> {
    let Some(row) = engine.runs().store().page(&input.project).await? else {
        return Ok(wire::StoredPage { page: None, revision: 0 });
    };
    let page = serde_json::from_str(&row.content).map_err(|cause| {
        let message =
            format!("the charts of this project were saved in a form that is not known here: {cause}");
        ApiError::new(ErrorCode::NewerDatabase, message).hint("A newer Athanor opens them.")
    })?;
    Ok(wire::StoredPage { page: Some(page), revision: row.revision })
}

pub(crate) async fn save(engine: &Engine, input: wire::SavePage) -> Result<wire::SavedPage> {
    let wire::SavePage { page, revision } = input;
    check(&page)?;
    let content = serde_json::to_string(&page)
        .map_err(|cause| ApiError::new(ErrorCode::Internal, format!("the page can’t be written: {cause}")))?;
    if content.len() > BYTES {
        return Err(wrong("page", format!("a page has at most {} MiB", BYTES >> 20)));
    }
    let store = engine.runs().store();
    let mut tx = store.begin().await?;
    let saved = store.put_page(&mut tx, &page.project, &content, revision, now_ms()).await?;
    let Some(revision) = saved else {
        let message = "these charts were changed elsewhere since they were read; nothing was saved";
        return Err(ApiError::new(ErrorCode::Conflict, message)
            .field("revision")
            .hint("Read them again, then change them."));
    };
    tx.commit().await?;
    Ok(wire::SavedPage { revision })
}

fn check(page: &wire::ChartPage) -> Result<()> {
    wanted(&page.query, &[])?;
    if page.panels.len() > PANELS {
        return Err(wrong("panels", format!("a page has at most {PANELS} panels")));
    }
    if !(1..=200).contains(&page.newest) {
        return Err(wrong("newest", "1 to 200 of the newest runs are drawn"));
    }
    let mut ids = std::collections::HashSet::new();
    for panel in &page.panels {
        if panel.id.is_empty() || panel.id.len() > 1_000 || !ids.insert(&panel.id) {
            return Err(wrong("panels", format!("“{}” is the id of no panel or of two", panel.id)));
        }
        if !(1..=12).contains(&panel.columns) || !(100..=2_000).contains(&panel.height) {
            let message = "a panel spans 1 to 12 columns and is 100 to 2,000 pixels high";
            return Err(wrong("panels", message));
        }
    }
    let mut names = std::collections::HashSet::new();
    if let Some(twice) = page.sections.iter().find(|section| !names.insert(&section.name)) {
        return Err(wrong("sections", format!("there are two sections “{}”", twice.name)));
    }
    Ok(())
}

pub(crate) async fn suggest(engine: &Engine, input: wire::SuggestPanels) -> Result<wire::SuggestedPanels> {
    let (columns, _) = engine.runs().store().columns(&wanted(&input.query, &[])?).await?;
    let counts: HashMap<&str, i64> = columns
        .iter()
        .filter_map(|column| match &column.field {
            Field::Metric(key, _) => Some((key.as_str(), column.runs)),
            _ => None,
        })
        .collect();
    let mut keys = arranged(counts.keys().copied());
    // What hardly any of the runs has comes after the rest of its section.
    let most = counts.values().copied().max().unwrap_or(0);
    let mut sections: HashMap<&str, usize> = HashMap::new();
    for key in &keys {
        let next = sections.len();
        sections.entry(section(key)).or_insert(next);
    }
    keys.sort_by_key(|key| (sections[section(key)], counts[key] * RARE < most));
    let more = keys.len().saturating_sub(PANELS) as u64;
    let panel = |key: &&str| Panel {
        // The same metric suggests the same panel, so that nothing is there twice.
        id: format!("metric {key}"),
        title: None,
        section: section(key).to_owned(),
        columns: 4,
        height: 230,
        chart: ChartSpec::Lines(LinesSpec { keys: vec![(*key).to_owned()], ..LinesSpec::default() }),
        own: Vec::new(),
        legend: None,
    };
    Ok(wire::SuggestedPanels { panels: keys.iter().take(PANELS).map(panel).collect(), more })
}

impl Panel {
    /// What it is called: its title, else what it shows.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.title, &self.chart) {
            (Some(title), _) if !title.trim().is_empty() => title.clone(),
            (_, ChartSpec::Lines(lines)) if lines.keys.is_empty() => "No metric".to_owned(),
            (_, ChartSpec::Lines(lines)) => lines.keys.join(", "),
            (_, ChartSpec::Plot(plot)) => describe(plot),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_of_an_older_program_is_read_with_what_it_lacks() {
        let page: wire::ChartPage = serde_json::from_value(json!({
            "project": "vit",
            "panels": [
                { "id": "a", "chart": { "kind": "lines", "keys": ["loss"] } },
                { "id": "b", "chart": { "kind": "scatter", "x": "config.lr", "y": "metrics.loss.min" } },
            ],
        }))
        .expect("read");
        let ChartSpec::Lines(lines) = &page.panels[0].chart else { panic!("lines") };
        assert_eq!((lines.keys.as_slice(), lines.raw), (["loss".to_owned()].as_slice(), true));
        assert!(
            matches!(&page.panels[1].chart, ChartSpec::Plot(wire::PlotSpec::Scatter(plot)) if plot.x == "config.lr")
        );
        assert_eq!((page.panels[0].columns, page.panels[0].height), (4, 230));
        let again = serde_json::to_value(&page).expect("written");
        assert_eq!(again["panels"][1]["chart"]["kind"], "scatter");
        assert_eq!(serde_json::from_value::<wire::ChartPage>(again).expect("read again"), page);
    }

    #[test]
    fn what_no_page_can_be_is_refused_at_its_field() {
        let panel = |id: &str, columns| Panel {
            id: id.into(),
            title: None,
            section: String::new(),
            columns,
            height: 200,
            chart: ChartSpec::Lines(LinesSpec::default()),
            own: Vec::new(),
            legend: None,
        };
        let page = |panels| wire::ChartPage { newest: 20, panels, ..Default::default() };
        let field = |page: &wire::ChartPage| check(page).err().and_then(|error| error.field);
        assert_eq!(field(&page(vec![panel("a", 4), panel("b", 12)])), None);
        assert_eq!(field(&page(vec![panel("a", 4), panel("a", 4)])).as_deref(), Some("panels"));
        assert_eq!(field(&page(vec![panel("a", 13)])).as_deref(), Some("panels"));
        assert_eq!(field(&page(vec![panel("", 4)])).as_deref(), Some("panels"));
        assert_eq!(field(&wire::ChartPage::default()).as_deref(), Some("newest"));
        let two = wire::PageSection { name: "train".into(), folded: false };
        let twice = wire::ChartPage { sections: vec![two.clone(), two], newest: 1, ..Default::default() };
        assert_eq!(field(&twice).as_deref(), Some("sections"));
        assert_eq!(
            field(&wire::ChartPage { query: "lr = =".into(), newest: 1, ..Default::default() }).as_deref(),
            Some("query")
        );
    }
}
