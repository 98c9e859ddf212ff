"""Valid messages of the topic `event-data`, as fast as a producer can send them."""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
from kafka import KafkaProducer

# So many at once, and then a pause until their time has come: a sleep per record is no rate.
STRIDE = 50


def values(first: int, count: int) -> Iterator[bytes]:
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


def send(broker: str, topic: str, partitions: int, first: int, count: int, rate: float) -> None:
    """Send them round the partitions, so many a second; 0: as fast as it goes."""
    producer = KafkaProducer(bootstrap_servers=broker, linger_ms=20, batch_size=2**18, acks=1)
    began = time.monotonic()
    for sent, value in enumerate(values(first, count)):
        producer.send(topic, value=value, partition=sent % partitions)
        ahead = sent / rate - (time.monotonic() - began) if rate else 0
        if sent % STRIDE == 0 and ahead > 0:
            time.sleep(ahead)
    producer.flush()
    producer.close()


def main() -> None:
    """Be a process of its own, as a source is."""
    options = argparse.ArgumentParser(description=__doc__)
    for name, kind in (("broker", str), ("topic", str)):
        options.add_argument(name, type=kind)
    for name in ("partitions", "first", "count"):
        options.add_argument(name, type=int)
    options.add_argument("rate", type=float)
    send(**vars(options.parse_args()))


if __name__ == "__main__":
    main()
