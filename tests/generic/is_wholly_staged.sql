-- Fails on every landed record that is not staged, once the builds that should have staged it are done.
-- A duplicate is staged when its key is; a person, where the key names one, goes by the first pseudonym.
{% test is_wholly_staged(model, key, staged, is_person=false) %}
    select distinct {{ key }}
    from {{ '(' ~ first_pseudonyms(model, [key]) ~ ')' if is_person else model }}
    where
        landed_at <= (
            select min(last_start)
            from (
                select max(started_at) as last_start
                from {{ model_builds() }}
                where
                    finished_at is not null
                    and model in (
                        {%- for part in staged %}'{{ part.to.identifier }}'{{ ', ' if not loop.last }}{% endfor -%}
                    )
                group by model
            )
        ) - toIntervalSecond({{ var('landing_grace_seconds') }})
        and ({{ key }}) not in (
            {%- for part in staged %}
            select {{ part.key }} from {{ part.to }}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        )
{% endtest %}
