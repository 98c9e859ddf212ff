-- One row per pseudonym of a person who was forgotten, as a mark: a hash of the pseudonym, which is
-- found again at the door when the source sends that person anew, and joins with nothing. No TTL:
-- the source may send a record for as long as it exists.
create table if not exists raw.forgotten
(
    mark String comment 'Hash of a pseudonym',
    forgotten_at DateTime64(3, 'UTC') default now64(3) comment 'When it was first asked to be forgotten'
)
engine = ReplacingMergeTree
order by mark
