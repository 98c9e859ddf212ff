"""The user app's API as a stand-in: a socket for what happens, and pages for what happened.

    POST /user-app/oauth/token   client credentials for a bearer token that expires
    GET  /user-app/v2/stream     WebSocket: a frame per message
    GET  /user-app/v2/messages   the same messages, a line each, in pages

Frame and line are the same bytes, {"seq", "received_at", "message"}. The server numbers what it
takes, ascending and within a day without holes, so whoever missed something sees it. What the world
says a socket lost is never sent on one, and is in the pages all the same.
"""

from sandbox.user_app.app import api
from sandbox.user_app.backend import CALLS_PER_MINUTE, Backend

__all__ = ["CALLS_PER_MINUTE", "Backend", "api"]
