"""Answers one request with the status code that is named, and prints where it waits for it."""

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
    asking.sendall(f"HTTP/1.1 {sys.argv[1]} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
