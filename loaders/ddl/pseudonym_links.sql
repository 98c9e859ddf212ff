-- One row per pseudonym that somebody got after a rotation of keys, while the earlier key was listed:
-- who that is in everything that landed before. It lands before the first record that bears it. No
-- TTL: marts remember people for longer than raw.
create table if not exists raw.pseudonym_links
(
    pseudonym String comment 'Under the key that was current',
    first_pseudonym String comment 'The same person, address or thing under the first key that knew it',
    linked_at DateTime64(6, 'UTC') default now64(6) comment 'When the door linked the two'
)
engine = ReplacingMergeTree
order by pseudonym
