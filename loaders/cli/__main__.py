"""`python -m loaders.cli`: the same as `gatehouse`."""

from loaders.cli import main

main()
