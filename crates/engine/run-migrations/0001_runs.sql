-- The index of runs, a database of its own: it grows with what lies on disk, and nothing that the queue has to write
-- waits for it. Times are UTC milliseconds. A REAL that is NaN cannot be stored: where the last value is NULL and there
-- are points, it was NaN. JSON columns hold what is only ever read whole.

CREATE TABLE watch_folder (
    id         INTEGER PRIMARY KEY,
    path       TEXT NOT NULL UNIQUE,
    project    TEXT,                    -- of all runs in it that do not name their own
    pattern    TEXT,                    -- how metrics that programs print are found in logs
    added_at   INTEGER NOT NULL,
    looked_at  INTEGER                  -- when a look through it last came to its end
) STRICT;

CREATE TABLE run (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, also after a deletion
    uid         TEXT NOT NULL UNIQUE,   -- what people and commands name it by: 10 characters of a hash of its place
    watch_id    INTEGER REFERENCES watch_folder (id) ON DELETE CASCADE,  -- none: the queue wrote it elsewhere
    folder      TEXT NOT NULL,          -- absolute
    part        TEXT NOT NULL,          -- tells apart several runs in one folder
    format      TEXT NOT NULL,          -- the id of the format that it is said to have
    project     TEXT,
    grouping    TEXT,
    name        TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN
        ('running', 'paused', 'stale', 'completed', 'failed', 'cancelled', 'ended')),
    started_at  INTEGER,
    finished_at INTEGER,
    changed_at  INTEGER,                -- newest modification of its files
    steps       REAL,                   -- the greatest step that was reached
    total_steps REAL,                   -- how many it is meant to have
    commit_hash TEXT,
    host        TEXT,
    experiment  TEXT,                   -- uid of the experiment whose attempt wrote it
    attempt     INTEGER,
    tags        TEXT NOT NULL DEFAULT '[]',  -- JSON array; the user's and the files' own
    notes       TEXT NOT NULL DEFAULT '',
    notes_mine  INTEGER NOT NULL DEFAULT 0 CHECK (notes_mine IN (0, 1)),  -- the user's; files change them no more
    tags_mine   INTEGER NOT NULL DEFAULT 0 CHECK (tags_mine IN (0, 1)),
    points      INTEGER NOT NULL DEFAULT 0,
    missing     INTEGER NOT NULL DEFAULT 0 CHECK (missing IN (0, 1)),  -- its files are gone
    added_at    INTEGER NOT NULL,
    revision    INTEGER NOT NULL,       -- of its last change; see `revision`
    UNIQUE (folder, part)
) STRICT;

CREATE INDEX run_started ON run (started_at, id);
CREATE INDEX run_status ON run (status) WHERE status IN ('running', 'paused', 'stale');
CREATE INDEX run_revision ON run (revision);
CREATE INDEX run_experiment ON run (experiment, attempt) WHERE experiment IS NOT NULL;
CREATE INDEX run_watch ON run (watch_id);

-- The last revision that was given: each transaction that changes runs takes the next one.
CREATE TABLE revision (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL) STRICT;
INSERT INTO revision VALUES (1, 0);

-- Runs that the user took out of the index; a look does not bring them back.
CREATE TABLE removed_run (
    folder     TEXT NOT NULL,
    part       TEXT NOT NULL,
    removed_at INTEGER NOT NULL,
    PRIMARY KEY (folder, part)
) STRICT, WITHOUT ROWID;

