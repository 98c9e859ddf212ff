-- One row per SLA policy and version that a build saw.
{% snapshot sla_policies_history %}
{{ config(unique_key='sla_policy_id') }}

select * except (updated_at, _payload_hash, _built_at)
from {{ ref('stg_freshservice__sla_policies') }}

{% endsnapshot %}
