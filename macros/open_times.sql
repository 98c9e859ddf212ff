{% macro open_times(stretches, calendars, intervals) -%}
    {%- set open_until -%}
        {{ intervals }}.open_seconds_before
        + least(age('second', {{ intervals }}.starts_at, bounds.bound_at), {{ intervals }}.open_seconds)
    {%- endset -%}
    select
        bounds.ticket_id as ticket_id,
        bounds.number as number,
        {%- for clock in ('holder', 'last') %}
        -- Of a calendar that nobody knows nothing can be told: null, never 0.
        if(
            countIf(bounds.clock = '{{ clock }}') > 0
            and countIf(bounds.clock = '{{ clock }}' and {{ intervals }}.starts_at is null) = 0,
            sumIf(bounds.sign * ({{ open_until }}), bounds.clock = '{{ clock }}'),
            null
        ) as {{ clock }}_seconds{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            held.ticket_id as ticket_id,
            held.number as number,
            held.clock as clock,
            {{ calendars }}.calendar_id as calendar_id,
            bound.1 as sign,
            bound.2 as bound_at
        from (
            select
                ticket_id,
                number,
                clock_group.1 as clock,
                clock_group.2 as clock_group_id,
                begins_at,
                stops_at
            from {{ stretches }}
            array join [('holder', group_id), ('last', last_group_id)] as clock_group
            where not (clock_group.1 = 'last' and clock_group.2 = 0)
        ) as held
        left join {{ calendars }} on held.clock_group_id = {{ calendars }}.group_id
        array join
            [
                (-1, greatest(held.begins_at, coalesce({{ calendars }}.valid_from, held.begins_at))),
                (1, least(held.stops_at, coalesce({{ calendars }}.valid_to, held.stops_at)))
            ] as bound
        where
            -- A stretch of no length has the calendar of its instant, and takes 0 seconds of it.
            coalesce(
                {{ calendars }}.valid_from < held.stops_at
                or {{ calendars }}.valid_from = held.begins_at,
                true
            )
            and coalesce({{ calendars }}.valid_to > held.begins_at, true)
    ) as bounds
    asof left join {{ intervals }}
        on
            bounds.calendar_id = {{ intervals }}.calendar_id
            and bounds.bound_at >= {{ intervals }}.starts_at
    group by ticket_id, number
{%- endmacro %}
