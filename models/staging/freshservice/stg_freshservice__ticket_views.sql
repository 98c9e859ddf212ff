-- One row per ticket as its own page last showed it: what no list tells.
{{
    config(
        unique_key='ticket_id',
        order_by='ticket_id',
        pre_hook="{{ refuse_history_loss('ticket_id', source('freshservice', 'ticket_views'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('ticket_views', 'ticket_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                sla_policy_id Nullable(Int64),
                applied_business_hours Nullable(Int64),
                urgency Nullable(UInt8),
                impact Nullable(UInt8),
                approval_status Nullable(UInt16),
                created_within_business_hours Nullable(Bool),
                assets Array(Tuple(display_id Nullable(Int64)))
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as ticket_id,
        record.sla_policy_id as sla_policy_id,
        record.applied_business_hours as calendar_id,
        coalesce(record.urgency, 0) as urgency_id,
        coalesce(record.impact, 0) as impact_id,
        coalesce(record.approval_status, 0) as approval_status_id,
        arraySort(
            arrayDistinct(
                arrayMap(
                    display_id -> assumeNotNull(display_id),
                    arrayFilter(display_id -> display_id is not null, record.assets.display_id)
                )
            )
        ) as asset_display_ids,
        coalesce(record.created_within_business_hours, false) as is_created_in_business_time,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
