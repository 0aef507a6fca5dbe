-- Whether the folder of a deleted experiment may still be there: an engine may end between the deletion and the removal.
ALTER TABLE spent_uid ADD COLUMN folder INTEGER NOT NULL DEFAULT 1 CHECK (folder IN (0, 1));

CREATE INDEX spent_uid_folder ON spent_uid (uid) WHERE folder = 1;
