-- Pages of charts that the user arranged: one for each project, and one for all runs, whose project is ''. What is in a
-- page is up to those who show it.

CREATE TABLE chart_page (
    project  TEXT PRIMARY KEY,
    content  TEXT NOT NULL,             -- JSON
    revision INTEGER NOT NULL,          -- counts how often it was saved; who saves says which one it goes on from
    saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
