{% macro local_instant(clock, time_zone, zones) -%}
    multiIf(
        {%- for zone in zones %}
        {%- set shown -%}
            makeDateTime(toYear({{ clock }}), toMonth({{ clock }}), toDayOfMonth({{ clock }}), toHour({{ clock }}), toMinute({{ clock }}), 0, '{{ zone }}')
        {%- endset %}
        {{ time_zone }} = '{{ zone }}',
        {#- What a skipped time was moved back by is added: ClickHouse takes 02:30 for 01:30. #}
        toTimeZone(
            {{ shown }} + toIntervalSecond(toUnixTimestamp({{ clock }}) - toUnixTimestamp({{ shown }}) - timeZoneOffset({{ shown }})),
            'UTC'
        ),
        {%- endfor %}
        toDateTime(0, 'UTC')
    )
{%- endmacro %}