-- Names of metrics and of settings, once each.
CREATE TABLE metric_key (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE config_key (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE run_config (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key_id INTEGER NOT NULL REFERENCES config_key (id),
    file_id INTEGER NOT NULL,           -- the file that says it
    kind   INTEGER NOT NULL,            -- 0 null, 1 boolean, 2 whole number, 3 number, 4 text
    number REAL,                        -- what compares: numbers, 0 and 1 for booleans
    text   TEXT NOT NULL,               -- as it is shown
    PRIMARY KEY (key_id, run_id)        -- a table is sorted and filtered by a few keys of all runs, in one stretch each
) STRICT, WITHOUT ROWID;

CREATE INDEX run_config_run ON run_config (run_id, key_id);

-- What a table shows of a metric of a run: merged over all series of that name.
CREATE TABLE run_metric (
    run_id      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key_id      INTEGER NOT NULL REFERENCES metric_key (id),
    count       INTEGER NOT NULL,       -- points, NaN and infinite ones included
    not_finite  INTEGER NOT NULL,
    last        REAL,
    last_step   REAL,
    min         REAL,
    min_step    REAL,
    max         REAL,
    max_step    REAL,
    mean        REAL,
    median      REAL,
    median_step REAL,
    median_of   INTEGER NOT NULL DEFAULT 0,  -- how many points there were when the median was found
    reached     REAL,                   -- the greatest step of all
    PRIMARY KEY (key_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_metric_run ON run_metric (run_id, key_id);

-- A file of a run, with how far it was read.
CREATE TABLE run_file (
    id          INTEGER PRIMARY KEY,
    run_id      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    path        TEXT NOT NULL,          -- absolute
    format      TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('metrics', 'config', 'meta', 'log', 'copy')),
    prefix      TEXT NOT NULL,          -- what stands before the names of its metrics
    position    INTEGER NOT NULL,       -- the order in which the files of a run follow each other
    device      INTEGER NOT NULL DEFAULT 0,
    inode       INTEGER NOT NULL DEFAULT 0,
    size        INTEGER NOT NULL DEFAULT 0,      -- when it was last read
    modified_ns INTEGER NOT NULL DEFAULT 0,      -- likewise
    generation  INTEGER NOT NULL DEFAULT 0,      -- counts the times that it was rewritten
    offset      INTEGER NOT NULL DEFAULT 0,      -- bytes consumed, up to the end of the last whole record
    prefix_hash BLOB NOT NULL DEFAULT x'',       -- xxh3 (128 bit) of its first bytes, and of the last ones before
    prefix_len  INTEGER NOT NULL DEFAULT 0,      -- `offset`, to notice that it was rewritten; how many the first are
    state       BLOB NOT NULL DEFAULT x'',       -- the reader's own, at `offset`
    keys        TEXT NOT NULL DEFAULT '[]',      -- JSON: names by index, as the reader's state has them
    facts       TEXT NOT NULL DEFAULT '{}',      -- JSON: what it says of the run beside settings
    others      TEXT NOT NULL DEFAULT '[]',      -- JSON: images, histograms, text
    problems    TEXT NOT NULL DEFAULT '[]',      -- JSON: what could not be read
    refused     TEXT,                            -- why nothing of it is read
    UNIQUE (run_id, path)
) STRICT;

CREATE INDEX run_file_path ON run_file (path);

-- A file that holds many runs, with how far it was read. Each of its runs has a row in `run_file` with the same path.
CREATE TABLE run_database (
    id              INTEGER PRIMARY KEY,
    watch_id        INTEGER NOT NULL REFERENCES watch_folder (id) ON DELETE CASCADE,
    path            TEXT NOT NULL UNIQUE,                -- absolute
    format          TEXT NOT NULL,                       -- the id of the format that it has shown itself to have
    device          INTEGER NOT NULL DEFAULT 0,
    inode           INTEGER NOT NULL DEFAULT 0,
    size            INTEGER NOT NULL DEFAULT 0,          -- before it was last read to its end
    modified_ns     INTEGER NOT NULL DEFAULT 0,          -- likewise
    log_size        INTEGER NOT NULL DEFAULT 0,          -- likewise of the file beside it with what was written last
    log_modified_ns INTEGER NOT NULL DEFAULT 0,
    generation      INTEGER NOT NULL DEFAULT 0,          -- counts the times that it was read from its beginning
    serial          INTEGER NOT NULL DEFAULT 0,          -- counts the writings of this row: each goes on from the last
    offset          INTEGER NOT NULL DEFAULT 0,          -- number of the last row with points
    state           BLOB NOT NULL DEFAULT x'',           -- the reader's own; empty: it is read from its beginning
    problems        TEXT NOT NULL DEFAULT '[]',          -- JSON: what could not be read of it
    refused         TEXT                                 -- why it is not read
) STRICT;

CREATE INDEX run_database_watch ON run_database (watch_id);

-- The points of one metric in one file, since the file was last rewritten.
CREATE TABLE series (
    id         INTEGER PRIMARY KEY,
    file_id    INTEGER NOT NULL REFERENCES run_file (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    key_id     INTEGER NOT NULL REFERENCES metric_key (id),
    run_id     INTEGER NOT NULL,
    position   INTEGER NOT NULL,        -- the reader's index of the name
    summary    BLOB NOT NULL,           -- of all points, as athanor_core::series writes it
    UNIQUE (file_id, generation, key_id)
) STRICT;

CREATE INDEX series_run ON series (run_id, key_id);

-- Blocks of points at level 0; above it summaries of `FAN` blocks of the level below.
CREATE TABLE block (
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    level     INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    summary   BLOB NOT NULL,
    data      BLOB,                     -- points; none above level 0
    PRIMARY KEY (series_id, level, number)
) STRICT, WITHOUT ROWID;

-- Ways of looking at the table that the user saved.
CREATE TABLE saved_view (
    name     TEXT PRIMARY KEY,
    content  TEXT NOT NULL,             -- JSON
    position INTEGER NOT NULL,
    saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Words of names, notes, tags and settings; rowid is run.id.
CREATE VIRTUAL TABLE run_text USING fts5 (name, notes, tags, config, content='', contentless_delete=1);

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
