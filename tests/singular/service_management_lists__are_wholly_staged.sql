-- Fails on every landed record of these lists that is not staged: one test for all, as each is small.
{%- set keys = {
    'asset_types': 'asset_type_id',
    'products': 'product_id',
    'vendors': 'vendor_id',
    'changes': 'change_id',
    'releases': 'release_id',
    'contracts': 'contract_id',
    'purchase_orders': 'purchase_order_id',
    'applications': 'application_id',
} %}
{%- set versioned = {'assets': 'asset_id', 'problems': 'problem_id'} %}
{%- set raw_version = "(record_id, ifNull(source_at, toDateTime64(0, 3, 'UTC')))" %}

{% for list, key in keys.items() -%}
select
    '{{ list }}' as list,
    record_id
from (
    {{
        test_is_wholly_staged(
            source('freshservice', list),
            'record_id',
            [{'to': ref('stg_freshservice__' ~ list), 'key': key}]
        )
    }}
)
union all
{% endfor -%}
{% for list, key in versioned.items() -%}
select
    '{{ list }}' as list,
    version.1 as record_id
from (
    {{
        test_is_wholly_staged(
            source('freshservice', list),
            raw_version ~ ' as version',
            [{'to': ref('stg_freshservice__' ~ list), 'key': key ~ ', updated_at'}]
        )
    }}
)
{{ 'union all' if not loop.last }}
{% endfor -%}
