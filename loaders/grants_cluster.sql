-- What users need besides where tables lie on several shards: Distributed tables, `on cluster`, and
-- to be asked by the other nodes. dbt-clickhouse looks its tables up on all nodes.
grant table engine on Distributed to loader;
grant cluster on *.* to loader;
grant table engine on Distributed to transformer;
grant cluster on *.* to transformer;
grant read on REMOTE to transformer;
grant select on system.tables to transformer;
grant select on system.columns to transformer;
grant select on system.databases to transformer;
