"""Sandboxes for all tests; what they are made of is in `tests/sandboxes.py`."""

from collections.abc import Callable, Iterator

import pytest

from sandbox import processes
from tests import sandboxes
from tests.sandboxes import Sandbox


@pytest.fixture
def free_port() -> int:
    return sandboxes.free_port()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running sandbox that all tests share: leave its processes alone."""
    made = sandboxes.throwaway(tmp_path_factory.mktemp("shared"))
    try:
        processes.up(made.settings)
        yield made
    finally:
        processes.down(made.settings)


@pytest.fixture(scope="module")
def new_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Sandbox]]:
    """Makes sandboxes that are not up yet, to be killed and damaged at will.

    Its arguments are variables, for another world: `new_sandbox(GATEHOUSE_SANDBOX_DIRT="0")`.
    """
    made: list[Sandbox] = []

    def make(**variables: str) -> Sandbox:
        made.append(sandboxes.throwaway(tmp_path_factory.mktemp("own"), **variables))
        return made[-1]

    yield make
    for one in made:
        processes.down(one.settings)
