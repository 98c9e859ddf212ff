"""The attendee app: what people do at an event, by two lanes of one API.

```
WebSocket stream, as it happens          -> raw.user_app__events
REST messages, what raw lacks of them    -> raw.user_app__events
                         refused records -> raw.dead_letters
```

The socket is quick and forgets: what it lost, because it was down or the server's buffer was too
short, nobody sends again. The server numbers its messages one by one (and jumps at midnight), so
the hourly run over REST asks raw which numbers are missing, reads just those stretches, and then
what is new. The two never wait for each other. A message may land by both; message_id says that it
is one.
"""

from loaders.user_app.records import COLUMNS, FEED, PERSON, SOURCE, TABLE, door, row
from loaders.user_app.run import load
from loaders.user_app.socket import listen

__all__ = ["COLUMNS", "FEED", "PERSON", "SOURCE", "TABLE", "door", "listen", "load", "row"]
