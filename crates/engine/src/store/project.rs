//! The user's folders.

use super::{Store, Tx, queries};
use crate::error::Result;

queries! {
    LIST = "SELECT name, folder, demo FROM project ORDER BY demo, name COLLATE NOCASE";
    INSERT = "INSERT INTO project (name, folder, demo, created_at) VALUES (?, ?, ?, ?)";
    DELETE = "DELETE FROM project WHERE name = ?";
}

/// A folder that the user works in.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ProjectRow {
    /// Its name, unique.
    pub name: String,
    /// Its folder, absolute, unique.
    pub folder: String,
    /// Whether it is the bundled demo.
    pub demo: bool,
}

impl Store {
    /// All projects, the user's own first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn projects(&self) -> Result<Vec<ProjectRow>> {
        Ok(sqlx::query_as(LIST).fetch_all(self.readers()).await?)
    }

    /// Adds a project.
    ///
    /// # Errors
    /// The database refuses, also when name or folder are taken.
    pub async fn add_project(&self, tx: &mut Tx, project: &ProjectRow, now: i64) -> Result<()> {
        sqlx::query(INSERT)
            .bind(&project.name)
            .bind(&project.folder)
            .bind(project.demo)
            .bind(now)
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// Forgets a project; its folder stays as it is. Says whether there was one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn remove_project(&self, tx: &mut Tx, name: &str) -> Result<bool> {
        Ok(sqlx::query(DELETE).bind(name).execute(tx.now().await?).await?.rows_affected() > 0)
    }
}
