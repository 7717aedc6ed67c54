"""Peers on Linux that are only there for these tests: what they do is what the tests compare with."""

# An HTTP server of Python's http.server: gives files, tells POST and PUT what it understood, redirects.
HTTP = """
import http.server, json, sys

class Handler(http.server.SimpleHTTPRequestHandler):
    def do_POST(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        told = {"method": self.command, "path": self.path, "size": len(body), "begins": body[:40].decode()}
        for name in ("Content-Type", "Authorization", "Host"):
            told[name] = self.headers.get(name)
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PUT = do_PATCH = do_POST

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", f"http://{self.headers['Host']}:8000/small")
            self.end_headers()
        else:
            super().do_GET()

server = http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler)
print("ready")
server.serve_forever()
"""

# A time server (RFC 5905, figure 8: the transmit timestamp is in bytes 40 to 47): always the same second.
NTP = """
import socket, struct, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 123))
print("ready")
while True:
    question, client = server.recvfrom(100)
    assert len(question) == 48 and question[0] & 7 == 3, question
    seconds = int(sys.argv[1]) + 2208988800
    times = struct.pack("!IIIIIIII", seconds, 0, 0, 0, seconds, 0, seconds, 0)
    server.sendto(bytes([0x24, 1, 0, 0xEC]) + bytes(12) + times, client)
"""
