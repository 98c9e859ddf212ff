"""How fast a topic lands, by gatehouse and by what else could be used.

`python -m bench.landing` fills a topic once, and lets each way read it whole into a table of its
own, by turns. A way's rate is that of its rows after the first insert: joining a group and starting
take seconds that a stream pays once. What each does to a record:

kafka_engine    ClickHouse's Kafka engine and a materialized view: the value as it came
insert_arrow    kafka-python and clickhouse-connect: the value as it came
dlt_dicts       kafka-python and plain dlt, a dict per record: the value as it came
gatehouse       `gatehouse stream`: JSON Schema, four pseudonyms, typed envelope
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import dlt
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from dlt.destinations import clickhouse
from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord

from bench import latency
from bench.latency import TABLE, TOPIC, broker_of
from sandbox import clickhouse_config
from sandbox.settings import password
from tests.sandboxes import Sandbox

BARE = """
create table raw.{name}
(
    partition UInt16, offset UInt64, published_at DateTime64(3, 'UTC'),
    payload String codec(ZSTD(3)),
    landed_at DateTime64(6, 'UTC') default now64(6)
    {more}
)
engine = MergeTree order by (partition, offset)
"""
RIGHTS = (
    "CREATE VIEW ON raw.*",
    "DROP TABLE ON raw.*",
    "TABLE ENGINE ON Kafka",
    "TRUNCATE ON raw.*",
)


@contextmanager
def loader(sandbox: Sandbox) -> Iterator[Client]:
    """A connection as the loader."""
    settings = sandbox.settings
    with clickhouse_connect.get_client(
        host=settings.host,
        port=settings.clickhouse_http_port,
        username="loader",
        password=password("loader"),
        autogenerate_session_id=False,
    ) as client:
        yield client


def grant_more(folder: Path) -> None:
    """Let the sandbox's next server give the loader what the Kafka engine needs."""
    path = folder / "grants.sql"
    more = "".join(f"grant {right} to loader;\n" for right in RIGHTS)
    path.write_text(clickhouse_config.GRANTS.read_text() + more)
    os.environ["GATEHOUSE_SANDBOX_GRANTS"] = str(path)


def wait_for(sandbox: Sandbox, table: str, count: int) -> None:
    """Wait until a table holds every record."""
    with loader(sandbox) as client:
        statement = f"select uniqExact(partition, offset) from {table}"
        while int(client.query(statement).result_rows[0][0]) < count:
            time.sleep(0.5)


def kafka_engine(sandbox: Sandbox, group: str, count: int) -> str:
    """Let ClickHouse read the topic itself."""
    with loader(sandbox) as client:
        client.command(BARE.format(name=group, more=""))
        client.command(
            f"""
            create table raw.{group}_queue (payload String) engine = Kafka
            settings
                kafka_broker_list = '{broker_of(sandbox)}', kafka_topic_list = '{TOPIC}',
                kafka_group_name = '{group}', kafka_format = 'RawBLOB', kafka_num_consumers = 1,
                kafka_max_block_size = 50000
            """
        )
        client.command(
            f"""
            create materialized view raw.{group}_view to raw.{group} as
            select
                _partition as partition, _offset as offset,
                assumeNotNull(_timestamp_ms) as published_at, payload
            from raw.{group}_queue
            """
        )
        wait_for(sandbox, f"raw.{group}", count)
        client.command(f"drop table raw.{group}_view sync")
        client.command(f"drop table raw.{group}_queue sync")
    return f"raw.{group}"


def batches(sandbox: Sandbox, group: str, count: int, rows: int) -> Iterator[list[ConsumerRecord]]:
    """Read the topic with kafka-python, so many records at once, and commit what was used."""
    consumer = KafkaConsumer(
        TOPIC,
        bootstrap_servers=broker_of(sandbox),
        group_id=group,
        session_timeout_ms=6000,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=50 * 2**20,
        max_partition_fetch_bytes=8 * 2**20,
    )
    seen = 0
    while seen < count:
        batch: list[ConsumerRecord] = []
        while len(batch) < rows and seen + len(batch) < count:
            polled = consumer.poll(timeout_ms=200, max_records=rows - len(batch))
            batch += [record for records in polled.values() for record in records]
        seen += len(batch)
        yield batch
        consumer.commit()
    consumer.close()


