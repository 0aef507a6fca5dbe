-- What an experiment needs, waits for, and does after a failure. Sizes are bytes, spans milliseconds.

ALTER TABLE experiment ADD COLUMN requirements TEXT NOT NULL DEFAULT '{}';   -- JSON
ALTER TABLE experiment ADD COLUMN job_group TEXT;                            -- a name in job_group
ALTER TABLE experiment ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1));
ALTER TABLE experiment ADD COLUMN not_before INTEGER;
ALTER TABLE experiment ADD COLUMN time_window TEXT;                          -- the name of one in the settings
ALTER TABLE experiment ADD COLUMN start_by INTEGER;
ALTER TABLE experiment ADD COLUMN wait_for_failed INTEGER NOT NULL DEFAULT 0 CHECK (wait_for_failed IN (0, 1));
ALTER TABLE experiment ADD COLUMN retry TEXT;                                -- JSON; none: the default policy
ALTER TABLE experiment ADD COLUMN retries_used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE experiment ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0;        -- attempts in a row that failed at once
ALTER TABLE experiment ADD COLUMN retry_at INTEGER;
ALTER TABLE experiment ADD COLUMN idempotency_key TEXT;
ALTER TABLE experiment ADD COLUMN submitted_by TEXT;
ALTER TABLE experiment ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';       -- JSON object of strings
ALTER TABLE experiment ADD COLUMN parent_id INTEGER REFERENCES experiment (id) ON DELETE SET NULL;
ALTER TABLE experiment ADD COLUMN config_copy INTEGER NOT NULL DEFAULT 0 CHECK (config_copy IN (0, 1)); -- the job gets config_text
ALTER TABLE experiment ADD COLUMN archived_at INTEGER;

-- Room between neighbours, so that moving one rewrites one row.
UPDATE experiment SET position = position * 1048576;

CREATE UNIQUE INDEX experiment_key ON experiment (idempotency_key)
    WHERE idempotency_key IS NOT NULL AND archived_at IS NULL;
CREATE INDEX experiment_group ON experiment (job_group, status)
    WHERE job_group IS NOT NULL AND archived_at IS NULL;
CREATE INDEX experiment_name ON experiment (name);
CREATE INDEX experiment_environment ON experiment (environment);
CREATE INDEX experiment_oldest ON experiment (queued_at) WHERE status = 'queued';
CREATE INDEX experiment_parent ON experiment (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX experiment_archived ON experiment (status) WHERE archived_at IS NOT NULL;

-- What must come first. The standing is written when the other ends, so that nobody is stranded when it is deleted.
CREATE TABLE dependency (
    child_id   INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,          -- the order in which they were named
    parent_id  INTEGER REFERENCES experiment (id) ON DELETE SET NULL,
    parent_uid TEXT NOT NULL,
    condition  TEXT NOT NULL CHECK (condition IN ('success', 'any', 'failure')),
    standing   TEXT NOT NULL CHECK (standing IN ('open', 'met', 'never')),
    PRIMARY KEY (child_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX dependency_parent ON dependency (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE job_group (
    name       TEXT PRIMARY KEY,
    parallel   INTEGER CHECK (parallel >= 0),
    sweep      TEXT,                      -- JSON: the axes that its members were made from
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE attempt ADD COLUMN assignment TEXT;           -- JSON: what it holds, or held
ALTER TABLE attempt ADD COLUMN gpu_ms INTEGER;            -- GPUs times run time
ALTER TABLE attempt ADD COLUMN peak_gpu_memory INTEGER;   -- over all its GPUs, where the driver tells
ALTER TABLE attempt ADD COLUMN log_removed INTEGER NOT NULL DEFAULT 0 CHECK (log_removed IN (0, 1));

CREATE INDEX attempt_ended ON attempt (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX attempt_started ON attempt (started_at);

-- Pages of the plain lists are found in these alone, however far down they begin.
CREATE INDEX experiment_page_waiting ON experiment (priority, position, id, job_group)
    WHERE status IN ('pending', 'queued') AND archived_at IS NULL;
CREATE INDEX experiment_page_finished ON experiment (completed_at, id, job_group)
    WHERE status IN ('completed', 'failed', 'cancelled', 'expired') AND archived_at IS NULL;

-- Of a deleted experiment: what its events are about.
ALTER TABLE event ADD COLUMN uid TEXT;

-- Deleted experiments: neither uid nor key is ever given again.
CREATE TABLE spent_uid (
    uid TEXT PRIMARY KEY,
    id  INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
