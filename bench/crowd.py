"""Years of messages in minutes: rows of raw that ClickHouse makes itself, from their number alone.

Every half-day events open for ten thousand people, a thousand to each unless said otherwise, with
ten messages of everybody. The first half of what they send arrives in that half-day, the second in
the next one: so a half-day brings 100,000 messages of twenty events, ten of which had begun before.
Gates count what they let in; people registered three weeks ahead, and come back to other events.
"""

from collections.abc import Iterator
from string import Template

ROWS_OF_HALF_DAY = 100_000
PEOPLE = 1000  # of an event

# When an event opens its doors.
OPENS = """
    toDateTime64(toStartOfYear(today()) - interval 1 year, 3, 'UTC')
    + toIntervalSecond(43200 * intDiv(event, $events) + 28800)
"""

# What follows from the number of a message. Somebody is let in at one of the first four of an
# event's ten steps and leaves at one of the last three; one in twenty forgets to be scanned.
NUMBERED = """
    select
        number,
        intDiv(number, 100000) as half_day,
        number % 100000 < 50000 as is_second_half,
        toInt64(half_day) - is_second_half as block,
        block * $events + intDiv(number % 50000, 5 * $people) as event,
        number % (5 * $people) + 5 * $people * is_second_half as place,
        intDiv(place, $people) as step,
        place % $people * 7919 % $people as person,
        person % 4 as arrival,
        event * 100 + cityHash64(event, person) % 20000 as human,
        multiIf(
            step = arrival or (step = 6 and person % 5 = 0), 'check_in',
            (step = 9 - person % 3 and person % 20 != 7) or (step = 5 and person % 5 = 0),
            'check_out',
            step = arrival + 1, 'session_join',
            step = arrival + 3, 'session_leave',
            step > arrival and (step + person) % 4 = 1, 'poll_answer',
            step > arrival and (step + person) % 8 = 2, 'rating',
            'view'
        ) as type,
        startsWith(type, 'check') as is_scan,
        concat('gate-', toString(event % 20), '-', toString(person % 4)) as gate,
        $opens + toIntervalMillisecond(intDiv(2880000 * place, $people)) as received
    from numbers($first, $count)
    where block >= $first_block and block < $last_block
"""

MESSAGES = """
insert into raw.user_app__events
    (source, message_id, type, event_id, source_at, sent_at, received_at, seq, channel, payload,
     _dlt_load_id)
select
    'user_app', lower(hex(sipHash128('message', number))) as message, type,
    concat('evt-', toString(event)) as event_id,
    received - toIntervalMillisecond(1000), received - toIntervalMillisecond(300), received,
    number, 'rest',
    concat(
        '{"message_id":"', message, '","type":"', type,
        '","user_id":"k1.', lower(hex(sipHash128(human))), '","event_id":"', event_id,
        multiIf(
            is_scan, concat('","gate_id":"', gate),
            type = 'view', '',
            concat('","session_id":"ses-', toString(event), '-', toString(intDiv(step, 3)))
        ),
        '","timestamp":"', toString(received), '","sent_at":"', toString(received),
        '","device_info":{"device_id":"k1.',
        lower(hex(sipHash128('device', if(is_scan, gate, toString(human))))),
        '","os":"', ['ios', 'android'][human % 2 + 1], '","os_version":"', toString(human % 5 + 13),
        '","model":"', ['iPhone15,2', 'Pixel 8', 'SM-S921B'][human % 3 + 1],
        '","app_version":"4.', toString(human % 9), '.0"},"location":{"lat":',
        toString(37.5 + person / 10000), ',"lon":', toString(127 + step / 10000),
        ',"zone":"zone-', toString(person % 2), '"},"properties":{',
        multiIf(
            is_scan,
            concat(
                '"result":"', if(human % 50 = 0, 'duplicate', 'ok'), '","lane":1',
                ',"is_override":false,"is_offline":false',
                if(
                    person < $registered,
                    concat(
                        ',"registration_id":"reg-',
                        lower(hex(sipHash64(toUInt64(event * $registered + person)))), '"'
                    ),
                    ''
                )
            ),
            type = 'view', concat('"page":"page-', toString(number % 12), '"'),
            type = 'rating', concat('"score":', toString(number % 5 + 1)),
            type = 'poll_answer',
            concat('"poll_id":"poll-', toString(event), '","option":"', toString(number % 3), '"'),
            ''
        ),
        '}}'
    ),
    'bench'
from ($numbered)
"""

EVENT_DATA = """
insert into raw.event_management__event_data
    (source, topic, partition, offset, message_id, type, schema_version, source_at, published_at,
     payload, _dlt_load_id)
select
    'event_management', 'event-data', $partition, number, concat('$entity-', toString(number)),
    '$entity.created', 1, told_at, told_at, concat('{"data":{', data, '}}'), 'bench'
from ($rows)
"""

TIMES = """
    concat(
        '"starts_at":"', toString(opens_at + interval 1 hour), 'Z","ends_at":"',
        toString(opens_at + interval 9 hour), 'Z"'
    )
"""

