-- Beside: 0001
-- The users of one project in the order of their ids: lists, and the removal of a project, walk through them and nobody else's.
-- MySQL has no CREATE INDEX IF NOT EXISTS.
SET @kaimen_index = IF((SELECT count(*) FROM information_schema.statistics
                        WHERE table_schema = DATABASE() AND table_name = 'users' AND index_name = 'users_in_project') = 0,
                       'CREATE INDEX users_in_project ON users (project, id)', 'DO 0');
PREPARE kaimen_index FROM @kaimen_index;
EXECUTE kaimen_index;
DEALLOCATE PREPARE kaimen_index;
