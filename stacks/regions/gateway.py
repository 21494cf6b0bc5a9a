"""Answers with what every region says, to those who send the token."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

REGIONS = [os.environ["NORTH"], os.environ["SOUTH"]]
ALLOWED = f"Bearer {os.environ['TOKEN']}"


class Gateway(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers["Authorization"] != ALLOWED:
            self.answer(401, "who are you?\n")
            return
        lines = [urlopen(region, timeout=5).read().decode() for region in REGIONS]
        self.answer(200, os.environ["MOTD"] + os.environ["SELF"] + "\n" + "".join(lines))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", int(os.environ["PORT"])), Gateway).serve_forever()
