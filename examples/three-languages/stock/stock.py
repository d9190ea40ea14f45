"""Stock, in Python: POST /take/<item> takes one from the shelf, and from the last one it breaks."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

shelf = {"tea": 3, "coffee": 2, "cocoa": 1}


class Stock(BaseHTTPRequestHandler):
    def do_POST(self):
        action, _, item = self.path.lstrip("/").partition("/")
        if action == "burn":
            print("stock: the warehouse is on fire", file=sys.stderr)
            os._exit(7)
        self.answer(200 if shelf.get(item) else 404, self.take(item))

    def do_GET(self):
        # What a sidecar asks an app at its start.
        self.answer(404, {})

    def take(self, item):
        left = shelf.get(item, 0)
        if left:
            shelf[item] = left - 1
        return {"left": max(left - 1, 0)}

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def close(*_):
    print("stock: closing")
    sys.exit(0)


signal.signal(signal.SIGTERM, close)
port = int(os.environ["APP_PORT"])
print("stock: on", port)
ThreadingHTTPServer(("127.0.0.1", port), Stock).serve_forever()
