//! Deleted experiments whose folders may still be there.

use super::{Store, Tx, queries};
use crate::error::Result;

queries! {
    LEFT = "SELECT uid FROM spent_uid INDEXED BY spent_uid_folder WHERE folder = 1 AND uid > ?1
                AND NOT EXISTS (SELECT 1 FROM experiment WHERE experiment.uid = spent_uid.uid)
            ORDER BY uid LIMIT ?2";
    GONE = "UPDATE spent_uid SET folder = 0 WHERE uid = ?";
}

impl Store {
    /// Uids of deleted experiments whose folders are not known to be gone, in order, from after this one on.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn leftovers(&self, after: &str, limit: u32) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(LEFT).bind(after).bind(limit).fetch_all(self.readers()).await?)
    }

    /// Records that the folder of a deleted experiment is gone.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_folder_gone(&self, tx: &mut Tx, uid: &str) -> Result<()> {
        sqlx::query(GONE).bind(uid).execute(tx.now().await?).await?;
        Ok(())
    }
}
