// A proxy before a gateway, for development and tests: it can serve the console out of
// `dist/` as the gateway does, stand at a path, and cut all connections.

import { createReadStream, existsSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";

const dist = join(import.meta.dirname, "../dist");
const PAGES = ["/", "/confirm-email", "/invitation", "/recover-password"];
const KINDS = { css: "text/css", html: "text/html; charset=utf-8", js: "text/javascript", svg: "image/svg+xml" };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** The file of the console that a path names; `null` for what the gateway answers. */
function fileOf(path) {
  const name = PAGES.includes(path) ? "index.html" : path.startsWith("/console/assets/") ? path.slice("/console/assets/".length) : "";
  const file = join(dist, name);
  return name && !name.includes("/") && existsSync(file) ? file : null;
}

/**
 * Starts the proxy.
 *
 * - `gateway`: its address, which `lead` says where it is not known yet;
 * - `prefix`: the path at which it stands, for example `/desk`; without a slash at the end;
 * - `files`: whether the console is served out of `dist/`, and not by the gateway.
 */
export async function startProxy({ gateway, prefix = "", files = false, port = 0 }) {
  const sockets = new Set();
  let [isCut, to] = [false, gateway];
  const server = createServer((asked, answer) => {
    if (!asked.url.startsWith(`${prefix}/`)) return answer.writeHead(404).end();
    const url = asked.url.slice(prefix.length);
    const file = files && asked.method === "GET" ? fileOf(url.split("?")[0]) : null;
    if (file) {
      answer.writeHead(200, { "content-type": KINDS[file.split(".").at(-1)], "content-security-policy": POLICY, "cache-control": "no-cache" });
      return createReadStream(file).pipe(answer);
    }
    const forwarded = request(new URL(url, to), { method: asked.method, headers: asked.headers }, (given) => {
      answer.writeHead(given.statusCode, given.headers);
      given.pipe(answer);
      given.on("error", () => answer.destroy());
    });
    forwarded.on("error", () => answer.destroy());
    answer.on("close", () => forwarded.destroy());
    asked.pipe(forwarded);
  });
  server.on("connection", (socket) => {
    if (isCut) return socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}${prefix}/`,
    lead(address) {
      to = address;
    },
    /** From now on nobody comes through, until `mend`. */
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      isCut = false;
    },
    stop() {
      this.cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
