"""Valid messages of the topics `event-data` and `ticket-events`, as fast as they can be sent."""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import orjson
from kafka import KafkaProducer

# So many at once, and then a pause until their time has come: a sleep per record is no rate.
STRIDE = 50


def registrations(first: int, count: int) -> Iterator[bytes]:
    """Yield registrations of about 400 bytes, numbered from `first`."""
    for number in range(first, first + count):
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        yield orjson.dumps(
            {
                "message_id": f"bench-{number:010d}",
                "type": "registration.created",
                "occurred_at": now,
                "schema_version": 1,
                "data": {
                    "registration_id": f"reg-{number:010d}",
                    "event_id": f"evt-{number % 200:05d}",
                    "user_id": f"usr-{number % 90_000:08d}",
                    "email": f"person{number % 90_000}@example.com",
                    "full_name": f"Ada Lovelace {number % 90_000}",
                    "phone": f"+49151{number % 90_000:08d}",
                    "ticket_type": "general",
                    "channel": "web",
                    "status": "confirmed",
                    "price_minor": 4900,
                    "currency": "EUR",
                    "registered_at": now,
                },
            }
        )


def tickets(first: int, count: int) -> Iterator[bytes]:
    """Yield as many tickets that change just now, of about 500 bytes."""
    for number in range(first + 1, first + count + 1):
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        yield orjson.dumps(
            {
                "event_type": "ticket.updated",
                "timestamp": now,
                "data": {
                    "id": number,
                    "status": 2,
                    "priority": number % 4 + 1,
                    "requester_id": 1_000_000 + number % 5000,
                    "responder_id": 2_000_000 + number % 200,
                    "group_id": 3_000_000 + number % 20,
                    "subject": "The badge printer at the north gate prints nothing",
                    "category": "Hardware",
                    "type": "Incident",
                    "source": 2,
                    "created_at": now,
                    "updated_at": now,
                },
            }
        )


KINDS: dict[str, Callable[[int, int], Iterator[bytes]]] = {
    "registrations": registrations,
    "tickets": tickets,
}


def send(
    kind: str, broker: str, topic: str, partitions: int, first: int, count: int, rate: float
) -> None:
    """Send them round the partitions, so many a second; 0: as fast as it goes."""
    producer = KafkaProducer(bootstrap_servers=broker, linger_ms=20, batch_size=2**18, acks=1)
    began = time.monotonic()
    for sent, value in enumerate(KINDS[kind](first, count)):
        producer.send(topic, value=value, partition=sent % partitions)
        ahead = sent / rate - (time.monotonic() - began) if rate else 0
        if sent % STRIDE == 0 and ahead > 0:
            time.sleep(ahead)
    producer.flush()
    producer.close()


def main() -> None:
    """Be a process of its own, as a source is."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kind", choices=KINDS)
    for name in ("broker", "topic"):
        options.add_argument(name)
    for name in ("partitions", "first", "count"):
        options.add_argument(name, type=int)
    options.add_argument("rate", type=float)
    send(**vars(options.parse_args()))


if __name__ == "__main__":
    main()
