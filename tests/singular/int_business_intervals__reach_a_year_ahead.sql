-- After the calendars' last day business time stands still. Move the var calendar_ends_on in time.
select max(ends_at) as last_open
from {{ ref('int_business_intervals') }}
having last_open between toDateTime(1, 'UTC') and now() + interval 1 year
