#!/usr/bin/env python3
"""A mirror of images, with what publishers' mirrors do, on a port of its own: publisher.py DIR PORT-FILE.

What is in DIR is handed out with ETag, Last-Modified and Range, directories as a page of links. Elsewhere:
  /moved/PATH    leads on to /PATH
  /cut/PATH      breaks off after half of what is asked for
  /stalled/PATH  sends a quarter and then nothing
  /changed/PATH  breaks off after half, and is another file afterwards
"""
import hashlib
import html
import http.server
import os
import pathlib
import sys
import threading
import time

root = pathlib.Path(sys.argv[1])
asked = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0].lstrip("/")
        kind, _, rest = path.partition("/")
        if kind == "moved":
            self.send_response(302)
            self.send_header("Location", "/" + rest)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if kind not in ("cut", "stalled", "changed"):
            kind, rest = "", path
        file = root / rest
        if file.is_dir():
            return self.listing(file)
        if not file.is_file():
            return self.send_error(404)
        # Only the image is made trouble with.
        if file.stat().st_size < 100000:
            kind = ""
        self.whole(file, kind, path)

    def listing(self, directory):
        links = "".join(f'<a href="{html.escape(name)}">{html.escape(name)}</a>\n' for name in sorted(os.listdir(directory)))
        self.answer(200, f'<html><a href="../">..</a>\n{links}</html>'.encode(), {"Content-Type": "text/html"})

    def whole(self, file, kind, path):
        data = file.read_bytes()
        asked[path] = asked.get(path, 0) + 1
        if kind == "changed" and asked[path] > 1:
            data = data[::-1]
        tag = '"' + hashlib.sha256(data).hexdigest()[:16] + '"'
        headers = {"ETag": tag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        start, status = 0, 200
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") in (None, tag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            status, headers["Content-Range"] = 206, f"bytes {start}-{len(data) - 1}/{len(data)}"
        print(f"{path} {status} from {start}", flush=True)
        part = data[start:]
        breaks = kind in ("cut", "changed") and asked[path] == 1
        if breaks:
            sent = part[: len(part) // 2]
        elif kind == "stalled":
            sent = part[: len(part) // 4]
        else:
            sent = part
        self.answer(status, sent, headers, len(part))
        if kind == "stalled":
            time.sleep(600)
        if breaks:
            self.close_connection = True

    def answer(self, status, data, headers, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever).start()
pathlib.Path(sys.argv[2]).write_text(str(server.server_port))
