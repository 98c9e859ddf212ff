-- Who may do what in ClickHouse (the users are made by the operator of the server).
-- loader: works in raw and sees nothing outside it.
grant select, insert, create table, drop table, alter add column, alter delete, alter update, truncate on raw.* to loader;
-- transformer: reads raw, but of the dead letters only what metrics need; builds everything else.
grant select on raw.* to transformer;
revoke select on raw.dead_letters from transformer;
grant select(dead_letter_id, source, feed, position, reason, source_at, status, _dlt_load_id, landed_at) on raw.dead_letters to transformer;
grant create database on *.* to transformer;
grant all on staging.* to transformer;
grant all on snapshots.* to transformer;
grant all on seeds.* to transformer;
grant all on marts.* to transformer;
grant all on realtime.* to transformer;
grant all on quality.* to transformer;
-- reader: marts and the realtime views, nothing else.
grant select on marts.* to reader;
grant select on realtime.* to reader;
-- operator: the dead letters, quality, and what runs on the server.
grant select on raw.dead_letters to operator;
grant select on quality.* to operator;
grant select on system.query_log to operator;
