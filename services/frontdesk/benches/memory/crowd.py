"""How much memory `frontdesk serve` takes for clients that ask nothing and for watchers of the feed, and what becomes of it under load:

    python3 services/frontdesk/benches/memory/crowd.py target/release/frontdesk
    python3 services/frontdesk/benches/memory/crowd.py target/release/frontdesk --load 900

Half of the clients speak HTTP/1.1, half HTTP/2; half of the watchers read Server-Sent Events, half
gRPC, each on a connection of its own. It needs Linux and as many open files as there are clients
and watchers (`ulimit -n`). Told is the resident memory of the process, without Postgres.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
WATCH = "/frontdesk.booking.v1.BookingRequestService/WatchBookingRequests"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header that HPACK keeps nowhere."""

    def text(text):
        text = text.encode()
        length = bytes([len(text)]) if len(text) < 127 else b"\x7f" + varint(len(text) - 127)
        return length + text

    return b"\x00" + text(name) + text(value)


def varint(number):
    out = b""
    while number >= 128:
        out += bytes([number % 128 | 128])
        number //= 128
    return out + bytes([number])


async def connection(addr):
    reader, writer = await asyncio.open_connection(*addr, limit=2**14)
    return reader, writer


async def http1(addr, head, until):
    """Asks, reads until some bytes have come, and keeps the connection."""
    reader, writer = await connection(addr)
    writer.write(head.encode())
    got = b""
    while until not in got:
        part = await reader.read(4096)
        if not part:
            raise RuntimeError(f"closed after {got!r}")
        got += part
        if not got.startswith(b"HTTP/1.1 2"[: len(got)]):
            raise RuntimeError(f"refused: {got!r}")
    return reader, writer


async def http2(addr, head, body, until_end):
    """The same over HTTP/2: until the end of the stream, or its first data."""
    reader, writer = await connection(addr)
    block = b"".join(literal(name, value) for name, value in head)
    request = frame(HEADERS, 4 if body else 5, 1, block)
    if body:
        request += frame(DATA, 1, 1, body)
    writer.write(PREFACE + frame(SETTINGS, 0, 0) + request)
    while True:
        kind, flags, stream = await answered(reader, writer)
        if stream == 1 and (kind == DATA and not until_end or flags & 1):
            if kind == HEADERS and not until_end:
                raise RuntimeError("the watch was refused")
            return reader, writer


async def answered(reader, writer):
    """Reads a frame, and answers it if it is about the connection."""
    head = await reader.readexactly(9)
    length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
    payload = await reader.readexactly(length)
    if kind == SETTINGS and not flags & 1:
        writer.write(frame(SETTINGS, 1, 0))
    elif kind == PING and not flags & 1:
        writer.write(frame(PING, 1, 0, payload))
    elif kind == GOAWAY:
        raise RuntimeError(f"GOAWAY {payload!r}")
    return kind, flags, int.from_bytes(head[5:], "big")


async def keep1(reader, writer):
    while await reader.read(4096):
        pass
    raise RuntimeError("closed")


async def keep2(reader, writer):
    while True:
        await answered(reader, writer)


async def many(count, make, keep, kept):
    """Makes so many, a few at once, and keeps them."""
    room = asyncio.Semaphore(8)

    async def one():
        async with room:
            made = await make()
        kept.append(asyncio.create_task(keep(*made)))

    await asyncio.gather(*(one() for _ in range(count)))


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        found = dict(line.split(":", 1) for line in status)
    mib = [int(found[name].split()[0]) / 1024 for name in ("VmRSS", "RssFile")]
    return *mib, int(found["Threads"])


class Told:
    def __init__(self, pid):
        self.pid, self.last = pid, 0.0

    def tell(self, what, of=0):
        mib, of_files, threads = resident(self.pid)
        each = f", {(mib - self.last) * 1024 / of:.1f} KiB each" if of else ""
        print(f"{what}: {mib:.1f} MiB ({of_files:.1f} of files){each}, {threads} threads", flush=True)
        self.last = mib


