"""A real Apache Kafka on loopback: one KRaft broker with TLS, SASL/SCRAM and its data on disk.

The sandbox's broker starts in a moment and keeps no passwords; what groups, logins and restarts
are in earnest is tested against this one. `make test-all` fetches its jars.
"""

import base64
import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.sandboxes import free_port

JARS = Path(sys.prefix) / "kafka"
USER, PASSWORD = "gatehouse", "scram-secret-1"
_STORE = "keystore"
_JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
sasl.enabled.mechanisms=SCRAM-SHA-256
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256
listener.name.client.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required username="broker" password="inner";
ssl.keystore.type=PKCS12
ssl.keystore.location={folder}/broker.p12
ssl.keystore.password={store}
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
log.dirs={folder}/data
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=33554432
auto.create.topics.enable=false
"""


class ApacheKafka:
    """A broker of our own, to be killed at will.

    Parameters
    ----------
    folder
        For its certificate, its settings, its log and its data.

    Attributes
    ----------
    options
        What a client of kafka-python is made with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        client, controller = free_port(), free_port()
        self.options: dict[str, Any] = {
            "bootstrap_servers": f"127.0.0.1:{client}",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": USER,
            "sasl_plain_password": PASSWORD,
            "ssl_cafile": str(folder / "ca.pem"),
        }
        self._make_certificate()
        self._settings = folder / "server.properties"
        self._settings.write_text(
            _PROPERTIES.format(client=client, controller=controller, folder=folder, store=_STORE)
        )
        self._format()

    def env(self, source: str) -> dict[str, str]:
        """The variables that point a source at this broker."""
        names = {
            "bootstrap_servers": "BOOTSTRAP_SERVERS",
            "security_protocol": "SECURITY_PROTOCOL",
            "sasl_mechanism": "SASL_MECHANISM",
            "sasl_plain_username": "SASL_USERNAME",
            "sasl_plain_password": "SASL_PASSWORD",
            "ssl_cafile": "SSL_CAFILE",
        }
        return {
            f"SOURCES__{source.upper()}__{name}": self.options[option]
            for option, name in names.items()
        }

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self._folder / "broker.log").open("ab")
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        self._process = subprocess.Popen(
            [*_JAVA, quiet, "-cp", f"{JARS}/*", "kafka.Kafka", str(self._settings)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(KafkaError):
                self.admin().close()
                return
            assert self._process.poll() is None, (self._folder / "broker.log").read_text()
            assert time.monotonic() < until, "Apache Kafka does not answer"

    def kill(self) -> None:
        """End it as a power cut would; what it had acknowledged is on disk."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def admin(self) -> KafkaAdminClient:
        """A client that may do everything."""
        return KafkaAdminClient(**self.options, bootstrap_timeout_ms=2000)

    def _make_certificate(self) -> None:
        store = ["-alias", "broker", "-keystore", str(self._folder / "broker.p12")]
        store += ["-storepass", _STORE]
        make = ["keytool", "-genkeypair", *store, "-keyalg", "EC", "-storetype", "PKCS12"]
        make += ["-dname", "CN=localhost", "-ext", "SAN=ip:127.0.0.1", "-validity", "2"]
        subprocess.run(make, check=True, capture_output=True)
        show = subprocess.run(
            ["keytool", "-exportcert", "-rfc", *store], check=True, capture_output=True
        )
        (self._folder / "ca.pem").write_bytes(show.stdout)

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(b"gatehouse-tests!").decode().rstrip("=")
        login = "SCRAM-SHA-256=[name={},password={}]"
        users = [login.format("broker", "inner"), login.format(USER, PASSWORD)]
        subprocess.run(
            [
                *_JAVA, "-cp", f"{JARS}/*", "kafka.tools.StorageTool", "format",
                "--cluster-id", cluster, "--config", str(self._settings),
                *(word for user in users for word in ("--add-scram", user)),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
