-- One row per event, person and insert: which way they were last let through a gate.
{{ config(materialized='materialized_view') }}

{{ materialization_target_table(ref('event_occupants')) }}

with occupants as (
    {{ live_occupants(source('user_app', 'events')) }}
)

select * from occupants
