#!/usr/bin/env python3
"""What a fleet asks of its broker, message by message: processor time, writes and memory of a real nats-server.

    cargo build --features fleet && python3 benches/fleet/broker.py target/debug/cyborg

The program makes streams, buckets and consumers; then this script sends what workers send, as the program has it, over one connection and
without waiting for each answer. What many connections cost more is measured for fetches alone. Linux; Python 3.9 and no packages.
"""

import json
import os
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time

CLIP = "/srv/archive/2026/11/30/interview-%06d.mp4"
BEAT = {"schema": 1, "worker": "worker-0001", "tool": "cyborg 0.1.0", "state": "working", "job": "night", "clip": CLIP % 1,
        "since": 1796000000, "at": 1796000000, "done": 12345, "failed": 1, "redelivered": 1}
LEASE = {"schema": 1, "camera": "camera-0001", "worker": "watcher-0001", "token": "0123456789abcdef", "tenure": 123456,
         "taken": 1796000000, "renewals": 12345, "lease_ms": 5000}
HEAD = {"schema": 1, "job": "night", "task": "0" * 32, "name": CLIP % 1, "worker": "worker-0001", "seconds": 12.345678,
        "lines": 250, "bytes": 90000, "sha256": "0" * 64, "stored": False}
PACKED = 2000
FOLLOWERS = []


