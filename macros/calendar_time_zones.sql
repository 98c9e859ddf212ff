{% macro calendar_time_zones(calendars, zones) %}
    {%- if not execute or not load_relation(calendars) -%}
        {{- return(['Etc/UTC']) -}}
    {%- endif -%}
    {%- set query -%}
        select time_zone from system.time_zones
        where
            time_zone in (select rails_time_zone from {{ calendars }})
            or time_zone in (
                select time_zone from {{ zones }}
                where rails_time_zone in (select rails_time_zone from {{ calendars }})
            )
        order by time_zone
    {%- endset -%}
    {{- return(run_query(query).rows | map(attribute=0) | list or ['Etc/UTC']) -}}
{% endmacro %}
