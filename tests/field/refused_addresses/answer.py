"""Answers one request with the status code that is named and a file, if one is; prints where it waits for it."""

import os
import socket
import sys

server = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{server.getsockname()[1]}/clip.mp4", flush=True)
if os.fork() == 0:
    os.close(1)
    server.settimeout(60)
    asking, _ = server.accept()
    asking.recv(4096)
    content = open(sys.argv[2], "rb").read() if len(sys.argv) > 2 else b""
    head = f"HTTP/1.1 {sys.argv[1]} As asked\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    asking.sendall(head.encode() + content)
