-- One row per gate, as last listed.
{{
    config(
        unique_key='gate_id',
        order_by='gate_id',
        pre_hook="{{ refuse_history_loss('gate_id', source('gate_management', 'gates'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('gates', 'gate_id', system='gate_management') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(venue_id Nullable(String), zone Nullable(String), lanes UInt8)'
        ) as record
    from records
),

typed as (
    select
        record_id as gate_id,
        {{ clean_string('record.venue_id') }} as venue_id,
        toLowCardinality({{ clean_string('record.zone') }}) as zone,
        record.lanes as lanes_count,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
