//! Environments at rest: sealed, because they carry tokens and passwords, and a copy of the database or one of its
//! backups must not give them away.
//!
//! The key lies beside the database in a file of its own (`secret.key`, owner only), made once.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, Generate, Key, KeyInit, Nonce};

use crate::error::{Error, ErrorKind, Result};

/// A job's environment.
pub type Environment = BTreeMap<String, String>;

const NONCE_BYTES: usize = 24;

/// Seals and opens environments.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Reads the key, or makes one if there is none yet.
    ///
    /// # Errors
    /// The file can't be read or made, or does not hold a key.
    pub fn open(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        match OpenOptions::new().read(true).open(path) {
            Ok(mut file) => {
                file.read_to_end(&mut bytes).map_err(|cause| Error::path("read the key", path, &cause))?;
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                bytes = Key::<XChaCha20Poly1305>::generate().to_vec();
                write_new(path, &bytes).map_err(|cause| Error::path("write the key", path, &cause))?;
            }
            Err(cause) => return Err(Error::path("read the key", path, &cause)),
        }
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| {
            Error::new(ErrorKind::Damaged, format!("{} does not hold a key of 32 bytes", path.display()))
                .hint("Move it aside. Experiments queued before can then no longer be started with their environment.")
        })?;
        Ok(Self { cipher })
    }

    /// The sealed form of an environment.
    ///
    /// # Errors
    /// None in practice; the cipher refuses only absurd lengths.
    pub fn seal(&self, environment: &Environment) -> Result<Vec<u8>> {
        let plain = plain_bytes(environment);
        let nonce = Nonce::<XChaCha20Poly1305>::generate();
        let sealed = self
            .cipher
            .encrypt(&nonce, plain.as_slice())
            .map_err(|_| Error::new(ErrorKind::Internal, "the environment could not be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// The environment in a sealed form.
    ///
    /// # Errors
    /// The bytes were not sealed with this key, or were changed.
    pub fn unseal(&self, sealed: &[u8]) -> Result<Environment> {
        let broken = || {
            Error::new(
                ErrorKind::Damaged,
                "the experiment's environment can't be opened with the key in secret.key",
            )
            .hint("Was secret.key replaced? Queue the experiment again from the shell that it belongs to.")
        };
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(broken)?;
        let nonce = Nonce::<XChaCha20Poly1305>::try_from(nonce).map_err(|_| broken())?;
        let plain = self.cipher.decrypt(&nonce, sealed).map_err(|_| broken())?;
        serde_json::from_slice(&plain).map_err(|_| broken())
    }
}

/// What an environment is found by: the xxh3 of its plain form.
#[must_use]
pub fn environment_hash(environment: &Environment) -> [u8; 16] {
    xxhash_rust::xxh3::xxh3_128(&plain_bytes(environment)).to_be_bytes()
}

fn plain_bytes(environment: &Environment) -> Vec<u8> {
    serde_json::to_vec(environment).unwrap_or_default()
}

/// Writes a file that was not there, for its owner only, synced before it has its name.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let sealer = Sealer::open(&dir.path().join("a.key")).expect("new key");
        let environment = Environment::from([("WANDB_API_KEY".into(), "s3cret".into())]);
        let sealed = sealer.seal(&environment).expect("seals");
        assert!(!sealed.windows(6).any(|window| window == b"s3cret"), "the value is not readable at rest");
        let again = Sealer::open(&dir.path().join("a.key")).expect("the same key");
        assert_eq!(again.unseal(&sealed).expect("opens"), environment);
        let other = Sealer::open(&dir.path().join("b.key")).expect("another key");
        assert_eq!(other.unseal(&sealed).expect_err("wrong key").kind(), ErrorKind::Damaged);
        assert!(again.unseal(&sealed[..10]).is_err(), "a truncated one is refused");
    }
}
