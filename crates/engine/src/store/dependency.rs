//! What must come first. The standing is written when the other experiment ends, so that nobody is stranded when that
//! is deleted later.

use athanor_core::dependency::{Condition, Met};
use athanor_core::state::Status;

use super::{Store, Tx, queries};
use crate::error::Result;

queries! {
    INSERT = "INSERT INTO dependency (child_id, number, parent_id, parent_uid, condition, standing)
              VALUES (?, ?, ?, ?, ?, ?)";
    CLEAR = "DELETE FROM dependency WHERE child_id = ?";
    SETTLE = "UPDATE dependency SET standing = ?4 WHERE child_id = ?1 AND parent_id = ?2 AND condition = ?3";
    SETTLE_ALL = "UPDATE dependency SET standing = ?3 WHERE parent_id = ?1 AND condition = ?2";
    PARENTS = "SELECT dependency.parent_id, dependency.parent_uid, experiment.name, experiment.status,
                   dependency.condition, dependency.standing
               FROM dependency LEFT JOIN experiment ON experiment.id = dependency.parent_id
               WHERE dependency.child_id = ? ORDER BY dependency.number";
    CHILDREN = "SELECT experiment.id, experiment.uid, experiment.name, experiment.status,
                    dependency.condition, dependency.standing
                FROM dependency JOIN experiment ON experiment.id = dependency.child_id
                WHERE dependency.parent_id = ? ORDER BY experiment.id LIMIT 1000";
    OF_WAITING = "SELECT dependency.child_id, dependency.parent_id, dependency.condition, dependency.standing
                  FROM experiment CROSS JOIN dependency ON dependency.child_id = experiment.id
                  WHERE experiment.status IN ('pending', 'queued') AND experiment.archived_at IS NULL
                  ORDER BY dependency.child_id, dependency.number";
}

/// A dependency with the other experiment as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyRow {
    /// The other's key; none once it was deleted.
    pub id: Option<i64>,
    /// Its uid.
    pub uid: String,
    /// Its name, while it is there.
    pub name: Option<String>,
    /// Where it stands, while it is there.
    pub status: Option<Status>,
    /// When the dependency is met.
    pub condition: Condition,
    /// How it stands.
    pub standing: Met,
}

/// The word of a standing in the store.
fn standing_word(standing: Met) -> &'static str {
    match standing {
        Met::Open => "open",
        Met::Yes => "met",
        Met::Never => "never",
    }
}

fn decode(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a dependency with an unknown {what}").into())
}

fn condition(word: &str) -> sqlx::Result<Condition> {
    word.parse().map_err(|_| decode("condition"))
}

fn standing(word: &str) -> sqlx::Result<Met> {
    match word {
        "open" => Ok(Met::Open),
        "met" => Ok(Met::Yes),
        "never" => Ok(Met::Never),
        _ => Err(decode("standing")),
    }
}

type Columns = (Option<i64>, String, Option<String>, Option<String>, String, String);

fn row((id, uid, name, status, when, stands): Columns) -> sqlx::Result<DependencyRow> {
    let status = status.map(|word| word.parse().map_err(|_| decode("status"))).transpose()?;
    Ok(DependencyRow { id, uid, name, status, condition: condition(&when)?, standing: standing(&stands)? })
}

impl Store {
    /// Replaces what must come before an experiment: key, uid and condition of each, with its standing.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_dependencies(
        &self,
        tx: &mut Tx,
        child: i64,
        parents: &[(i64, String, Condition, Met)],
        fresh: bool,
    ) -> Result<()> {
        if !fresh {
            sqlx::query(CLEAR).bind(child).execute(tx.now().await?).await?;
        }
        for (number, (parent, uid, condition, standing)) in (0_i64..).zip(parents) {
            sqlx::query(INSERT)
                .bind(child)
                .bind(number)
                .bind(parent)
                .bind(uid)
                .bind(condition.as_str())
                .bind(standing_word(*standing))
                .execute(tx.now().await?)
                .await?;
        }
        Ok(())
    }

    /// Writes how a dependency stands now.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn settle_dependency(
        &self,
        tx: &mut Tx,
        child: i64,
        parent: i64,
        (condition, standing): (Condition, Met),
    ) -> Result<()> {
        sqlx::query(SETTLE)
            .bind(child)
            .bind(parent)
            .bind(condition.as_str())
            .bind(standing_word(standing))
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// Writes how every dependency on an experiment stands that is about to be deleted.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn settle_for_good(
        &self,
        tx: &mut Tx,
        parent: i64,
        condition: Condition,
        standing: Met,
    ) -> Result<()> {
        sqlx::query(SETTLE_ALL)
            .bind(parent)
            .bind(condition.as_str())
            .bind(standing_word(standing))
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// What must come before an experiment, in the order in which it was named.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn parents(&self, child: i64) -> Result<Vec<DependencyRow>> {
        let rows: Vec<Columns> = sqlx::query_as(PARENTS).bind(child).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(row).collect::<sqlx::Result<_>>()?)
    }

    /// The same, seen from inside a transaction.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn parents_in(&self, tx: &mut Tx, child: i64) -> Result<Vec<DependencyRow>> {
        let rows: Vec<Columns> = sqlx::query_as(PARENTS).bind(child).fetch_all(tx.now().await?).await?;
        Ok(rows.into_iter().map(row).collect::<sqlx::Result<_>>()?)
    }

    /// What names an experiment as coming first, at most 1,000.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn children(&self, parent: i64) -> Result<Vec<DependencyRow>> {
        let rows: Vec<Columns> = sqlx::query_as(CHILDREN).bind(parent).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(row).collect::<sqlx::Result<_>>()?)
    }

    /// Child, parent, condition and standing of every dependency of experiments that wait.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn waiting_dependencies(&self) -> Result<Vec<(i64, Option<i64>, Condition, Met)>> {
        let rows: Vec<(i64, Option<i64>, String, String)> =
            sqlx::query_as(OF_WAITING).fetch_all(self.readers()).await?;
        Ok(rows
            .into_iter()
            .map(|(child, parent, when, stands)| Ok((child, parent, condition(&when)?, standing(&stands)?)))
            .collect::<sqlx::Result<_>>()?)
    }
}
