"""A raw socket: sends each line of standard input one byte at a time, ended by
CR LF, and prints what it hears.

raw_client.py HOST PORT
"""
import socket
import sys
import threading
import time

s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def hear():
    while data := s.recv(65536):
        sys.stdout.write(data.decode())
        sys.stdout.flush()
    print("lost", flush=True)


hearer = threading.Thread(target=hear, daemon=True)
hearer.start()
for line in sys.stdin:
    for byte in line.rstrip("\n").encode() + b"\r\n":
        s.sendall(bytes([byte]))
        time.sleep(0.001)
s.shutdown(socket.SHUT_WR)
hearer.join()