VENUES = """
    select
        number, toDateTime64(toStartOfYear(today()) - interval 2 year, 3, 'UTC') as told_at,
        concat(
            '"venue_id":"ven-', toString(number), '","name":"Hall ', toString(number),
            '","timezone":"Asia/Seoul","country":"KR","capacity":5000'
        ) as data
    from numbers(20)
"""

EVENTS = """
    select
        number, number as event, $opens as opens_at, opens_at - interval 40 day as told_at,
        concat(
            '"event_id":"evt-', toString(event), '","venue_id":"ven-', toString(event % 20),
            '","name":"Evening ', toString(event), '","timezone":"Asia/Seoul",',
            '"capacity":', toString(2 * $people),
            ',"doors_open_at":"', toString(opens_at), 'Z",', $times
        ) as data
    from numbers($first_block * $events, ($last_block - $first_block) * $events)
"""

SESSIONS = """
    select
        number, intDiv(number, 4) as event, $opens as opens_at,
        opens_at - interval 30 day as told_at,
        concat(
            '"session_id":"ses-', toString(event), '-', toString(number % 4),
            '","event_id":"evt-', toString(event), '","title":"Talk","zone":"zone-0",',
            '"capacity":400,', $times
        ) as data
    from numbers(
        $first_block * 4 * $events, ($last_block - $first_block) * 4 * $events
    )
"""

REGISTRATIONS = """
    select
        number, intDiv(number, $registered) as event, number % $registered as person,
        $opens as opens_at,
        event * 100 + cityHash64(event, person) % 20000 as human,
        lower(hex(sipHash128(human))) as hash, opens_at - interval 20 day as told_at,
        concat(
            '"registration_id":"reg-', lower(hex(sipHash64(number))), '","event_id":"evt-',
            toString(event),
            '","user_id":"k1.', hash, '","email":"k1.', reverse(hash),
            '","ticket_type":"general","channel":"web","status":"confirmed","currency":"KRW",',
            '"price_minor":3000000,"registered_at":"', toString(told_at), 'Z"'
        ) as data
    from numbers(
        $first_block * $events * $registered, ($last_block - $first_block) * $events * $registered
    )
"""

GATES = """
insert into raw.gate_management__gates (source, record_id, source_at, payload, _dlt_load_id)
select
    'gate_management', concat('gate-', toString(intDiv(number, 4)), '-', toString(number % 4)),
    null,
    concat(
        '{"venue_id":"ven-', toString(intDiv(number, 4)), '","zone":"zone-', toString(number % 2),
        '","lanes":2}'
    ),
    'bench'
from numbers(80)
"""

# Four gates of two lanes, four hours.
GATE_MINUTES = """
insert into raw.gate_management__gate_minutes
    (source, event_id, gate_id, lane, minute_at, reported_at, payload, _dlt_load_id)
select
    'gate_management', concat('evt-', toString(event)),
    concat('gate-', toString(event % 20), '-', toString(intDiv(number, 480) % 4)),
    intDiv(number, 240) % 2 + 1,
    $opens + toIntervalMinute(number % 240) as minute, minute + toIntervalSecond(90),
    concat(
        '{"entries":', toString(number % 3), ',"exits":0,"manual_overrides":0,"queue_length":',
        toString(number % 7), ',"service_seconds_p50":4.5,"status":"open","firmware":"1.2",',
        '"rejects":{"duplicate":0,"invalid":0,"wrong_gate":0,"revoked":0}}'
    ),
    'bench'
from (
    select number, intDiv(number, 1920) as event
    from numbers($first_block * 1920 * $events, ($last_block - $first_block) * 1920 * $events)
)
"""


def messages(first: int, half_days: int, blocks: range, people: int = PEOPLE) -> Iterator[str]:
    """Statements that land what arrives in some half-days of events that opened in `blocks`."""
    for half_day in range(first, first + half_days, 10):
        yield _fill(
            MESSAGES,
            numbered=NUMBERED,
            first=half_day * ROWS_OF_HALF_DAY,
            count=min(10, first + half_days - half_day) * ROWS_OF_HALF_DAY,
            **_world(blocks, people),
        )


def setting(blocks: range, people: int = PEOPLE) -> Iterator[str]:
    """Statements that land the events of some half-days, and who registered for them."""
    yield GATES
    for partition, (entity, rows) in enumerate(
        {
            "venue": VENUES,
            "event": EVENTS,
            "session": SESSIONS,
            "registration": REGISTRATIONS,
        }.items()
    ):
        world = _world(blocks, people)
        yield _fill(EVENT_DATA, partition=partition, entity=entity, rows=rows, **world)


def gate_minutes(blocks: range, people: int = PEOPLE) -> Iterator[str]:
    """Statements that land what the gates of those events counted."""
    yield _fill(GATE_MINUTES, **_world(blocks, people))


def _world(blocks: range, people: int) -> dict[str, object]:
    """Return which half-days, and their events' people: nine in ten of them registered."""
    return {
        "first_block": blocks.start,
        "last_block": blocks.stop,
        "people": people,
        "registered": people * 9 // 10,
        "events": ROWS_OF_HALF_DAY // 10 // people,
    }


def _fill(text: str, **values: object) -> str:
    """Put values where their names stand, and once more where these hold names."""
    while "$" in text:
        text = Template(text).substitute(opens=OPENS, times=TIMES, **values)
    return text
