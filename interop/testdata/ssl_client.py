"""A client of a TLS server, by Python's ssl module.

ssl_client.py HOST PORT CAFILE MODE

MODE: echo  sends 8 MiB to an echo, requires them back, and says goodbye
      half  says goodbye to its own half only, and prints what comes after that
      cut   says something, prints the answer, and hangs up without a goodbye
"""
import random
import select
import socket
import ssl
import sys

HOST, PORT, CAFILE, MODE = sys.argv[1:]
context = ssl.create_default_context(cafile=CAFILE)


def dial():
    return context.wrap_socket(
        socket.create_connection((HOST, int(PORT))),
        server_hostname="torsion.test",
        suppress_ragged_eofs=False,
    )


def echo():
    # One thread: Python 3.11 lets two use a connection at once, and OpenSSL does not.
    s = dial()
    s.setblocking(False)
    text = random.Random(1).randbytes(8 << 20)
    sizes, at, piece = random.Random(2), 0, b""
    heard = bytearray()
    while len(heard) < len(text):
        moved = False
        try:
            if at < len(text):
                piece = piece or text[at : at + sizes.choice([1, 100, 5000, 16384, 16385, 300000])]
                n = s.send(piece)
                at, piece, moved = at + n, piece[n:], True
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass  # the same piece next time
        try:
            heard += s.recv(65536)
            moved = True
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        if not moved:
            select.select([s], [s] if at < len(text) else [], [])
    print("same:", heard == text, flush=True)
    s.setblocking(True)
    s.unwrap().close()  # waits for the other's goodbye
    print("goodbye", flush=True)


def half():
    # An SSLSocket cannot: its unwrap refuses what still comes.
    s = socket.create_connection((HOST, int(PORT)))
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, sent, server_hostname="torsion.test")

    def until(f):
        while True:
            try:
                return f()
            except ssl.SSLWantReadError:
                if data := sent.read():
                    s.sendall(data)
                if data := s.recv(65536):
                    received.write(data)
                else:
                    received.write_eof()

    until(tls.do_handshake)
    tls.write(b"is anybody there?\n")
    try:
        tls.unwrap()
    except ssl.SSLWantReadError:
        pass  # our half is said
    s.sendall(sent.read())
    s.shutdown(socket.SHUT_WR)
    try:
        while True:
            print("heard:", until(tls.read).decode(), end="", flush=True)
    except ssl.SSLZeroReturnError:
        print("goodbye", flush=True)


def cut():
    s = dial()
    s.sendall(b"hello\n")
    print("heard:", s.recv(65536).decode(), end="", flush=True)
    s.close()


{"echo": echo, "half": half, "cut": cut}[MODE]()
