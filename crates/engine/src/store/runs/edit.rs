//! What the user says of runs: tags, notes, and that one be forgotten.

use super::{RunStore, Tx, queries};
use crate::error::Result;

queries! {
    WORDS = "SELECT name, folder, part, tags, notes FROM run WHERE id = ?";
    PUT_TAGS = "UPDATE run SET tags = ?, tags_mine = 1, revision = ? WHERE id = ?";
    PUT_NOTES = "UPDATE run SET notes = ?, notes_mine = 1, revision = ? WHERE id = ?";
    REMEMBER_REMOVED = "INSERT OR REPLACE INTO removed_run SELECT folder, part, ? FROM run WHERE id = ?";
    DROP_TEXT = "DELETE FROM run_text WHERE rowid = ?";
    DROP_RUN = "DELETE FROM run WHERE id = ?";
    OTHERS = "SELECT count(*) FROM run WHERE id <> ?1 AND (folder = ?2 OR substr(folder, 1, length(?2) + 1) = ?2 || '/')";
    OWN_FILES = "SELECT path FROM run_file AS own WHERE run_id = ?1 AND NOT EXISTS
                 (SELECT 1 FROM run_file WHERE path = own.path AND run_id <> ?1)
                 AND path NOT IN (SELECT path FROM run_database) ORDER BY position, id";
    WATCHED = "SELECT path FROM watch_folder WHERE id = ?";
}

/// What a run is found by.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Words {
    name: String,
    folder: String,
    part: String,
    tags: String,
    notes: String,
}

/// A change of what the user says of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunEdit {
    /// Its tags from now on.
    pub tags: Option<Vec<String>>,
    /// Its notes from now on.
    pub notes: Option<String>,
}

impl RunStore {
    /// The tags of a run, seen from inside a transaction; none if it is gone.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn tags_of(&self, tx: &mut Tx, run: i64) -> Result<Option<Vec<String>>> {
        let words: Option<Words> = sqlx::query_as(WORDS).bind(run).fetch_optional(tx.now().await?).await?;
        Ok(words.map(|words| serde_json::from_str(&words.tags).unwrap_or_default()))
    }

    /// Changes what the user says of a run. From then on it is the user's: files change it no more.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn edit_run(&self, tx: &mut Tx, run: i64, edit: &RunEdit, revision: i64) -> Result<()> {
        if let Some(tags) = &edit.tags {
            let tags = serde_json::to_string(tags).unwrap_or_else(|_| "[]".into());
            sqlx::query(PUT_TAGS).bind(tags).bind(revision).bind(run).execute(tx.now().await?).await?;
        }
        if let Some(notes) = &edit.notes {
            sqlx::query(PUT_NOTES).bind(notes).bind(revision).bind(run).execute(tx.now().await?).await?;
        }
        let words: Option<Words> = sqlx::query_as(WORDS).bind(run).fetch_optional(tx.now().await?).await?;
        if let Some(words) = words {
            let place = format!("{} {} {}", words.name, words.folder, words.part);
            self.refresh_text(tx, run, &place, &words.notes, &words.tags).await?;
        }
        Ok(())
    }

    /// Takes a run out of the index with all that was read of it. No file is touched, and no look brings it back.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn remove_run(&self, tx: &mut Tx, run: i64, now: i64) -> Result<()> {
        self.next_revision(tx).await?;
        let connection = tx.now().await?;
        sqlx::query(REMEMBER_REMOVED).bind(now).bind(run).execute(&mut *connection).await?;
        sqlx::query(DROP_TEXT).bind(run).execute(&mut *connection).await?;
        sqlx::query(DROP_RUN).bind(run).execute(connection).await?;
        Ok(())
    }

    /// How many other runs lie in a folder or below it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn other_runs_in(&self, run: i64, folder: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(OTHERS).bind(run).bind(folder).fetch_one(self.readers()).await?)
    }

    /// The paths of the files that are this run's and no other's. A database that holds many is never one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn own_paths_of_run(&self, run: i64) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(OWN_FILES).bind(run).fetch_all(self.readers()).await?)
    }

    /// The path of a watch folder.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn watched_path(&self, watch: i64) -> Result<Option<String>> {
        Ok(sqlx::query_scalar(WATCHED).bind(watch).fetch_optional(self.readers()).await?)
    }
}