class Server:
    """A nats-server of its own, on a free port of the loopback."""

    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.folder],
                                        stderr=subprocess.DEVNULL)
        begun = time.monotonic()
        while time.monotonic() < begun + 120:
            try:
                Client(self)
                return time.monotonic() - begun
            except OSError:
                time.sleep(0.02)
        raise SystemExit("nats-server doesn't start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def now(self):
        """Seconds of processor time, calls that write, bytes written, resident KiB."""
        folder = f"/proc/{self.process.pid}"
        fields = open(f"{folder}/stat").read().rsplit(")", 1)[1].split()
        io = dict(line.split(": ") for line in open(f"{folder}/io").read().splitlines())
        resident = re.search(r"VmRSS:\s+(\d+)", open(f"{folder}/status").read())[1]
        return (int(fields[11]) + int(fields[12])) / 100, int(io["syscw"]), int(io["wchar"]), int(resident)


class Client:
    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), 10)
        self.socket.settimeout(120)
        self.send(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nPING\r\n')
        self.until(b"PONG", 1)

    def send(self, data):
        self.socket.sendall(data)

    def until(self, mark, count):
        """Reads until a mark has come so often; all that came."""
        found, data = 0, bytearray()
        while found < count:
            part = self.socket.recv(1 << 20)
            if not part or b"-ERR" in part:
                raise SystemExit(f"the broker says: {part[:200]!r}")
            found += (bytes(data[len(data) - len(mark) + 1:]) + part).count(mark) if data else part.count(mark)
            data += part
        return bytes(data)


def pub(subject, payload, reply="", headers=None):
    if headers is None:
        return f"PUB {subject} {reply} {len(payload)}\r\n".encode() + payload + b"\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"NATS/1.0\r\n{lines}\r\n".encode()
    return f"HPUB {subject} {reply} {len(head)} {len(head) + len(payload)}\r\n".encode() + head + payload + b"\r\n"


def told(what, count, before, after):
    (cpu, calls, written, _), (cpu2, calls2, written2, resident) = before, after
    print(f"{what}: {1e6 * (cpu2 - cpu) / count:.1f} us of processor time each, {(calls2 - calls) / count:.2f} writes, "
          f"{(written2 - written) / count:.0f} bytes; {resident / 1024:.0f} MiB resident", flush=True)


def measured(server, what, messages, mark):
    """Sends all, waits for as many answers, and tells what it cost."""
    client, blob = Client(server), b"".join(messages)
    client.send(b"SUB _INBOX.a.> 1\r\n")
    before = server.now()
    sending = threading.Thread(target=client.send, args=(blob,))
    sending.start()
    client.until(mark, len(messages))
    sending.join()
    time.sleep(1)
    told(what, len(messages), before, server.now())


def once(subject, number, payload):
    """A message that may be stored once, as tasks and results are."""
    headers = {"Nats-Msg-Id": f"night.{number:032x}.0", "Nats-Expected-Last-Subject-Sequence": 0}
    return pub(f"{subject}.{number:032x}", payload, f"_INBOX.a.{number}", headers)


class Leases:
    """Renewals of so many cameras in turn: each names the revision of the one before."""

    def __init__(self, cameras):
        self.cameras, self.sent = cameras, 0

    def next(self, count):
        messages, payload = [], json.dumps(LEASE).encode()
        for number in range(self.sent, self.sent + count):
            known = {"Nats-Expected-Last-Subject-Sequence": max(0, number - self.cameras + 1)}
            subject = f"$KV.cyborg-leases.camera-{number % self.cameras}"
            messages.append(pub(subject, payload, f"_INBOX.a.{number}", known))
        self.sent += count
        return messages


def follow(server, count):
    """So many who follow the leases' bucket, as each worker does; they read, and do nothing."""
    for number in range(count):
        client = Client(server)
        inbox = f"_INBOX.f.{id(client)}"
        config = {"deliver_subject": inbox, "deliver_policy": "new", "ack_policy": "none", "max_deliver": 1,
                  "mem_storage": True, "num_replicas": 1, "filter_subject": "$KV.cyborg-leases.>"}
        request = {"stream_name": "KV_cyborg-leases", "config": config}
        client.send(f"SUB {inbox} 1\r\nSUB _INBOX.c 2\r\n".encode())
        client.send(pub("$JS.API.CONSUMER.CREATE.KV_cyborg-leases", json.dumps(request).encode(), "_INBOX.c"))
        client.until(b"consumer_create_response", 1)

        def read(wire=client.socket):
            try:
                while wire.recv(1 << 20):
                    pass
            except OSError:
                pass

        threading.Thread(target=read, daemon=True).start()
        FOLLOWERS.append(client)


def idle(server, count, seconds):
    """So many workers that ask for tasks where there are none: three requests that don't wait, and one that waits for a second."""
    ready, asked = selectors.DefaultSelector(), 0

    def ask(client, number):
        queue = ("high", "normal", "low", "normal")[client.step]
        body = b'{"batch":1,"no_wait":true}' if client.step < 3 else b'{"batch":1,"expires":1000000000}'
        client.send(pub(f"$JS.API.CONSUMER.MSG.NEXT.CYBORG_TASKS.workers-{queue}", body, f"_INBOX.i{number}.{client.step}"))

    for number in range(count):
        client = Client(server)
        client.step = 0
        client.send(b"SUB _INBOX.i%d.* 1\r\n" % number)
        ready.register(client.socket, selectors.EVENT_READ, (client, number))
        ask(client, number)
    before, begun = server.now(), time.monotonic()
    while time.monotonic() < begun + seconds:
        for key, _ in ready.select(0.5):
            client, number = key.data
            data = client.socket.recv(1 << 16)
            if b"PING" in data:
                client.send(b"PONG\r\n")
            for _ in range(data.count(b"NATS/1.0 40")):
                client.step = (client.step + 1) % 4
                ask(client, number)
                asked += 1
    told(f"fetch by one of {count} workers, {asked / seconds:.0f} a second", asked, before, server.now())


def held(server, count):
    """Takes so many tasks, says that they are worked on, and ends them."""
    client = Client(server)
    client.send(b"SUB _INBOX.t 1\r\nSUB _INBOX.e.> 2\r\n")
    body = json.dumps({"batch": count, "expires": 30_000_000_000}).encode()
    client.send(pub("$JS.API.CONSUMER.MSG.NEXT.CYBORG_TASKS.workers-normal", body, "_INBOX.t"))
    acks = list(dict.fromkeys(re.findall(rb"\$JS\.ACK\.\S+", client.until(b"$JS.ACK.", count))))[:count]
    before = server.now()
    client.send(b"".join(b"PUB %s 4\r\n+WPI\r\n" % ack for _ in range(20) for ack in acks) + b"PING\r\n")
    client.until(b"PONG", 1)
    time.sleep(2)
    told("in-progress ack", 20 * len(acks), before, server.now())
    before = server.now()
    client.send(b"".join(b"PUB %s _INBOX.e.%d 4\r\n+ACK\r\n" % (ack, number) for number, ack in enumerate(acks)))
    client.until(b"MSG _INBOX.e.", len(acks))
    time.sleep(1)
    told("ack that is confirmed", len(acks), before, server.now())


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.join(folder, "jetstream"))
        try:
            url = f"nats://127.0.0.1:{server.port}"
            work = [program, "fleet", "work", "--nats", url, "--root", folder, "--grace", "0"]
            subprocess.run(["timeout", "--preserve-status", "8", *work], stderr=subprocess.DEVNULL, check=True)
            subprocess.run([program, "fleet", "cameras", "list", "--nats", url], stderr=subprocess.DEVNULL, check=True)
            fetch = "$JS.API.CONSUMER.MSG.NEXT.CYBORG_TASKS.workers-high"
            fetches = [pub(fetch, b'{"batch":1,"no_wait":true}', f"_INBOX.a.{number}") for number in range(20_000)]
            measured(server, "fetch, nothing there", fetches, b"NATS/1.0 404")
            idle(server, 100, 10)
            beat = json.dumps(BEAT).encode()
            beats = [pub(f"$KV.cyborg-workers.worker-{number % 1000}", beat, f"_INBOX.a.{number}") for number in range(20_000)]
            measured(server, "beat", beats, b'"seq":')
            leases = Leases(3000)
            measured(server, "lease taken", leases.next(3000), b'"seq":')
            measured(server, "lease renewed", leases.next(60_000), b'"seq":')
            follow(server, 10)
            measured(server, "lease renewed, 10 follow", leases.next(12_000), b'"seq":')
            follow(server, 40)
            measured(server, "lease renewed, 50 follow", leases.next(6000), b'"seq":')
            result = json.dumps(HEAD).encode() + b"\n" + os.urandom(PACKED)
            measured(server, f"result of {len(result)} bytes", [once("cyborg.results.night", n, result) for n in range(count)], b'"seq":')
            task = {"schema": 1, "job": "night", "id": "0" * 32, "name": CLIP % 1, "place": {"path": CLIP % 1}, "round": 0}
            task = json.dumps(task, separators=(",", ":")).encode()
            measured(server, f"task of {len(task)} bytes", [once("cyborg.tasks.normal.night", n, task) for n in range(count)], b'"seq":')
            stored = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
            print(f"{stored / 1e6:.0f} MB in its folder")
            held(server, min(count, 1000))
            server.kill()
            print(f"killed, it is back after {server.start():.1f} s; {server.now()[3] / 1024:.0f} MiB resident")
        finally:
            server.kill()


main()
