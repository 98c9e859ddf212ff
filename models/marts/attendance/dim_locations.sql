-- One row per place: a venue, a zone of it or a gate. A gate that only scans or its own counters
-- tell of stands at the venue of the event, in no zone; the gate without an id stands nowhere.
{{ config(order_by='location_id') }}

with venue_messages as (
    select * from {{ ref('stg_event_management__venues') }}
),

listed_gates as (
    select * from {{ ref('stg_gate_management__gates') }}
),

-- Days are far fewer than scans and minutes, and outlive them.
scan_days as (
    select * from {{ ref('rollup_attendance_daily') }}
),

counter_days as (
    select * from {{ ref('rollup_gates_daily') }}
),

events as (
    select * from {{ ref('dim_events') }}
),

venues as (
    select *
    from venue_messages
    order by {{ message_order() }} desc
    limit 1 by venue_id
),

uses as (
    select
        toString(gate_id) as gate_id,
        min(event_id) as event_id
    from scan_days
    group by gate_id
    union all
    select
        toString(gate_id) as gate_id,
        min(event_id) as event_id
    from counter_days
    group by gate_id
),

-- Gates stay where they are: any event that used one says where that is.
used_gates as (
    select
        gate_id,
        min(event_id) as event_id
    from uses
    group by gate_id
),

gates as (
    select
        gate_id,
        venue_id,
        zone,
        toNullable(lanes_count) as lanes_count,
        true as is_listed
    from listed_gates
    union all
    select
        used_gates.gate_id as gate_id,
        if(used_gates.gate_id = '', null, events.venue_id) as venue_id,
        null as zone,
        null as lanes_count,
        false as is_listed
    from used_gates
    left join events on used_gates.event_id = events.event_id
    where used_gates.gate_id not in (select gate_id from listed_gates)
),

places as (
    select
        gate_id as location_id,
        gate_id,
        venue_id,
        'gate' as location_type,
        zone,
        lanes_count,
        is_listed
    from gates
    union all
    select
        concat(assumeNotNull(venue_id), '/', assumeNotNull(zone)) as location_id,
        null as gate_id,
        venue_id,
        'zone' as location_type,
        zone,
        sum(lanes_count) as lanes_count,
        true as is_listed
    from gates
    where venue_id is not null and zone is not null
    group by venue_id, zone
    union all
    select
        venue_id as location_id,
        null as gate_id,
        venue_id,
        'venue' as location_type,
        null as zone,
        null as lanes_count,
        true as is_listed
    from venues
    union all
    select
        assumeNotNull(venue_id) as location_id,
        null as gate_id,
        venue_id,
        'venue' as location_type,
        null as zone,
        null as lanes_count,
        false as is_listed
    from gates
    where venue_id is not null and venue_id not in (select venue_id from venues)
    group by venue_id
),

described as (
    select
        places.location_id as location_id,
        places.venue_id as venue_id,
        places.gate_id as gate_id,
        toLowCardinality(places.location_type) as location_type,
        venues.venue_name as venue_name,
        toLowCardinality(places.zone) as zone,
        venues.country as country,
        venues.time_zone as time_zone,
        toNullable(toInt64(places.lanes_count)) as lanes_count,
        toBool(places.is_listed) as is_listed
    from places
    left join venues on places.venue_id = venues.venue_id
)

select * from described
