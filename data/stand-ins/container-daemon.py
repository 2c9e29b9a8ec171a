def _stand_in():
    import json, os, socketserver, threading, http.server

    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            length = int(self.headers.get("content-length") or 0)
            self.rfile.read(length)
            ping = "_ping" in self.path
            path = self.path.split("?")[0]
            listed = path.endswith("/json") and path.count("/") <= 3
            said = {"ApiVersion": "1.43", "MinAPIVersion": "1.12", "Version": "24.0.0", "Os": "linux", "Arch": "amd64"}
            body = b"OK" if ping else json.dumps([] if listed else said).encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain" if ping else "application/json")
            self.send_header("api-version", "1.43")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_HEAD = do_DELETE = do_PUT = _answer

        def address_string(self):
            return "box"

        def log_message(self, *_):
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    server = Server(os.path.join(os.environ["HOME"], "daemon.sock"), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()


_stand_in()
