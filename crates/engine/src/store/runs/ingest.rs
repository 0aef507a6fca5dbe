//! What ingest writes: runs, their files, what the files say, and how far they were read.

use athanor_core::series::{Buckets, Summary, decode_chunk, decode_row, encode_row, row_above};
use sqlx::Arguments;

use super::{RunStore, Tx, queries};
use crate::error::{Error, ErrorKind, Result};
use crate::store::total;

/// Blocks, or rows of a level, that are a row of the next: 16 blocks of 4096 points are 65,536, then a million, then 16.
pub const FAN: u64 = athanor_core::series::ROW_FAN;

/// Levels above the blocks.
const LEVELS: i64 = 4;

queries! {
    MISSING = "UPDATE run SET missing = 1, revision = ? WHERE id = ?";
    IS_REMOVED = "SELECT folder, part FROM removed_run";
    KNOWN_RUNS = "SELECT id, uid, folder, part, missing, status, changed_at FROM run WHERE watch_id = ?";
    KNOWN_FILES = "SELECT run_file.id, run_id, path, run_file.format, role, prefix, device, inode, size, modified_ns
                   FROM run_file JOIN run ON run.id = run_id WHERE watch_id = ?
                       AND path NOT IN (SELECT path FROM run_database)";
    FILE = "SELECT id, run_id, path, format, role, prefix, device, inode, size, modified_ns, generation, offset,
                prefix_hash, prefix_len, state, keys, facts, others, problems, refused FROM run_file WHERE id = ?";
    PUT_FILE = "UPDATE run_file SET device = $1, inode = $2, size = $3, modified_ns = $4, generation = $5, offset = $6,
                    prefix_hash = $7, prefix_len = $8, state = $9, keys = $10, facts = $11, others = $12, problems = $13,
                    refused = $14 WHERE id = $15";
    METRIC_KEY = "SELECT id FROM metric_key WHERE name = ?";
    ADD_METRIC_KEY = "INSERT INTO metric_key (name) VALUES (?) RETURNING id";
    CONFIG_KEY = "SELECT id FROM config_key WHERE name = ?";
    ADD_CONFIG_KEY = "INSERT INTO config_key (name) VALUES (?) RETURNING id";
    CLEAR_CONFIG = "DELETE FROM run_config WHERE run_id = $1 AND file_id = $2";
    PUT_CONFIG = "INSERT INTO run_config (run_id, key_id, file_id, kind, number, text) VALUES ($1, $2, $3, $4, $5, $6)
                  ON CONFLICT (run_id, key_id) DO UPDATE SET file_id = excluded.file_id, kind = excluded.kind,
                      number = excluded.number, text = excluded.text WHERE excluded.file_id <= run_config.file_id";
    ADD_SERIES = "INSERT INTO series (id, file_id, generation, key_id, run_id, position, summary)
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    OTHER_SERIES = "SELECT EXISTS (SELECT 1 FROM series WHERE run_id = ? AND NOT (file_id = ? AND generation = ?))";
    PUT_SERIES = "INSERT INTO series (id, file_id, generation, key_id, run_id, position, summary)
                  VALUES (?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT (file_id, generation, key_id) DO UPDATE SET summary = excluded.summary RETURNING id";
    PUT_BLOCK = "INSERT INTO block (series_id, level, number, summary, data) VALUES ($1, 0, $2, $3, $4)
                 ON CONFLICT (series_id, level, number) DO UPDATE SET summary = excluded.summary, data = excluded.data";
    PUT_ROLLUP = "INSERT INTO block (series_id, level, number, summary, data) VALUES (?, ?, ?, ?, ?)
                  ON CONFLICT (series_id, level, number) DO UPDATE SET summary = excluded.summary, data = excluded.data";
    CHILDREN_DATA = "SELECT data FROM block WHERE series_id = ? AND level = ? AND number BETWEEN ? AND ?
                     AND data IS NOT NULL ORDER BY number";
    CHILDREN = "SELECT summary FROM block WHERE series_id = ? AND level = ? AND number BETWEEN ? AND ? ORDER BY number";
    FILE_SERIES = "SELECT series.id, metric_key.name, position, summary FROM series JOIN metric_key ON metric_key.id = key_id
                   WHERE file_id = ? AND generation = ? ORDER BY position";
    TAIL = "SELECT number, data FROM block WHERE series_id = ? AND level = 0 ORDER BY number DESC LIMIT 1";
    OLD_GENERATIONS = "SELECT id, generation, key_id FROM series WHERE file_id = ? ORDER BY generation, key_id";
    DROP_SERIES = "DELETE FROM series WHERE id = ?";
    OPEN_RUNS = "SELECT id FROM run WHERE status IN ('running', 'paused', 'stale')";
}

/// A run as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownRun {
    /// The store's key.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// Its folder, absolute.
    pub folder: String,
    /// Tells apart several runs in one folder.
    pub part: String,
    /// Its files are gone.
    pub missing: bool,
    /// How it stands.
    pub status: String,
    /// When its files last changed, UTC milliseconds.
    pub changed_at: Option<i64>,
}

