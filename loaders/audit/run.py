"""The order of an audit: source by source, and then from layer to layer."""

from collections.abc import Callable
from functools import partial

from dlt.common.configuration.exceptions import ConfigFieldMissingException

from loaders import gate_management, integrated_platform, user_app
from loaders.audit.app import of_app
from loaders.audit.layers import of_layers
from loaders.audit.lists import of_list
from loaders.audit.topics import of_topic
from loaders.audit.windows import Window, place
from loaders.batch import Tell
from loaders.errors import GatehouseError
from loaders.event_management import EVENT_DATA
from loaders.loads import TellOf, explain
from loaders.ticket_events import TICKET_EVENTS

SOURCES: dict[str, Callable[[Tell], list[Window]]] = {
    EVENT_DATA.source: partial(of_topic, EVENT_DATA),
    TICKET_EVENTS.source: partial(of_topic, TICKET_EVENTS),
    user_app.SOURCE: of_app,
    gate_management.SOURCE: partial(
        of_list, gate_management.SOURCE, gate_management.GATE_MINUTES, gate_management.connect
    ),
    integrated_platform.SOURCE: partial(
        of_list,
        integrated_platform.SOURCE,
        integrated_platform.ANALYTICS,
        integrated_platform.connect,
    ),
}


def audit(tell_of: TellOf) -> tuple[list[Window], list[str]]:
    """Compare all there is: windows, source by source and downwards, and what could not go on.

    Parameters
    ----------
    tell_of
        Gives whoever is to be told of a source's progress.
    """
    windows, errors = [], []
    for name, compare in {**SOURCES, "layers": lambda _: of_layers()}.items():
        try:
            windows += compare(tell_of(name))
        except (GatehouseError, ConfigFieldMissingException) as error:
            errors.append(explain(error))
    return sorted(windows, key=place), errors
