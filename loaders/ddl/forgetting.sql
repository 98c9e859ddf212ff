-- One row per thing to be erased by the `gatehouse forget` that is at work; empty when none is.
-- Statements read it from here, so that no pseudonym stands in a query log or in a mutation.
create table if not exists raw.{table}
(
    kind LowCardinality(String) comment 'person, device, registration, event or dead_letter; account: a pair that a dead letter tells',
    value String comment 'A pseudonym, or the id of what is theirs alone'
)
engine = MergeTree
order by (kind, value)
