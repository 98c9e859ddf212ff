"""The realtime sources as long-lived workers: `gatehouse stream`.

```
supervisor.py   one process: starts workers, adds some while there is a backlog, restarts the dead
  worker.py     a process each: one member of a topic's group, or the app's socket
    member.py   reads a topic, lands batch by batch, commits what is durable
  telemetry.py  what the workers tell, as /health and /metrics
```

Nothing is kept between two runs but what the sources and raw keep: the group's committed offsets,
the newest number of the app's messages. Any process here may be killed at any instant; what it
had read and not committed is read again, and what lands twice is counted once.
"""
