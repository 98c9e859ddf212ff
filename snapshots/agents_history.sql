-- One row per agent and version that a build saw.
{% snapshot agents_history %}
{{ config(unique_key='agent_id') }}

select * except (updated_at, _payload_hash, _built_at)
from {{ ref('stg_freshservice__agents') }}

{% endsnapshot %}
