-- What the machine did: readings in buckets, in tiers. The format of a row's data stands in athanor_core::history.

CREATE TABLE history_series (
    id       INTEGER PRIMARY KEY,
    metric   TEXT NOT NULL,
    subject  TEXT NOT NULL,               -- a GPU's uuid, a disk's label; empty: the machine itself
    title    TEXT NOT NULL,               -- what the subject was called when it was last seen
    position INTEGER NOT NULL,            -- a GPU's index then; else 0
    seen_at  INTEGER NOT NULL,            -- about when it was last recorded
    UNIQUE (metric, subject)
) STRICT;

-- One row holds a slice of time of one series. In this order what is written together lies together, and one series
-- is found by one step down the tree for each slice, however many others there are.
CREATE TABLE history (
    tier      INTEGER NOT NULL,           -- 0: a second, 1: ten seconds, 2: a minute, 3: an hour
    slice     INTEGER NOT NULL,           -- its beginning, UTC milliseconds
    series_id INTEGER NOT NULL,
    data      BLOB NOT NULL,
    PRIMARY KEY (tier, slice, series_id)
) STRICT, WITHOUT ROWID;

-- What one attempt did, in one row for each metric, as long as the attempt.
CREATE TABLE attempt_history (
    experiment_id INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    metric        TEXT NOT NULL,
    data          BLOB NOT NULL,
    PRIMARY KEY (experiment_id, attempt, metric),
    FOREIGN KEY (experiment_id, attempt) REFERENCES attempt (experiment_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

ALTER TABLE attempt ADD COLUMN gpu_utilisation REAL;      -- mean, percent
ALTER TABLE attempt ADD COLUMN gpu_sampled_ms INTEGER;    -- the time in which it was known
ALTER TABLE attempt ADD COLUMN energy_wh REAL;            -- of its GPUs, as far as their power was known
ALTER TABLE attempt ADD COLUMN energy_basis TEXT          -- how shared GPUs were split: the roughest that was needed
    CHECK (energy_basis IN ('whole', 'utilisation', 'memory', 'equal'));
