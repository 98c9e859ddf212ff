"""`gatehouse docs`: dbt's site, with the page of health beside it.

dbt's page is made for wide screens: on a phone its tree of models is all that one sees, and column
descriptions are cut after two words on any. What it lacks is put in as it is served; the file that
dbt wrote stays as it is.
"""

from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loaders import health

_ADDED = b"""
<style>
  .column-row > td:nth-child(3) {
    white-space: normal !important; max-width: none !important; width: 60%;
  }
  .detail-body { white-space: normal; }
  .to-health { position: fixed; z-index: 9; top: 29px; right: 24px; color: #00828a; }
  @media (max-width: 760px) {
    body, .app { min-width: 0; }
    .app { flex-direction: column; width: 100%; }
    .app-content { flex: 2 0 0; width: 100%; }
    .app-menu { order: 1; flex: 1 0 0; width: 100%; border-top: 2px solid #ccd3da; }
    .app-menu > .app-header, .column-row > td:nth-child(n + 4), column-details th:nth-child(n + 4) {
      display: none;
    }
    .app-content .app-pad, .app-content .app-pad-h { padding-left: 12px; padding-right: 12px; }
    .app-content .app-header .app-frame { padding-right: 84px; }
    .app-content .panel-body { padding: 12px; overflow-x: auto; overflow-wrap: break-word; }
    .app-content th, .app-content td { padding: 6px !important; }
  }
</style>
<a class="to-health" href="health.html">health</a>
</body>"""


class _Site(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        folder = Path(self.directory)
        path = urlsplit(self.path).path
        if path == "/health.html":
            self._send(health.page(folder).encode())
        elif path in ("/", "/index.html"):
            self._send((folder / "index.html").read_bytes().replace(b"</body>", _ADDED))
        else:
            super().do_GET()

    def _send(self, page: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page)


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Bind a server of that folder to loopback; OSError where the port is taken."""

    def handle(*arguments: Any) -> _Site:
        return _Site(*arguments, directory=str(folder))

    return ThreadingHTTPServer(("127.0.0.1", port), handle)
