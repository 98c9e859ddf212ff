#!/bin/bash
# Makes the databases and the users of grants.sql when ClickHouse first starts. The password of each
# is in the environment.
set -euo pipefail
ask() { clickhouse-client --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD" "$@"; }

export GATEHOUSE_TRANSFORMER_PASSWORD=$DBT_ENV_SECRET_TRANSFORMER_PASSWORD
export GATEHOUSE_CI_PASSWORD=$DBT_ENV_SECRET_CI_PASSWORD
for database in raw staging snapshots seeds marts realtime quality; do
    ask --query "create database if not exists $database"
done
for user in $(sed -nE 's/^(grant|revoke) .* (to|from) ([a-z]+);$/\3/p' "${GRANTS:-/grants.sql}" | sort -u); do
    password="GATEHOUSE_${user^^}_PASSWORD"
    ask --query "create user if not exists $user identified with sha256_password by '${!password}'"
done
# Answers to readers are an hour old at most.
ask --query "alter user reader settings readonly = 2, max_execution_time = 60, max_memory_usage = 1000000000,
    use_query_cache = 1, query_cache_ttl = 3600, query_cache_nondeterministic_function_handling = 'ignore',
    query_cache_system_table_handling = 'ignore'"
ask --queries-file "${GRANTS:-/grants.sql}"
