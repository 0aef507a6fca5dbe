//! Pages of charts, one for each project and one for all runs. What is in them is up to those who show charts.

use super::{RunStore, Tx, queries};
use crate::error::Result;

queries! {
    GET = "SELECT content, revision FROM chart_page WHERE project = ?";
    PUT = "INSERT INTO chart_page (project, content, revision, saved_at) VALUES (?, ?, ?, ?)
           ON CONFLICT (project) DO UPDATE SET content = excluded.content, revision = excluded.revision,
               saved_at = excluded.saved_at";
    LIST = "SELECT project, coalesce(json_array_length(content, '$.panels'), 0) AS panels, revision, saved_at
            FROM chart_page ORDER BY project";
    REVISION = "SELECT coalesce((SELECT revision FROM chart_page WHERE project = ?), 0)";
}

/// A page as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PageRow {
    /// JSON.
    pub content: String,
    /// Counts how often it was saved, from 1.
    pub revision: i64,
}

/// What is told of a page without opening it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PageFacts {
    /// The project; empty for all runs.
    pub project: String,
    /// How many panels it has.
    pub panels: i64,
    /// Counts how often it was saved, from 1.
    pub revision: i64,
    /// When it last was, UTC milliseconds.
    pub saved_at: i64,
}

impl RunStore {
    /// All pages, by their projects.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn pages(&self) -> Result<Vec<PageFacts>> {
        Ok(sqlx::query_as(LIST).fetch_all(self.readers()).await?)
    }

    /// The page of a project; that of all runs has no name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn page(&self, project: &str) -> Result<Option<PageRow>> {
        Ok(sqlx::query_as(GET).bind(project).fetch_optional(self.readers()).await?)
    }

    /// Saves a page that goes on from `revision` (0: there was none) and says its new revision; nothing is saved and
    /// nothing said if another one was saved meanwhile.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_page(
        &self,
        tx: &mut Tx,
        project: &str,
        content: &str,
        revision: i64,
        now: i64,
    ) -> Result<Option<i64>> {
        let there: i64 = sqlx::query_scalar(REVISION).bind(project).fetch_one(tx.now().await?).await?;
        if there != revision {
            return Ok(None);
        }
        let next = revision + 1;
        sqlx::query(PUT).bind(project).bind(content).bind(next).bind(now).execute(tx.now().await?).await?;
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fresh;
    use super::*;

    async fn save(store: &RunStore, project: &str, content: &str, revision: i64) -> Option<i64> {
        let mut tx = store.begin().await.expect("begins");
        let saved = store.put_page(&mut tx, project, content, revision, 1).await.expect("answers");
        tx.commit().await.expect("commits");
        saved
    }

    #[tokio::test]
    async fn a_page_is_saved_only_over_what_was_read() {
        let (_dir, store) = fresh().await;
        assert_eq!(store.page("vit").await.expect("reads"), None);
        assert_eq!(save(&store, "vit", "one", 0).await, Some(1));
        assert_eq!(save(&store, "vit", "late", 0).await, None, "there is one now");
        assert_eq!(save(&store, "vit", "two", 1).await, Some(2));
        assert_eq!(save(&store, "vit", "late", 1).await, None, "another one was saved meanwhile");
        assert_eq!(save(&store, "", "all", 3).await, None, "there was none to go on from");
        assert_eq!(save(&store, "", "all", 0).await, Some(1), "each has its own");
        let row = store.page("vit").await.expect("reads");
        assert_eq!(row, Some(PageRow { content: "two".into(), revision: 2 }));
    }

    #[tokio::test]
    async fn pages_are_listed_without_being_opened() {
        let (_dir, store) = fresh().await;
        assert_eq!(store.pages().await.expect("reads"), []);
        save(&store, "vit", r#"{"panels":[{},{}]}"#, 0).await;
        save(&store, "", r#"{"project":""}"#, 0).await;
        let of =
            |project: &str, panels| PageFacts { project: project.into(), panels, revision: 1, saved_at: 1 };
        assert_eq!(store.pages().await.expect("reads"), [of("", 0), of("vit", 2)]);
    }
}
