//! Ways of looking at the table that the user saved. What is in them is up to those who show tables.

use super::{RunStore, Tx, queries};
use crate::error::Result;

queries! {
    LIST = "SELECT content FROM saved_view ORDER BY position, name";
    PUT = "INSERT INTO saved_view (name, content, position, saved_at)
           VALUES (?, ?, (SELECT coalesce(max(position), 0) + 1 FROM saved_view), ?)
           ON CONFLICT (name) DO UPDATE SET content = excluded.content, saved_at = excluded.saved_at";
    DELETE = "DELETE FROM saved_view WHERE name = ?";
    COUNT = "SELECT count(*) FROM saved_view";
}

impl RunStore {
    /// All of them as JSON, in the order in which they were made.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn views(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(LIST).fetch_all(self.readers()).await?)
    }

    /// How many there are.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn count_views(&self, tx: &mut Tx) -> Result<i64> {
        Ok(sqlx::query_scalar(COUNT).fetch_one(tx.now().await?).await?)
    }

    /// Saves one, in place of the one of that name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_view(&self, tx: &mut Tx, name: &str, content: &str, now: i64) -> Result<()> {
        sqlx::query(PUT).bind(name).bind(content).bind(now).execute(tx.now().await?).await?;
        Ok(())
    }

    /// Deletes one; says whether there was one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn drop_view(&self, tx: &mut Tx, name: &str) -> Result<bool> {
        Ok(sqlx::query(DELETE).bind(name).execute(tx.now().await?).await?.rows_affected() > 0)
    }
}
