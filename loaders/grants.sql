-- Who may do what in ClickHouse (the users are made by the operator of the server). As little as
-- dlt and dbt were seen to work with: where more is needed, ClickHouse's error names the grant.

-- loader: works in raw and sees nothing outside it. dlt looks its tables up in INFORMATION_SCHEMA,
-- which shows each user only what that user may select.
grant select, insert, create table, alter add column on raw.* to loader;
grant select on INFORMATION_SCHEMA.COLUMNS to loader;
grant table engine on MergeTree to loader;
grant table engine on ReplacingMergeTree to loader;

-- transformer: reads raw, but of the dead letters only what metrics need; builds everything else.
-- dbt's unit tests keep their rows in the engine Memory. A build looks whether another one is still
-- at work; of everyone's running statements it sees the text, which never holds an identifier.
grant select on raw.* to transformer;
revoke select on raw.dead_letters from transformer;
revoke select on raw.forgetting from transformer;
revoke select on raw.forgetting_dry_run from transformer;
grant select(dead_letter_id, source, feed, position, reason, source_at, status, _dlt_load_id, landed_at) on raw.dead_letters to transformer;
grant create database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on staging.* to transformer;
grant create database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on snapshots.* to transformer;
grant create database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on seeds.* to transformer;
grant create database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on marts.* to transformer;
grant create database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on realtime.* to transformer;
grant create database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on quality.* to transformer;
grant create database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on failures.* to transformer;
grant table engine on MergeTree to transformer;
grant table engine on ReplacingMergeTree to transformer;
grant table engine on SummingMergeTree to transformer;
grant table engine on AggregatingMergeTree to transformer;
grant table engine on Memory to transformer;
grant select(query) on system.processes to transformer;

-- ci: tries a change: reads what transformer reads and builds, and builds in databases of its own alone.
grant select on raw.* to ci;
revoke select on raw.dead_letters from ci;
revoke select on raw.forgetting from ci;
revoke select on raw.forgetting_dry_run from ci;
grant select(dead_letter_id, source, feed, position, reason, source_at, status, _dlt_load_id, landed_at) on raw.dead_letters to ci;
grant select on staging.* to ci;
grant select on snapshots.* to ci;
grant select on seeds.* to ci;
grant select on marts.* to ci;
grant select on quality.* to ci;
grant create database, drop database, create table, create view, drop table, drop view, select, insert, alter table, alter view, truncate on ci_*.* to ci;
grant table engine on MergeTree to ci;
grant table engine on ReplacingMergeTree to ci;
grant table engine on SummingMergeTree to ci;
grant table engine on AggregatingMergeTree to ci;
grant table engine on Memory to ci;
grant select(query) on system.processes to ci;

-- reader: marts and the realtime views, nothing else.
grant select on marts.* to reader;
grant select on realtime.* to reader;

-- operator: the dead letters, quality, and what ran on the server.
grant select on raw.dead_letters to operator;
grant select on quality.* to operator;
grant select on failures.* to operator;
grant select on system.query_log to operator;
grant system flush logs on *.* to operator;

-- monitor: what gatehouse metrics, the page of health and the dashboards of operations show: how much
-- and when, no record.
grant show tables on raw.* to monitor;
grant show tables on staging.* to monitor;
grant show tables on snapshots.* to monitor;
grant show tables on marts.* to monitor;
grant show tables on realtime.* to monitor;
grant select on raw._dlt_loads to monitor;
grant select(dead_letter_id, source, feed, reason, status, landed_at) on raw.dead_letters to monitor;
grant select on staging.model_builds to monitor;
grant select on quality.* to monitor;
grant select on system.disks to monitor;
grant select on system.metrics to monitor;
grant select on system.events to monitor;

-- eraser: whoever runs `gatehouse forget`. Finds a person's rows wherever there are any and erases
-- them; writes down what the door goes by, and fills again what a view had counted of them.
grant select, alter delete, alter update on raw.* to eraser;
grant select, alter delete, alter update on staging.* to eraser;
grant select, alter delete, alter update on snapshots.* to eraser;
grant select, alter delete, alter update on marts.* to eraser;
grant select, alter delete, alter update on realtime.* to eraser;
grant select, alter delete, alter update on failures.* to eraser;
grant insert on raw.* to eraser;
grant insert on staging.int_users_numbered to eraser;
grant insert on realtime.gate_flow_minutes to eraser;
grant select(user, query_id) on system.processes to eraser;
grant truncate on raw.forgetting to eraser;
grant truncate on raw.forgetting_dry_run to eraser;
