-- What the user was told of, bounded in number and age. Times are UTC milliseconds.
CREATE TABLE notification (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: the page pages by it
    at         INTEGER NOT NULL,                   -- of the first thing that it tells of
    updated_at INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    title      TEXT NOT NULL,
    body       TEXT NOT NULL,
    count      INTEGER NOT NULL CHECK (count > 0), -- jobs or warnings that it tells of
    jobs       TEXT NOT NULL,                      -- JSON array: those that it names
    quiet      INTEGER NOT NULL CHECK (quiet IN (0, 1)),  -- came in quiet hours and was not shown
    read_at    INTEGER,
    hook       TEXT CHECK (hook IN ('due', 'done', 'failed')),  -- none: no hook was set
    hook_error TEXT
) STRICT;

CREATE INDEX notification_unread ON notification (id) WHERE read_at IS NULL;
CREATE INDEX notification_due ON notification (id) WHERE hook = 'due';
