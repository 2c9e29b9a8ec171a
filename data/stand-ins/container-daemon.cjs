// Stand-in for a container daemon: a socket in the box's own home that answers every request with success.
const http = require("node:http");
const path = require("node:path");
const socket = path.join(process.env.HOME, "daemon.sock");
const server = http.createServer((request, response) => {
  request.resume();
  const list = /\/(json|images|containers|networks)(\?|$)/.test(request.url) && !/\/version|\/info/.test(request.url);
  const body = /_ping/.test(request.url) ? "OK" : JSON.stringify(list ? [] : { ApiVersion: "1.43", MinAPIVersion: "1.12", Version: "24.0.0", Os: "linux", Arch: "amd64" });
  response.writeHead(200, { "content-type": /_ping/.test(request.url) ? "text/plain" : "application/json", "api-version": "1.43" });
  response.end(body);
});
server.listen(socket);
server.unref();
