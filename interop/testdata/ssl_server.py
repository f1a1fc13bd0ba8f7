"""A TLS server for one connection, by Python's ssl module.

ssl_server.py CERTFILE KEYFILE MODE

MODE: echo  sends back what it hears, and a goodbye for a goodbye
      half  answers when the other half has said goodbye
      cut   says something and hangs up without a goodbye
"""
import socket
import ssl
import sys

CERTFILE, KEYFILE, MODE = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTFILE, KEYFILE)


def heard(s):
    """What is heard until the other's goodbye. The end without one is an error."""
    while data := s.recv(65536):
        yield data


def echo(s):
    for data in heard(s):
        s.sendall(data)
    s.unwrap().close()


def half(s):
    text = b"".join(heard(s))
    s.sendall(b"now I may speak: " * 10000 + text)
    s.unwrap().close()


def cut(s):
    s.sendall(b"hello\n")
    s.recv(65536)
    s.close()


listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
accepted, _ = listener.accept()
connection = context.wrap_socket(accepted, server_side=True, suppress_ragged_eofs=False)
{"echo": echo, "half": half, "cut": cut}[MODE](connection)
