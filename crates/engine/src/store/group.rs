//! Groups: experiments that belong together, with a limit of their own.

use super::{Counts, Store, Tx, queries};
use crate::error::Result;

queries! {
    SET = "INSERT INTO job_group (name, parallel, sweep, created_at) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (name) DO UPDATE SET parallel = excluded.parallel, sweep = coalesce(excluded.sweep, sweep)";
    ENSURE = "INSERT INTO job_group (name, parallel, sweep, created_at) VALUES (?, NULL, NULL, ?)
              ON CONFLICT (name) DO NOTHING";
    LIMITS = "SELECT name, parallel FROM job_group WHERE parallel IS NOT NULL";
    ALL = "SELECT name, parallel, sweep, created_at FROM job_group ORDER BY created_at DESC, name";
    COUNTS = "SELECT job_group, status, count(*) FROM experiment INDEXED BY experiment_group
              WHERE job_group IS NOT NULL AND archived_at IS NULL GROUP BY job_group, status";
}

/// A group, with how many of its members that were not put away have each status.
#[derive(Debug, Clone)]
pub struct GroupRow {
    /// Its name.
    pub name: String,
    /// Members that may run at once.
    pub parallel: Option<u32>,
    /// JSON of the sweep that it was made by.
    pub sweep: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// Its members by status.
    pub counts: Counts,
}

impl Store {
    /// Makes a group, or changes its limit; a sweep that is given replaces the one that is there.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_group(
        &self,
        tx: &mut Tx,
        name: &str,
        parallel: Option<u32>,
        sweep: Option<&str>,
        now: i64,
    ) -> Result<()> {
        sqlx::query(SET).bind(name).bind(parallel).bind(sweep).bind(now).execute(tx.now().await?).await?;
        Ok(())
    }

    /// Makes a group if there is none of this name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ensure_group(&self, tx: &mut Tx, name: &str, now: i64) -> Result<()> {
        sqlx::query(ENSURE).bind(name).bind(now).execute(tx.now().await?).await?;
        Ok(())
    }

    /// The limits of the groups that have one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn group_limits(&self) -> Result<Vec<(String, u32)>> {
        Ok(sqlx::query_as(LIMITS).fetch_all(self.readers()).await?)
    }

    /// All groups, newest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn groups(&self) -> Result<Vec<GroupRow>> {
        type Columns = (String, Option<u32>, Option<String>, i64);
        let rows: Vec<Columns> = sqlx::query_as(ALL).fetch_all(self.readers()).await?;
        let counted: Vec<(String, String, i64)> = sqlx::query_as(COUNTS).fetch_all(self.readers()).await?;
        let mut groups: Vec<GroupRow> = rows
            .into_iter()
            .map(|(name, parallel, sweep, created_at)| GroupRow {
                name,
                parallel,
                sweep,
                created_at,
                counts: Counts::default(),
            })
            .collect();
        let places: std::collections::HashMap<String, usize> =
            groups.iter().enumerate().map(|(place, group)| (group.name.clone(), place)).collect();
        for (name, word, count) in counted {
            if let (Some(place), Ok(status)) = (places.get(&name), word.parse()) {
                groups[*place].counts.set(status, count.unsigned_abs());
            }
        }
        Ok(groups)
    }
}