/// A file of a run, as it was when it was last read.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownFile {
    /// The store's key.
    pub id: i64,
    /// Its run.
    pub run_id: i64,
    /// Absolute.
    pub path: String,
    /// The id of its format.
    pub format: String,
    /// What it is to the run.
    pub role: String,
    /// What stands before the names of its metrics.
    pub prefix: String,
    /// Its file system.
    pub device: i64,
    /// Its number there.
    pub inode: i64,
    /// Bytes.
    pub size: i64,
    /// When it was last written, UTC nanoseconds by the file system's clock.
    pub modified_ns: i64,
}

/// All that is kept of a file to go on reading it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FileRow {
    /// As known.
    #[sqlx(flatten)]
    pub known: KnownFile,
    /// Counts the times that it was rewritten.
    pub generation: i64,
    /// Bytes consumed.
    pub offset: i64,
    /// Of its head, and of what comes before `offset`.
    pub prefix_hash: Vec<u8>,
    /// Bytes of the head that are hashed.
    pub prefix_len: i64,
    /// The reader's own.
    pub state: Vec<u8>,
    /// JSON: names by index.
    pub keys: String,
    /// JSON: [`Said`].
    pub facts: String,
    /// JSON: what else is in it.
    pub others: String,
    /// JSON: what could not be read.
    pub problems: String,
    /// Why nothing of it is read.
    pub refused: Option<String>,
}

impl FileRow {
    /// A file of which nothing was read.
    #[must_use]
    pub fn new(known: KnownFile) -> Self {
        Self {
            known,
            generation: 0,
            offset: 0,
            prefix_hash: Vec::new(),
            prefix_len: 0,
            state: Vec::new(),
            keys: "[]".into(),
            facts: "{}".into(),
            others: "[]".into(),
            problems: "[]".into(),
            refused: None,
        }
    }
}

/// A setting.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSetting {
    /// Its dotted name.
    pub key: String,
    /// 0 null, 1 boolean, 2 whole number, 3 number, 4 text.
    pub kind: i64,
    /// What compares.
    pub number: Option<f64>,
    /// As it is shown.
    pub text: String,
}

/// The row of buckets above blocks, or rows, that are stored; nothing if one of these has none.
async fn made_row(
    tx: &mut Tx,
    series: i64,
    level: i64,
    (first, last): (u64, u64),
) -> Result<Option<Vec<u8>>> {
    let below: Vec<Vec<u8>> = sqlx::query_scalar(CHILDREN_DATA)
        .bind(series)
        .bind(level)
        .bind(i64::try_from(first).unwrap_or(i64::MAX))
        .bind(i64::try_from(last).unwrap_or(i64::MAX))
        .fetch_all(tx.now().await?)
        .await?;
    if below.len() as u64 != FAN {
        return Ok(None);
    }
    let made = tokio::task::spawn_blocking(move || {
        let mut fine = Buckets::default();
        if level == 0 {
            for block in &below {
                fine.extend_from(&Buckets::of(&decode_chunk(block)?));
            }
        } else {
            let coarse =
                below.iter().map(|row| decode_row(row, true)).collect::<std::result::Result<Vec<_>, _>>()?;
            fine = row_above(&coarse);
        }
        encode_row(&fine)
    });
    let made = made.await?.map_err(|cause| {
        Error::new(ErrorKind::Damaged, format!("stored points can't be read: {cause}"))
            .hint("“athanor watch rm” and “athanor watch add” read that folder's runs again.")
    })?;
    Ok(Some(made))
}

