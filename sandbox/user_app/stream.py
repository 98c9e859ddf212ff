"""The socket: what its buffer holds, then what happens while the clock moves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import WSMsgType, web

from sandbox.faults import FAULT
from sandbox.user_app.backend import BACKEND, Backend, bearer_seconds

TOKEN_EXPIRED = 4401
ABNORMAL = 1006
"""Never sent: the connection is gone without a word."""
LOOK_SECONDS = 0.05


async def stream(request: web.Request) -> web.StreamResponse:
    """GET /v2/stream?since=: a frame per message, from behind that number on as far back as the
    buffer goes; without a number, all that it holds.
    """
    backend = request.app[BACKEND]
    seconds_left = bearer_seconds(request)
    if seconds_left <= 0:
        return web.json_response({"error": "invalid_token"}, status=401)
    since = request.query.get("since", "-1")
    if not since.removeprefix("-").isdecimal():
        return web.json_response({"error": "invalid_request"}, status=400)
    socket = web.WebSocketResponse(heartbeat=backend.ping_seconds, compress=False)
    await socket.prepare(request)
    backend.sockets.add(socket)
    try:
        await _Sender(request, socket, backend, int(since), seconds_left).run()
    except ConnectionError:
        pass  # the other end went away
    finally:
        backend.sockets.discard(socket)
    return socket


class _Sender:
    """Sends on one socket until somebody ends it."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        backend: Backend,
        since: int,
        seconds_left: float,
    ) -> None:
        self._request = request
        self._socket = socket
        self._log = backend.log
        self._since = since
        self._after = (self._log.now - backend.replay_milliseconds, -1)
        self._ends = asyncio.get_running_loop().time() + seconds_left
        fault = request.get(FAULT)
        self._code: int = fault.closes_with if fault else 0
        self._frames_left: int = fault.frames if fault else -1
        """Until it is closed with that code; -1 is without end."""

    async def run(self) -> None:
        """Send until the token ends, a staged fault strikes, or the other end closes."""
        listening = asyncio.create_task(self._listen())
        try:
            while not listening.done():
                if await self._send_new():
                    await self._close(self._code)
                elif asyncio.get_running_loop().time() >= self._ends:
                    await self._close(TOKEN_EXPIRED)
                await asyncio.wait({listening}, timeout=LOOK_SECONDS)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _listen(self) -> None:
        """Answer pings and see the end; clients have nothing to say."""
        async for _ in self._socket:
            pass

    async def _send_new(self) -> bool:
        """Send what is new; whether the staged end has come."""
        for entry in self._log.entries(self._after, self._log.now + 1):
            if self._frames_left == 0:
                return True
            self._after = entry[:2]
            if entry.dropped or entry.seq <= self._since:
                continue
            kind = WSMsgType.TEXT if _is_text(entry.line) else WSMsgType.BINARY
            await self._socket.send_frame(entry.line, kind)
            self._frames_left -= self._frames_left > 0
        return self._frames_left == 0

    async def _close(self, code: int) -> None:
        if code != ABNORMAL:
            await self._socket.close(code=code)
        elif self._request.transport:
            self._request.transport.abort()


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
