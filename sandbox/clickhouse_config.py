"""What the sandbox's ClickHouse reads at start: its server settings, its users and their grants."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from xml.sax.saxutils import escape

from sandbox.files import write_atomically
from sandbox.settings import USERS, Settings, SettingsError, password

GRANTS = Path(
    # The bench compares with engines that nobody else needs.
    os.environ.get("GATEHOUSE_SANDBOX_GRANTS")
    or Path(__file__).resolve().parents[1] / "loaders" / "grants.sql"
)

# Sized for a laptop with two cores: half the memory at most, small caches, few merges at once, but
# more than the two of the wheel. A delete is a task for each part of its table; where the pool (its
# size times the ratio) has no room for all of them, the rest waits for a second. clickhouse-local
# reads the level of its log outside of <logger>; the default, every step of every query, costs a
# tenth of its processor's time, and of warnings the scheduler gives twenty a second of no meaning.
CONFIG = """<clickhouse>
  <listen_host>{host}</listen_host>
  <http_port>{http_port}</http_port>
  <tcp_port>{tcp_port}</tcp_port>
  <path>data/</path>
  <timezone>UTC</timezone>
  <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
  <mark_cache_size>134217728</mark_cache_size>
  <background_pool_size>8</background_pool_size>
  <background_merges_mutations_concurrency_ratio>8</background_merges_mutations_concurrency_ratio>
  <log-level>error</log-level>
  <logger>
    <log>errors.log</log>
    <size>5M</size>
    <count>1</count>
  </logger>
  <query_log>
    <database>system</database>
    <table>query_log</table>
    <flush_interval_milliseconds>7500</flush_interval_milliseconds>
    <ttl>event_date + interval 7 day delete</ttl>
  </query_log>
  <user_directories><users_xml><path>users.xml</path></users_xml></user_directories>
</clickhouse>
"""

# `default` is the server's own local session, which must have an empty password. It takes the one
# session that its profile allows before any port is open, so nobody can be `default` over the
# network. The reader's profile is production's; clickhouse-local takes its settings for the query
# cache, and runs with a cache of size 0 that no setting of ours enlarges.
USERS_XML = """<clickhouse>
  <profiles>
    <default/>
    <local_session>
      <max_sessions_for_user>1</max_sessions_for_user>
      <constraints><max_sessions_for_user><const/></max_sessions_for_user></constraints>
    </local_session>
    <reader>
      <readonly>2</readonly>
      <max_execution_time>60</max_execution_time>
      <max_memory_usage>1000000000</max_memory_usage>
      <use_query_cache>1</use_query_cache>
      <query_cache_ttl>3600</query_cache_ttl>
      <query_cache_nondeterministic_function_handling>ignore</query_cache_nondeterministic_function_handling>
      <query_cache_system_table_handling>ignore</query_cache_system_table_handling>
    </reader>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>local_session</profile>
      <quota>default</quota>
    </default>
{users}
  </users>
</clickhouse>
"""

USER = """    <{name}>
      <password_sha256_hex>{digest}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>{profile}</profile>
      <quota>default</quota>
      <grants>
{grants}
      </grants>
    </{name}>"""

STATEMENT = re.compile(r"(?P<what>(?:grant|revoke)\s.*?)\s(?:to|from)\s+(?P<user>\w+)", re.I | re.S)


def write(settings: Settings, folder: Path) -> None:
    """Write `config.xml` and `users.xml`, which the server reads from its working folder."""
    config = CONFIG.format(
        host=settings.host,
        http_port=settings.clickhouse_http_port,
        tcp_port=settings.clickhouse_tcp_port,
    )
    granted = read_grants(GRANTS)
    users = "\n".join(_user(name, granted[name]) for name in USERS)
    write_atomically(folder / "config.xml", config)
    write_atomically(folder / "users.xml", USERS_XML.format(users=users))


def read_grants(path: Path) -> dict[str, list[str]]:
    """The statements of `grants.sql` by user, without their grantee, as users.xml wants them."""
    lines = path.read_text().splitlines()
    sql = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    granted: dict[str, list[str]] = {user: [] for user in USERS}
    for statement in filter(None, map(str.strip, sql.split(";"))):
        match = STATEMENT.fullmatch(statement)
        if match is None or match["user"] not in granted:
            raise SettingsError(
                f"{path}: cannot read {statement!r}: write `grant ... to user;` or "
                f"`revoke ... from user;` with a user of {', '.join(USERS)}"
            )
        granted[match["user"]].append(" ".join(match["what"].split()))
    return granted


def _user(name: str, granted: list[str]) -> str:
    queries = "\n".join(f"        <query>{escape(grant)}</query>" for grant in granted)
    return USER.format(
        name=name,
        digest=hashlib.sha256(password(name).encode()).hexdigest(),
        profile="reader" if name == "reader" else "default",
        grants=queries,
    )
