-- One row per message of the app: of its copies the one that its server received first. Each has
-- one instant, and occurred_at_rule says whose clock told it.
{{
    config(
        unique_key=['event_id', 'message_id'],
        order_by=['event_id', 'message_id'],
        partition_by='toYYYYMM(received_at)',
        indexes=[{'name': 'built', 'definition': '_built_at type minmax granularity 1'}],
        pre_hook="{{ refuse_history_loss('message_id', source('user_app', 'events')) }}",
    )
}}

with landed as (
    select *
    from {{ source('user_app', 'events') }}
    where {{ landed_since_last_build() }}
),

first_copies as (
    select
        event_id,
        message_id,
        type,
        payload,
        seq,
        source_at,
        sent_at,
        received_at
    from landed
    order by event_id, message_id, received_at, seq
    limit 1 by event_id, message_id
),

{%- if is_incremental() %}

staged as (
    select
        event_id,
        message_id,
        seq,
        received_at
    from {{ this }}
    where
        (event_id, message_id) in (
            select
                event_id,
                message_id
            from landed
        )
),

unstaged as (
    select first_copies.*
    from first_copies
    left join staged
        on
            first_copies.event_id = staged.event_id
            and first_copies.message_id = staged.message_id
    where
        staged.seq is null
        or (first_copies.received_at, first_copies.seq) < (staged.received_at, staged.seq)
),
{%- else %}

unstaged as (
    select * from first_copies
),
{%- endif %}

parsed as (
    select
        event_id,
        message_id,
        type,
        seq,
        source_at,
        sent_at,
        received_at,
        JSONExtract(
            payload,
            'Tuple(
                user_id String,
                session_id Nullable(String),
                gate_id Nullable(String),
                device_info Tuple(
                    device_id Nullable(String),
                    os Nullable(String),
                    os_version Nullable(String),
                    model Nullable(String),
                    app_version Nullable(String)
                ),
                location Tuple(
                    lat Nullable(Float64),
                    lon Nullable(Float64),
                    zone Nullable(String)
                ),
                properties Tuple(
                    result Nullable(String),
                    lane Nullable(UInt8),
                    registration_id Nullable(String),
                    is_override Nullable(Bool),
                    is_offline Nullable(Bool),
                    nonce Nullable(String),
                    page Nullable(String),
                    poll_id Nullable(String),
                    option Nullable(String),
                    score Nullable(UInt8)
                )
            )'
        ) as body
    from unstaged
),

typed as (
    select
        message_id,
        event_id,
        {{ clean_string('body.session_id') }} as session_id,
        toLowCardinality({{ clean_string('body.gate_id') }}) as gate_id,
        body.user_id as user_key,
        {{ clean_string('body.device_info.device_id') }} as device_id,
        {{ clean_string('body.properties.registration_id') }} as registration_id,
        toLowCardinality(type) as type,
        toLowCardinality({{ clean_string('body.properties.result') }}) as result,
        toLowCardinality({{ clean_string('body.location.zone') }}) as zone,
        toLowCardinality(lower({{ clean_string('body.device_info.os') }})) as os,
        toLowCardinality({{ clean_string('body.device_info.os_version') }}) as os_version,
        toLowCardinality({{ clean_string('body.device_info.model') }}) as model,
        toLowCardinality({{ clean_string('body.device_info.app_version') }}) as app_version,
        {{ clean_string('body.properties.nonce') }} as nonce,
        toLowCardinality({{ clean_string('body.properties.page') }}) as page,
        {{ clean_string('body.properties.poll_id') }} as poll_id,
        toLowCardinality({{ clean_string('body.properties.option') }}) as poll_option,
        body.properties.lane as lane,
        body.properties.score as score,
        -- 0, 0 lies in the sea: it is what phones tell that do not know where they are.
        if((body.location.lat, body.location.lon) = (0, 0), null, body.location.lat) as latitude,
        if((body.location.lat, body.location.lon) = (0, 0), null, body.location.lon) as longitude,
        toBool(coalesce(body.properties.is_override, false)) as is_override,
        toBool(coalesce(body.properties.is_offline, false)) as is_offline,
        seq,
        -- Read at the door: what reads times as it can takes 25:61 for two in the night.
        source_at as client_at,
        sent_at,
        received_at
    from parsed
),

offset_from_clock as (
    select
        *,
        dateDiff('millisecond', sent_at, received_at) as clock_offset_milliseconds,
        abs(clock_offset_milliseconds) > 1000 * {{ var('clock_skew_seconds') }} as is_clock_off,
        client_at
        + toIntervalMillisecond(if(is_clock_off, clock_offset_milliseconds, 0)) as meant_at,
        multiIf(
            sent_at is null or meant_at is null, 'server',
            meant_at > received_at, 'server',
            meant_at < received_at - toIntervalDay({{ var('oldest_replay_days') }}), 'server',
            is_clock_off, 'corrected',
            'client'
        ) as rule
    from typed
),

timed as (
    select
        * except (client_at, clock_offset_milliseconds, is_clock_off, meant_at, rule),
        toLowCardinality(rule) as occurred_at_rule,
        clock_offset_milliseconds / 1000 as clock_offset_seconds,
        client_at,
        assumeNotNull(if(rule = 'server', received_at, meant_at)) as occurred_at,
        {{ built_at() }} as _built_at
    from offset_from_clock
),

known_by_first_pseudonyms as (
    {{ first_pseudonyms('timed', ['user_key', 'device_id']) }}
)

select * from known_by_first_pseudonyms
