-- One row per calendar of business hours and version that a build saw.
{% snapshot business_hours_history %}
{{
    config(
        unique_key='calendar_id',
        check_cols=[
            'calendar_name', 'rails_time_zone', 'workday_weekdays', 'workday_opens_seconds',
            'workday_closes_seconds', 'holiday_years', 'holiday_months', 'holiday_days',
            'holiday_names', 'is_default',
        ],
    )
}}

select
    * except (_payload_hash, _built_at),
    {{ as_of() }} as read_at
from {{ ref('stg_freshservice__business_hours') }}

{% endsnapshot %}
