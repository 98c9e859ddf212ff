-- One row per sentence of a ticket's history: what was set to what, as far as a pattern knows it.
-- A change of the patterns reads anew what is staged; the sentences themselves stay.
{{
    config(
        unique_key=['ticket_id', 'activity_id'],
        order_by=['ticket_id', 'activity_id', 'sentence_number'],
        pre_hook="{{ refuse_history_loss('(ticket_id, activity_id)', source('freshservice', 'activities'), 'parent_id, record_id') }}",
    )
}}

with records as (
    {{ landed_records('activities', 'activity_id', parents=['ticket_id']) }}
),

patterns as (
    select * from {{ ref('activity_patterns') }}
),

patterns_now as (
    select sum(cityHash64(pattern_id, version, pattern, field, value)) as patterns_hash
    from patterns
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                actor Tuple(id Nullable(Int64)),
                content Nullable(String),
                sub_contents Array(String),
                created_at Nullable(String)
            )'
        ) as record,
        -- Where it holds a single sentence, it may be that sentence instead of an array.
        if(
            JSONType(payload, 'sub_contents') = 'String',
            JSONExtractString(payload, 'sub_contents'),
            ''
        ) as only_sub_content,
        arrayConcat(
            [coalesce(record.content, '')], record.sub_contents, [only_sub_content]
        ) as texts
    from records
),

-- One text may hold several: "set Status as Open, set Urgency as Low".
split as (
    select
        *,
        arrayFlatten(
            arrayMap(
                text -> splitByChar('\n', replaceAll(text, ', set ', '\nset ')),
                arrayMap(text -> {{ clean_string('text') }}, arrayFilter(text -> text != '', texts))
            )
        ) as text_sentences
    from parsed
),

sentences as (
    select
        parent_id as ticket_id,
        record_id as activity_id,
        toUInt16(sentence_number) as sentence_number,
        coalesce(record.actor.id, 0) as actor_id,
        assumeNotNull(sentence) as sentence,
        coalesce({{ parse_instant('record.created_at') }}, updated_at) as created_at,
        updated_at,
        _payload_hash
    from split
    array join
        text_sentences as sentence,
        arrayEnumerate(text_sentences) as sentence_number
    {%- if is_incremental() %}
    union all
    select
        ticket_id,
        activity_id,
        sentence_number,
        actor_id,
        sentence,
        created_at,
        updated_at,
        _payload_hash
    from {{ this }}
    where
        _patterns_hash != (select patterns_hash from patterns_now)
        and (ticket_id, activity_id) not in (
            select
                parent_id,
                record_id
            from records
        )
    {%- endif %}
),

-- Many tickets tell the same: each sentence is held against the patterns once.
texts as (
    select distinct sentence
    from sentences
),

understood as (
    select
        texts.sentence as sentence,
        patterns.pattern_id as pattern_id,
        patterns.field as field,
        replaceRegexpOne(texts.sentence, patterns.pattern, patterns.value) as set_to
    from texts
    cross join patterns
    where match(texts.sentence, patterns.pattern)
    order by patterns.pattern_id
    limit 1 by sentence
),

described as (
    select
        sentences.ticket_id as ticket_id,
        sentences.activity_id as activity_id,
        sentences.sentence_number as sentence_number,
        sentences.actor_id as actor_id,
        coalesce(understood.pattern_id, 0) as pattern_id,
        sentences.sentence as sentence,
        toLowCardinality(understood.field) as field,
        understood.set_to as set_to,
        toBool(understood.pattern_id is not null) as is_understood,
        sentences.created_at as created_at,
        sentences.updated_at as updated_at,
        sentences._payload_hash as _payload_hash,
        (select patterns_hash from patterns_now) as _patterns_hash,
        {{ built_at() }} as _built_at
    from sentences
    left join understood on sentences.sentence = understood.sentence
),

known_by_first_pseudonyms as (
    {{ first_pseudonyms('described', ['set_to']) }}
)

select * from known_by_first_pseudonyms