impl RunStore {
    /// The runs of a watch folder.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn known_runs(&self, watch: i64) -> Result<Vec<KnownRun>> {
        Ok(sqlx::query_as(KNOWN_RUNS).bind(watch).fetch_all(self.readers()).await?)
    }

    /// The files of its runs, but databases that hold many.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn known_files(&self, watch: i64) -> Result<Vec<KnownFile>> {
        Ok(sqlx::query_as(KNOWN_FILES).bind(watch).fetch_all(self.readers()).await?)
    }

    /// The places of runs that the user took out of the index.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn removed_places(&self) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(IS_REMOVED).fetch_all(self.readers()).await?)
    }

    /// Runs whose status may change by time alone.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn open_runs(&self) -> Result<Vec<i64>> {
        Ok(sqlx::query_scalar(OPEN_RUNS).fetch_all(self.readers()).await?)
    }

    /// All that is kept of a file.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn file(&self, id: i64) -> Result<Option<FileRow>> {
        Ok(sqlx::query_as(FILE).bind(id).fetch_optional(self.readers()).await?)
    }

    /// The series of a file since it was last rewritten: key, name, the reader's index, summary.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn file_series(&self, file: i64, generation: i64) -> Result<Vec<(i64, String, i64, Vec<u8>)>> {
        Ok(sqlx::query_as(FILE_SERIES).bind(file).bind(generation).fetch_all(self.readers()).await?)
    }

    /// The last block of a series.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn tail(&self, series: i64) -> Result<Option<(i64, Vec<u8>)>> {
        Ok(sqlx::query_as(TAIL).bind(series).fetch_optional(self.readers()).await?)
    }

    /// Notes that a run's files are gone. What was read of them stays.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_missing(&self, tx: &mut Tx, run: i64, revision: i64) -> Result<()> {
        sqlx::query(MISSING).bind(revision).bind(run).execute(tx.now().await?).await?;
        Ok(())
    }

    /// Records how far a file was read and what it said.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_file(&self, tx: &mut Tx, file: &FileRow) -> Result<()> {
        let file = file.clone();
        tx.put_off(PUT_FILE, |to| {
            to.add(file.known.device)?;
            to.add(file.known.inode)?;
            to.add(file.known.size)?;
            to.add(file.known.modified_ns)?;
            to.add(file.generation)?;
            to.add(file.offset)?;
            to.add(file.prefix_hash)?;
            to.add(file.prefix_len)?;
            to.add(file.state)?;
            to.add(file.keys)?;
            to.add(file.facts)?;
            to.add(file.others)?;
            to.add(file.problems)?;
            to.add(file.refused)?;
            to.add(file.known.id)
        })
        .await
    }

    /// The key of a metric's name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn metric_key(&self, tx: &mut Tx, name: &str) -> Result<i64> {
        let connection = tx.now().await?;
        let known: Option<i64> =
            sqlx::query_scalar(METRIC_KEY).bind(name).fetch_optional(&mut *connection).await?;
        match known {
            Some(id) => Ok(id),
            None => Ok(sqlx::query_scalar(ADD_METRIC_KEY).bind(name).fetch_one(connection).await?),
        }
    }

    /// The key of a setting's name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn config_key(&self, tx: &mut Tx, name: &str) -> Result<i64> {
        let connection = tx.now().await?;
        let known: Option<i64> =
            sqlx::query_scalar(CONFIG_KEY).bind(name).fetch_optional(&mut *connection).await?;
        match known {
            Some(id) => Ok(id),
            None => Ok(sqlx::query_scalar(ADD_CONFIG_KEY).bind(name).fetch_one(connection).await?),
        }
    }

    /// Forgets what a file said of settings, before it says it anew.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn clear_settings(&self, tx: &mut Tx, run: i64, file: i64) -> Result<()> {
        tx.put_off(CLEAR_CONFIG, |to| {
            to.add(run)?;
            to.add(file)
        })
        .await
    }

    /// Records a setting. Of several files of a run that say it, the first counts.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_setting(
        &self,
        tx: &mut Tx,
        (run, file, key): (i64, i64, i64),
        setting: &NewSetting,
    ) -> Result<()> {
        let (kind, number, text) = (setting.kind, setting.number, setting.text.clone());
        tx.put_off(PUT_CONFIG, |to| {
            for number in [run, key, file, kind] {
                to.add(number)?;
            }
            to.add(number)?;
            to.add(text)
        })
        .await
    }

    /// A series with its summary; answers its key.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_series(
        &self,
        tx: &mut Tx,
        (file, generation, key, run): (i64, i64, i64, i64),
        position: i64,
        summary: &Summary,
    ) -> Result<i64> {
        Ok(sqlx::query_scalar(PUT_SERIES)
            .bind(self.keys.series())
            .bind(file)
            .bind(generation)
            .bind(key)
            .bind(run)
            .bind(position)
            .bind(summary.to_bytes())
            .fetch_one(tx.now().await?)
            .await?)
    }

    /// A series that is known not to be stored; answers its key.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add_series(
        &self,
        tx: &mut Tx,
        (file, generation, key, run): (i64, i64, i64, i64),
        position: i64,
        summary: &Summary,
    ) -> Result<i64> {
        let (id, whole) = (self.keys.series(), summary.to_bytes());
        tx.put_off(ADD_SERIES, |to| {
            for number in [id, file, generation, key, run, position] {
                to.add(number)?;
            }
            to.add(whole)
        })
        .await?;
        Ok(id)
    }

    /// Whether a run has series of other files, or of other generations of this one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn has_other_series(
        &self,
        tx: &mut Tx,
        run: i64,
        (file, generation): (i64, i64),
    ) -> Result<bool> {
        Ok(sqlx::query_scalar(OTHER_SERIES)
            .bind(run)
            .bind(file)
            .bind(generation)
            .fetch_one(tx.now().await?)
            .await?)
    }

    /// Writes a block of points, and what it completes of the levels above. `row` is the row of buckets that it completes,
    /// where that is at hand; else the row is made of what is stored.
    ///
    /// # Errors
    /// The database refuses, or what is stored can't be read.
    pub async fn put_block(
        &self,
        tx: &mut Tx,
        series: i64,
        (number, sealed): (u64, bool),
        summary: &Summary,
        data: &[u8],
        mut row: Option<&[u8]>,
    ) -> Result<()> {
        let place = i64::try_from(number).unwrap_or(i64::MAX);
        let (whole, data) = (summary.to_bytes(), data.to_vec());
        tx.put_off(PUT_BLOCK, |to| {
            to.add(series)?;
            to.add(place)?;
            to.add(whole)?;
            to.add(data)
        })
        .await?;
        let (mut number, mut level) = (number, 0);
        while sealed && level < LEVELS && (number + 1).is_multiple_of(FAN) {
            let (first, last) = (number + 1 - FAN, number);
            let children: Vec<Vec<u8>> = sqlx::query_scalar(CHILDREN)
                .bind(series)
                .bind(level)
                .bind(i64::try_from(first).unwrap_or(i64::MAX))
                .bind(i64::try_from(last).unwrap_or(i64::MAX))
                .fetch_all(tx.now().await?)
                .await?;
            let whole = total(&children)?;
            let buckets = match row.take() {
                Some(row) => Some(row.to_vec()),
                None => made_row(tx, series, level, (first, last)).await?,
            };
            (number, level) = (first / FAN, level + 1);
            sqlx::query(PUT_ROLLUP)
                .bind(series)
                .bind(level)
                .bind(i64::try_from(number).unwrap_or(i64::MAX))
                .bind(whole.to_bytes())
                .bind(buckets)
                .execute(tx.now().await?)
                .await?;
        }
        Ok(())
    }

    /// Forgets a series with its points.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn drop_series(&self, tx: &mut Tx, series: i64) -> Result<()> {
        sqlx::query(DROP_SERIES).bind(series).execute(tx.now().await?).await?;
        Ok(())
    }

    /// The series of all generations of a file: key, generation, metric.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn generations(&self, tx: &mut Tx, file: i64) -> Result<Vec<(i64, i64, i64)>> {
        Ok(sqlx::query_as(OLD_GENERATIONS).bind(file).fetch_all(tx.now().await?).await?)
    }
}
