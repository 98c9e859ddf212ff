-- One row per event, gate, minute and insert: who was let in, let out and refused.
{{ config(materialized='materialized_view') }}

{{ materialization_target_table(ref('gate_flow_minutes')) }}

with flow as (
    {{ live_gate_flow(source('user_app', 'events')) }}
)

select * from flow
