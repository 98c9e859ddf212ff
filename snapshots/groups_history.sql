-- One row per group and version that a build saw.
{% snapshot groups_history %}
{{ config(unique_key='group_id') }}

select * except (updated_at, _payload_hash, _built_at)
from {{ ref('stg_freshservice__groups') }}

{% endsnapshot %}
