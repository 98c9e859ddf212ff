"""Attendance: who comes through which door when, what phones and scanners tell of it, and how late.

    stories (happenings) ─> diary: who comes ─> stays: when ─> doors: gate, lane, queue, refusals ─┐
                                                     └─> phones: sessions, views, ratings ─────────┤
                     app_messages  <─ letters: clocks, offline spells, dirt <─ evenings <──────────┤
                     gate_minutes  <─ counters: minutes, late reports, corrections  <──────────────┘

An evening is all of one event's attendance. It follows from the seed and the stories alone, so it
is made when somebody asks for its day, kept while its days are read, and forgotten.
"""

from sandbox.world.attendance.attendance import Attendance

__all__ = ["Attendance"]
