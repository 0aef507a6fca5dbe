-- Times are UTC milliseconds. JSON columns hold what is only ever read whole.

-- Environments are large and the same for many experiments: stored once, sealed, because they carry credentials.
CREATE TABLE environment (
    hash   BLOB PRIMARY KEY,              -- xxh3 (128 bit) of the plain JSON
    sealed BLOB NOT NULL                  -- nonce and ChaCha20-Poly1305 ciphertext
) STRICT, WITHOUT ROWID;

CREATE TABLE project (
    name       TEXT PRIMARY KEY,
    folder     TEXT NOT NULL UNIQUE,
    demo       INTEGER NOT NULL CHECK (demo IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE experiment (
    id                  INTEGER PRIMARY KEY,
    uid                 TEXT NOT NULL UNIQUE,
    name                TEXT NOT NULL,
    project             TEXT,             -- a name, not a reference: it outlives the project's entry
    command             TEXT NOT NULL,    -- JSON: {"argv": […]} or {"shell": "…"}
    cwd                 TEXT NOT NULL,
    environment         BLOB NOT NULL REFERENCES environment (hash),
    config_path         TEXT,
    config_text         TEXT,
    priority            INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    position            INTEGER NOT NULL, -- the order of submission, unless the user changes it
    status              TEXT NOT NULL CHECK (status IN
        ('pending', 'queued', 'running', 'paused', 'completed', 'failed', 'cancelled', 'expired')),
    cancel_requested_at INTEGER,
    failure_reason      TEXT,
    exit_code           INTEGER,
    signal              INTEGER,
    error_message       TEXT,
    attempt             INTEGER NOT NULL DEFAULT 0,
    time_limit_ms       INTEGER CHECK (time_limit_ms > 0),
    grace_ms            INTEGER NOT NULL CHECK (grace_ms >= 0),
    progress            TEXT,             -- JSON
    metrics             TEXT,             -- JSON: the latest values
    tags                TEXT NOT NULL,    -- JSON array
    notes               TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    queued_at           INTEGER,
    started_at          INTEGER,
    completed_at        INTEGER
) STRICT;

CREATE INDEX experiment_waiting ON experiment (priority, position, id) WHERE status IN ('pending', 'queued');
CREATE INDEX experiment_active ON experiment (started_at, id) WHERE status IN ('running', 'paused');
CREATE INDEX experiment_finished ON experiment (completed_at, id)
    WHERE status IN ('completed', 'failed', 'cancelled', 'expired');
CREATE INDEX experiment_status ON experiment (status);

CREATE TABLE attempt (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL CHECK (number > 0),
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    pid           INTEGER,                -- with the next two the identity of the job's main process
    pid_start     INTEGER,
    boot_id       TEXT,
    status        TEXT NOT NULL CHECK (status IN ('running', 'paused', 'completed', 'failed', 'cancelled')),
    reason        TEXT,
    exit_code     INTEGER,
    signal        INTEGER,
    message       TEXT,
    cpu_ms        INTEGER,
    peak_memory   INTEGER,
    log_bytes     INTEGER NOT NULL DEFAULT 0,
    log_dropped   INTEGER NOT NULL DEFAULT 0,
    metrics_read  INTEGER NOT NULL DEFAULT 0 CHECK (metrics_read IN (0, 1)),  -- to the end, after its end
    PRIMARY KEY (experiment_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_open ON attempt (experiment_id) WHERE ended_at IS NULL;
CREATE INDEX attempt_unread ON attempt (experiment_id, number) WHERE ended_at IS NOT NULL AND metrics_read = 0;

CREATE TABLE event (
    cursor        INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, also after a deletion
    at            INTEGER NOT NULL,
    what          TEXT NOT NULL,
    experiment_id INTEGER REFERENCES experiment (id) ON DELETE SET NULL,
    attempt       INTEGER,
    message       TEXT NOT NULL
) STRICT;

CREATE INDEX event_experiment ON event (experiment_id);

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL                   -- JSON
) STRICT, WITHOUT ROWID;

-- A file that metrics are read from, with how far it was read.
CREATE TABLE metric_source (
    id            INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    path          TEXT NOT NULL,
    device        INTEGER NOT NULL,
    inode         INTEGER NOT NULL,
    generation    INTEGER NOT NULL,       -- counts the times that the file was rewritten
    offset        INTEGER NOT NULL,       -- bytes consumed, up to the last complete line
    prefix_hash   BLOB NOT NULL,          -- xxh3 (128 bit) of the first bytes, to notice a rewritten file
    prefix_len    INTEGER NOT NULL,
    reader        TEXT NOT NULL,          -- JSON: the reader's state at `offset`
    problems      TEXT NOT NULL,          -- JSON array of sentences
    UNIQUE (experiment_id, attempt, path),
    FOREIGN KEY (experiment_id, attempt) REFERENCES attempt (experiment_id, number) ON DELETE CASCADE
) STRICT;

CREATE INDEX metric_source_path ON metric_source (path);

CREATE TABLE series (
    id            INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    key           TEXT NOT NULL,
    position      INTEGER NOT NULL,       -- the column's place in its file
    UNIQUE (experiment_id, attempt, key),
    FOREIGN KEY (experiment_id, attempt) REFERENCES attempt (experiment_id, number) ON DELETE CASCADE
) STRICT;

-- Points in columns, with the summary of each block beside it; the format stands in athanor_core::series.
CREATE TABLE chunk (
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    summary   BLOB NOT NULL,
    data      BLOB NOT NULL,
    PRIMARY KEY (series_id, number)
) STRICT, WITHOUT ROWID;
