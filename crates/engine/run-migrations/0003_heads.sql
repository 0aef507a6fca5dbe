-- What a look through a watch folder learned from files by opening them, so that the next start opens none that is as it
-- was. Paths are below the watch folder. How a file was stands beside what was learned: once it is otherwise, that counts
-- no more.

-- First bytes of files that formats asked for, all of them: a later version of the program may read other things in them.
CREATE TABLE file_head (
    watch_id    INTEGER NOT NULL REFERENCES watch_folder (id) ON DELETE CASCADE,
    path        TEXT NOT NULL,
    device      INTEGER NOT NULL,       -- all four are 0 where it had just been written: one more write might not
    inode       INTEGER NOT NULL,       -- show in them. Such a row counts while the hash of the file's beginning in
    size        INTEGER NOT NULL,       -- `run_file` is that of the bytes in `head`
    modified_ns INTEGER NOT NULL,
    head        BLOB NOT NULL,          -- its first byte tells how they are kept: 0 as they are, 1 deflated
    UNIQUE (watch_id, path)
) STRICT;

-- Logs without another source of metrics, and whether any are printed in them.
CREATE TABLE sampled_log (
    watch_id    INTEGER NOT NULL REFERENCES watch_folder (id) ON DELETE CASCADE,
    path        TEXT NOT NULL,
    looked_for  TEXT NOT NULL,          -- version of the program, and the pattern
    found       INTEGER NOT NULL CHECK (found IN (0, 1)),
    device      INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    PRIMARY KEY (watch_id, path)
) STRICT, WITHOUT ROWID;
