"""Thin loaders: fetch, check, pseudonymise, land. Meaning is made downstream, in dbt.

```
Kafka event-data      -> event_management.py -.             .-> raw.event_management__event_data
                                               > door.py -> +
Freshservice REST v2  -> freshservice/      --'             |-> raw.freshservice__<entity>
                                                            '-> raw.dead_letters
```

`door.py` is what every record passes: its JSON Schema (`schemas/`), then the replacement of
identifiers (`privacy.py`). What fails becomes a dead letter (`dead_letters.py`) beside the good
records of the same load package. `landing.py` is the only module that writes to ClickHouse, and
`leftovers.py` finishes what a kill interrupted in dlt's folders; `loads.py` runs several sources
side by side; `cli.py` is what a person runs.
"""
