//! Sealed environments, each stored once.

use super::{Store, Tx, queries};
use crate::error::Result;

queries! {
    INSERT = "INSERT INTO environment (hash, sealed) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING";
    SEALED = "SELECT sealed FROM environment WHERE hash = ?";
}

impl Store {
    /// Stores a sealed environment.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add_environment(&self, tx: &mut Tx, hash: &[u8], sealed: &[u8]) -> Result<()> {
        sqlx::query(INSERT).bind(hash).bind(sealed).execute(tx.now().await?).await?;
        Ok(())
    }

    /// A stored environment, still sealed.
    ///
    /// # Errors
    /// The database refuses, or there is none.
    pub async fn environment(&self, hash: &[u8]) -> Result<Vec<u8>> {
        Ok(sqlx::query_scalar(SEALED).bind(hash).fetch_one(self.readers()).await?)
    }
}
