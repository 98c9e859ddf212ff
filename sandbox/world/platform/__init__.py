"""The integrated platform: what it says of the registrations that came through it.

Two of the organisations sell through it. Its hours grow out of their registrations: who began one
signed up, and converts when it is confirmed. Its profiles are the people behind them.
"""

from sandbox.world.platform.platform import Platform as Platform