def insert_arrow(sandbox: Sandbox, group: str, count: int) -> str:
    """Insert columns."""
    with loader(sandbox) as client:
        client.command(BARE.format(name=group, more=""))
        for batch in batches(sandbox, group, count, 20_000):
            rows = pa.table(
                {
                    "partition": pa.array([record.partition for record in batch], pa.uint16()),
                    "offset": pa.array([record.offset for record in batch], pa.uint64()),
                    "published_at": pa.array(
                        [record.timestamp for record in batch], pa.timestamp("ms", "UTC")
                    ),
                    "payload": pa.array([record.value for record in batch], pa.binary()),
                }
            )
            client.insert_arrow(group, rows, database="raw")
    return f"raw.{group}"


def dlt_dicts(sandbox: Sandbox, group: str, count: int) -> str:
    """Give dlt a dict per record, as its documentation begins."""
    settings = sandbox.settings
    credentials = {
        "host": settings.host,
        "port": settings.clickhouse_tcp_port,
        "http_port": settings.clickhouse_http_port,
        "username": "loader",
        "password": password("loader"),
        "database": "raw",
        "secure": 0,
    }
    with loader(sandbox) as client:
        client.command(BARE.format(name=group, more=", _dlt_load_id String, _dlt_id String"))
    pipeline = dlt.pipeline(
        group,
        destination=clickhouse(credentials=credentials),
        dataset_name="",
        pipelines_dir=str(settings.state / "dlt"),
    )
    for batch in batches(sandbox, group, count, 5000):
        rows = [
            {
                "partition": record.partition,
                "offset": record.offset,
                "published_at": record.timestamp / 1000,
                "payload": record.value.decode(),
            }
            for record in batch
        ]
        pipeline.run(rows, table_name=group, columns={"published_at": {"data_type": "timestamp"}})
    return f"raw.{group}"


def gatehouse(sandbox: Sandbox, group: str, count: int) -> str:
    """Run the stream."""
    with loader(sandbox) as client:
        client.command(f"truncate table if exists {TABLE}")
    with latency.streaming(sandbox, workers=8, group=group) as url:
        latency.wait_for(url)
        wait_for(sandbox, TABLE, count)
    return TABLE


WAYS: list[Callable[[Sandbox, str, int], str]] = [
    kafka_engine,
    insert_arrow,
    dlt_dicts,
    gatehouse,
]


def rate(sandbox: Sandbox, table: str) -> float:
    """Return the rows per second after the first insert."""
    with loader(sandbox) as client:
        [[rows, seconds]] = client.query(
            f"""
            with (select min(landed_at) from {table}) as first
            select
                countIf(landed_at > first),
                (toUnixTimestamp64Micro(max(landed_at)) - toUnixTimestamp64Micro(first)) / 1e6
            from {table}
            """
        ).result_rows
    return float(rows) / float(seconds)


def main() -> None:
    """Fill the topic, let each way read it by turns, and tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=300_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        grant_more(Path(folder))
        run(chosen.records, chosen.rounds)


def run(records: int, rounds: int) -> None:
    """Fill the topic, and let each way read it by turns."""
    with latency.broker_and_clickhouse() as sandbox:
        with latency.producing("registrations", sandbox, TOPIC, 0, records, 0):
            pass
        rates: dict[str, list[float]] = {way.__name__: [] for way in WAYS}
        for number in range(rounds):
            for way in WAYS if number % 2 else reversed(WAYS):
                table = way(sandbox, f"{way.__name__}_{number}", records)
                rates[way.__name__].append(rate(sandbox, table))
                print(f"{way.__name__:14} {rates[way.__name__][-1]:10,.0f} rows/s", flush=True)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    print(f"\n{'medians':14} {'rows/s':>10} {'of engine':>10} {'of dlt':>8}")
    for name, median in medians.items():
        of_engine = median / medians["kafka_engine"]
        print(f"{name:14} {median:10,.0f} {of_engine:10.2f} {median / medians['dlt_dicts']:8.1f}")


if __name__ == "__main__":
    main()
