{% macro local_instant(day, seconds, time_zone) -%}
    {%- set clock -%}
        makeDateTime(
            toYear({{ day }} + intDiv({{ seconds }}, 86400)),
            toMonth({{ day }} + intDiv({{ seconds }}, 86400)),
            toDayOfMonth({{ day }} + intDiv({{ seconds }}, 86400)),
            intDiv({{ seconds }} % 86400, 3600),
            intDiv({{ seconds }} % 3600, 60),
            0,
    {%- endset %}
    -- What a skipped time was moved back by: ClickHouse takes 02:30 for 01:30.
    toTimeZone(
        {{ clock }} '{{ time_zone }}')
        + toIntervalSecond(
            toUnixTimestamp({{ clock }} 'UTC'))
            - toUnixTimestamp({{ clock }} '{{ time_zone }}'))
            - timeZoneOffset({{ clock }} '{{ time_zone }}'))
        ),
        'UTC'
    )
{%- endmacro %}
