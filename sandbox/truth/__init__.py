"""The truth: what really happened in the world, written down for tests to hold the marts against.

No number here was produced by SQL: business time, for one, is walked day by day
(`world/desk/business_time.py`).

```
teller.py         writes it in a process of its own, whenever the clock has moved
  files.py        one JSON object a line, one file per kind
    attendance.py, recorded_attendance.py, platform.py              the event half
    ticket.py, sla.py, backlog.py, desk.py, itil.py, estate.py      the service desk
```
"""
