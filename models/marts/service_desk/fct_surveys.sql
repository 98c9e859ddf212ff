-- One row per answer to the satisfaction survey, kept up to date: the latest version wins.
{{
    config(
        materialized='incremental',
        unique_key='csat_response_id',
        order_by='csat_response_id',
        pre_hook="{{ refuse_history_loss('csat_response_id', ref('stg_freshservice__csat_responses')) }}",
    )
}}

with versions as (
    select * from {{ ref('stg_freshservice__csat_responses') }}
),

sweeps as (
    select * from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'csat_responses'
),

states as (
    select * from {{ ref('int_ticket_states') }}
),

touched as (
    select parent_id as ticket_id
    from versions
    where {{ built_since_last_build() }}
    union distinct
    select parent_id as ticket_id
    from sweeps
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from states
    where {{ built_since_last_build() }}
),

histories as (
    select
        csat_response_id,
        parent_id as ticket_id,
        -- In order of time, so that the last is what the requester says now.
        arraySort(
            groupArray(
                (updated_at, acquired_score, total_score, acquired_score / nullIf(total_score, 0))
            )
        ) as history,
        argMin(created_at, updated_at) as answered_at
    from versions
    where ticket_id in (select ticket_id from touched)
    group by csat_response_id, ticket_id
),

folded as (
    select
        csat_response_id,
        ticket_id,
        history[-1].2 as acquired_score,
        history[-1].3 as total_score,
        history[-1].4 as score_ratio,
        history[1].4 as first_score_ratio,
        toUInt32(length(history)) as versions_count,
        toUInt32(
            arrayCount(
                (before, after) -> (
                    (before.4 >= {{ var('csat_satisfied_ratio') }})
                    != (after.4 >= {{ var('csat_satisfied_ratio') }})
                ),
                arrayPopBack(history),
                arrayPopFront(history)
            )
        ) as flips_count,
        coalesce(score_ratio >= {{ var('csat_satisfied_ratio') }}, false) as is_satisfied,
        answered_at,
        history[-1].1 as updated_at
    from histories
),

touched_sweeps as (
    select * from sweeps
    where parent_id in (select ticket_id from folded)
),

preceded as (
    select
        *,
        status_id in (4, 5) as is_done,
        lagInFrame(is_done) over (
            partition by ticket_id order by state_number
            rows between 1 preceding and current row
        ) as was_done
    from states
    where ticket_id in (select ticket_id from folded)
),

-- Who held the ticket at each of its resolutions.
resolutions as (
    select
        ticket_id,
        responder_id,
        group_id,
        starts_at as resolved_at
    from preceded
    where is_done and not was_done
),

attributed as (
    select
        folded.csat_response_id as csat_response_id,
        folded.ticket_id as ticket_id,
        coalesce(resolutions.responder_id, 0) as responder_id,
        coalesce(resolutions.group_id, 0) as group_id,
        folded.acquired_score as acquired_score,
        folded.total_score as total_score,
        folded.score_ratio as score_ratio,
        folded.first_score_ratio as first_score_ratio,
        folded.versions_count as versions_count,
        folded.flips_count as flips_count,
        toBool(folded.is_satisfied) as is_satisfied,
        toBool(
            coalesce(
                touched_sweeps.read_at >= folded.updated_at
                and not has(touched_sweeps.record_ids, folded.csat_response_id),
                false
            )
        ) as is_deleted,
        resolutions.resolved_at as resolved_at,
        folded.answered_at as answered_at,
        folded.updated_at as updated_at,
        {{ built_at() }} as built_at
    from folded
    left join touched_sweeps on folded.ticket_id = touched_sweeps.parent_id
    asof left join resolutions
        on
            folded.ticket_id = resolutions.ticket_id
            and folded.answered_at >= resolutions.resolved_at
)

select * from attributed
