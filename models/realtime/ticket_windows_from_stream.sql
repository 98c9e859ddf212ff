-- One row per 10 seconds, priority and insert: tickets that the topic brought.
{{ config(materialized='materialized_view') }}

{{ materialization_target_table(ref('ticket_windows')) }}

with windows as (
    {{ ticket_windows(source('freshservice', 'ticket_events')) }}
)

select * from windows
