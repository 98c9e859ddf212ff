-- One row per calendar of business hour and version that a build saw.
{% snapshot business_hours_history %}
{{ config(unique_key='calendar_id') }}

select * except (updated_at, _payload_hash, _built_at)
from {{ ref('stg_freshservice__business_hours') }}

{% endsnapshot %}
