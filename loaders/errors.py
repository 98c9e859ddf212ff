"""The error that a person is shown: what happened, where, and what to do about it."""


class GatehouseError(Exception):
    """An expected failure, told in one line; the CLI prints it and exits with 1.

    Parameters
    ----------
    problem
        What happened, naming the source and the record or address.
    remedy
        What the reader can do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


class FeedError(GatehouseError):
    """A failure of one feed; the source's other feeds can still be loaded."""
