-- Each index that names the status costs a short job two pages of the log at its start and two at its end, and that was
-- most of what the database did for it. Two of them now answer what seven did.

DROP INDEX experiment_waiting;
DROP INDEX experiment_finished;
DROP INDEX experiment_status;
DROP INDEX experiment_oldest;
DROP INDEX experiment_page_waiting;
DROP INDEX experiment_page_finished;
-- Open attempts are those of active experiments.
DROP INDEX attempt_open;

-- Pages of the plain lists, counts by status and the one that has waited for the longest are found in these alone: to
-- SQLite an index covers a query only if it also holds the columns that both are limited by.
CREATE INDEX experiment_page_waiting ON experiment (priority, position, id, job_group, status, queued_at, archived_at)
    WHERE status IN ('pending', 'queued') AND archived_at IS NULL;
CREATE INDEX experiment_page_finished ON experiment (completed_at, id, job_group, status, archived_at)
    WHERE status IN ('completed', 'failed', 'cancelled', 'expired') AND archived_at IS NULL;
