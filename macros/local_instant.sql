{% macro local_instant(day, seconds, time_zone) -%}
    toTimeZone(
        makeDateTime(
            toYear({{ day }} + intDiv({{ seconds }}, 86400)),
            toMonth({{ day }} + intDiv({{ seconds }}, 86400)),
            toDayOfMonth({{ day }} + intDiv({{ seconds }}, 86400)),
            intDiv({{ seconds }} % 86400, 3600),
            intDiv({{ seconds }} % 3600, 60),
            0,
            '{{ time_zone }}'
        ),
        'UTC'
    )
{%- endmacro %}
