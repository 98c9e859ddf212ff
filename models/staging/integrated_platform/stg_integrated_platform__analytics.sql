-- One row per organisation, event, channel and hour: what the platform said of it last.
{{
    config(
        unique_key=['organization_id', 'event_id', 'channel', 'hour_at'],
        order_by=['organization_id', 'event_id', 'channel', 'hour_at'],
        pre_hook="{{ refuse_history_loss('organization_id, event_id, channel, hour_at', source('integrated_platform', 'analytics')) }}",
    )
}}

with reports as (
    {{ landed_reports(
        'integrated_platform',
        'analytics',
        ['organization_id', 'event_id', 'channel', 'hour_at'],
        'updated_at'
    ) }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                currency Nullable(String),
                visitors UInt32,
                signups UInt32,
                conversions UInt32,
                revenue_minor Int64
            )'
        ) as report
    from reports
),

typed as (
    select
        organization_id,
        event_id,
        channel,
        toLowCardinality({{ clean_string('report.currency') }}) as currency,
        report.visitors as visitors_count,
        report.signups as signups_count,
        report.conversions as conversions_count,
        report.revenue_minor as revenue_minor,
        toBool(updated_at > first_reported_at) as is_restated,
        hour_at,
        first_reported_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