async def crowd(arguments, told, addr, token):
    host = f"{addr[0]}:{addr[1]}"
    kept = []
    get = f"GET /livez HTTP/1.1\r\nhost: {host}\r\n\r\n"
    head = [(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", "/livez")]
    half = arguments.idle // 2
    await many(half, lambda: http1(addr, get, b"}"), keep1, kept)
    await asyncio.sleep(2)
    told.tell(f"{half} clients of HTTP/1.1", half)
    await many(half, lambda: http2(addr, head, b"", True), keep2, kept)
    await asyncio.sleep(2)
    told.tell(f"{half} clients of HTTP/2", half)
    half = arguments.watchers // 2
    sse = f"GET /v1/booking-requests/watch HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\nauthorization: Bearer {token}\r\n\r\n"
    await many(half, lambda: http1(addr, sse, b"data:"), keep1, kept)
    await asyncio.sleep(2)
    told.tell(f"{half} watchers by Server-Sent Events", half)
    head = [(":method", "POST"), (":scheme", "http"), (":authority", host), (":path", WATCH)]
    head += [("content-type", "application/grpc"), ("te", "trailers"), ("authorization", f"Bearer {token}")]
    await many(half, lambda: http2(addr, head, bytes(5), False), keep2, kept)
    await asyncio.sleep(2)
    told.tell(f"{half} watchers by gRPC", half)
    if arguments.profile:
        input(f"process {told.pid}; Enter goes on: ")
    for _ in range(arguments.rest // 10):
        await asyncio.sleep(10)
        told.tell("at rest")
    print(f"{sum(task.done() for task in kept)} of {len(kept)} have ended")
    for task in kept:
        task.cancel()
    await asyncio.gather(*kept, return_exceptions=True)


def load(arguments, told, base, token):
    """Reads, lists and changes by a few clients, for so many seconds."""
    ends = time.time() + arguments.load
    paths = ["/v1/booking-requests?page_size=50", "/v1/me", "/v1/properties", "/v1/bookings"]
    script = f"""
      local paths = {{{", ".join(json.dumps(path) for path in paths)}}}
      local at = 0
      request = function()
        at = at + 1
        if at % 20 == 0 then
          return wrk.format("PATCH", "/v1/customers/0d000000-0000-7000-8000-000000000301", nil, '{{"notes":"' .. at .. '"}}')
        end
        return wrk.format("GET", paths[at % #paths + 1])
      end
      wrk.headers["Authorization"] = "Bearer {token()}"
      wrk.headers["Content-Type"] = "application/json"
    """
    while time.time() < ends:
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            seconds = max(1, min(60, int(ends - time.time())))
            ran = subprocess.run(
                ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", file.name, base], capture_output=True, text=True
            )
        said = [line.strip() for line in ran.stdout.splitlines() if "requests in" in line or "Non-2xx" in line]
        told.tell(f"{int(time.time() - ends + arguments.load)} s of load ({'; '.join(said) or ran.stderr.strip()})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frontdesk")
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--watchers", type=int, default=1_000)
    parser.add_argument("--rest", type=int, default=60, help="seconds for which they are kept")
    parser.add_argument("--load", type=int, default=0, help="seconds of load (wrk) instead of a crowd")
    parser.add_argument("--profile", action="store_true", help="wait while everybody is there")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="crowd-")
    limits = {
        "CONNECTIONS_PER_CLIENT": "16384",
        "CONNECTION_IDLE": "3600",
        "WATCH_LIMIT_SERVER": "2000",
        "WATCH_LIMIT_TENANT": "2000",
        "WATCH_LIMIT_SESSION": "2000",
        "LOG": "warn",
    }
    frontdesk, data = os.path.abspath(arguments.frontdesk), f"{folder}/data"
    log = open(f"{folder}/log", "w")
    command = [frontdesk, "dev", "--data-dir", data]
    for role in ("gateway", "identity", "booking"):
        command += [f"--{role}", "127.0.0.1:0"]
    # Its database, and who may sign in.
    dev = subprocess.Popen(command, stdout=log, stderr=log)
    serve = None
    try:
        variables = exported(frontdesk, data)
        ports = free_ports(4)
        for name, port in zip(("GATEWAY", "IDENTITY", "BOOKING", "ADMIN"), ports):
            limits[f"{name}_LISTEN"] = f"127.0.0.1:{port}"
        with open(f"{data}/secrets.json") as secrets:
            needed = {"DATABASE_URL": variables["DATABASE_URL"], "FRONTDESK_MASTER_KEY": json.load(secrets)["master"]}
        serve = subprocess.Popen([frontdesk, "serve"], env={**os.environ, **needed, **limits}, stdout=log, stderr=log)
        run(arguments, variables, ports[0], serve.pid)
    except BaseException:
        print(open(f"{folder}/log").read()[-2000:])
        raise
    finally:
        for process in filter(None, (serve, dev)):
            process.terminate()
            process.wait()
        shutil.rmtree(folder)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def exported(frontdesk, data):
    for _ in range(60):
        time.sleep(1)
        ran = subprocess.run([frontdesk, "env", "--data-dir", data], capture_output=True, text=True)
        if ran.returncode == 0:
            lines = [line.removeprefix("export ") for line in ran.stdout.splitlines() if "=" in line]
            return {name: value.strip("'\"") for name, value in (line.split("=", 1) for line in lines)}
    raise RuntimeError("frontdesk dev does not start")


def run(arguments, variables, port, pid):
    base, addr = f"http://127.0.0.1:{port}", ("127.0.0.1", port)

    def token():
        body = {"email": variables["MANAGER_EMAIL"], "password": variables["DEMO_PASSWORD"]}
        request = urllib.request.Request(
            f"{base}/v1/auth/login", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["access"]

    for _ in range(60):
        time.sleep(1)
        try:
            first = token()
            break
        except OSError:
            pass
    told = Told(pid)
    told.tell("at the start")
    if arguments.load:
        load(arguments, told, base, token)
    else:
        asyncio.run(crowd(arguments, told, addr, first))
    time.sleep(15)
    told.tell("15 s after all have gone")


main()
