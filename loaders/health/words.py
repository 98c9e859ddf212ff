"""How the page spells ages, sizes, shares and names."""


def claim(name: str) -> str:
    """`fct_visits__end_after_they_begin` in words; what is before the claim may have `__` too."""
    about, _, what = name.rpartition("__")
    return f"{about}: {plain(what)}" if about else plain(name)


def plain(name: str) -> str:
    """A name of the warehouse without its underscores."""
    return name.replace("_", " ")


def figure(value: float | None, metric: str) -> str:
    """A metric's value: a share in per cent, or seconds, or a number."""
    if value is None:
        return "-"
    if metric.endswith("_ratio"):
        return f"{100 * value:.3g}%"
    return f"{value:,.0f} s" if "_seconds" in metric else f"{value:,.1f}"


def age(now: float | None, then: float | None) -> str:
    """How long ago something was, both in seconds since 1970."""
    if not now or not then:
        return "-"
    seconds = max(0.0, now - then)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: float) -> str:
    """A number of bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
