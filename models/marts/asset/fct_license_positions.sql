-- One row per application, kept up to date: what was bought and is installed, and whether it fits.
{{ config(order_by='application_id') }}

with applications as (
    select * from {{ ref('stg_freshservice__applications') }}
),

users as (
    select * from {{ ref('stg_freshservice__application_users') }}
),

sweeps as (
    select * from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'application_users'
),

contracts as (
    select * from {{ ref('dim_contracts') }}
    where application_id > 0 and is_in_force
),

licensed as (
    select
        application_id,
        count() as contracts_count,
        countIf(is_active) as active_contracts_count,
        sumIf(seats_count, is_active) as purchased_count,
        sumIf(toDecimal128(seats_cost, 2), is_active) as seats_cost,
        countIf(is_active and coalesce(toString(license_type) != 'volume', true)) > 0
            as has_uncounted_license
    from contracts
    group by application_id
),

-- Only those whom the latest reading of the application's users shows; without one nobody knows.
seated as (
    select
        applications.application_id as application_id,
        count(users.application_user_id) as seats_count,
        countIf(
            users.application_user_id is not null
            and coalesce(
                users.last_used_at
                < applications.synced_at - toIntervalDay({{ var('unused_seat_days') }}),
                true
            )
        ) as unused_count
    from applications
    inner join sweeps on applications.application_id = sweeps.parent_id
    left join users on applications.application_id = users.application_id
    where users.application_user_id is null or has(sweeps.record_ids, users.application_user_id)
    group by application_id
),

described as (
    select
        applications.application_id as application_id,
        applications.vendor_id as vendor_id,
        applications.application_name as application_name,
        applications.application_type as application_type,
        toLowCardinality(
            multiIf(
                coalesce(licensed.contracts_count, 0) = 0, 'unlicensed',
                licensed.active_contracts_count = 0, 'non_compliant',
                -- Freshservice leaves open what as many as are installed are: here they fit.
                licensed.has_uncounted_license
                or licensed.purchased_count >= applications.installations_count, 'compliant',
                'non_compliant'
            )
        ) as license_state,
        toUInt32(coalesce(licensed.purchased_count, 0)) as purchased_count,
        applications.installations_count as installed_count,
        applications.users_count as users_count,
        toUInt32OrNull(toString(seated.unused_count)) as unused_count,
        -- greatest(), as even a null divisor is divided by, and holds a 0.
        toDecimal64(
            if(
                coalesce(licensed.purchased_count, 0) = 0,
                null,
                divideDecimal(
                    coalesce(licensed.seats_cost, toDecimal128(0, 2)),
                    toDecimal128(greatest(coalesce(licensed.purchased_count, 0), 1), 0),
                    4
                )
            ),
            4
        ) as seat_cost,
        toDecimal64(round(toDecimal128(seat_cost, 4) * toInt64(seated.unused_count), 2), 2)
            as unused_cost,
        applications.synced_at as synced_at
    from applications
    left join licensed on applications.application_id = licensed.application_id
    left join seated on applications.application_id = seated.application_id
)

select * from described
