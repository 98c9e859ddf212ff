"""The page of the warehouse's own health, for whoever doubts a number; `gatehouse docs` serves it.

    target/run_results.json   what the last build built and tested       --.
    target/sources.json       what `dbt source freshness` found            |
    target/manifest.json      which report stands on what                  +--> health.html
    .gatehouse/loads/*.json   how the last loads ended                     |
    ClickHouse, user monitor  rows, ages, metrics of quality, dead letters --'

It says what is wrong, which reports stand on that, and how old everything is. All of it lies where
loads and builds left it; the page is made anew for everybody who asks, and keeps nothing.

`pages.py` puts it together: `problems.py` finds what is wrong and `summaries.py` sums up what there
is, out of what dbt wrote (`artifacts.py`) and what ClickHouse answers (`server.py`). How the page
spells it is in `words.py`.
"""

from loaders.health.pages import page, read
from loaders.health.server import LAYERS

__all__ = ["LAYERS", "page", "read"]
