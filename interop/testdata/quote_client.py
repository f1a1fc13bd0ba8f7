"""A client of the quote server, on Twisted: takes the quote, then says what it
is told on standard input and prints what comes back.

quote_client.py HOST PORT
"""
import sys

from twisted.internet import protocol, reactor, stdio
from twisted.protocols import basic


class QuoteClient(protocol.Protocol):
    def connectionMade(self):
        stdio.StandardIO(Keyboard(self))

    def dataReceived(self, data):
        sys.stdout.write(data.decode())
        sys.stdout.flush()


class Keyboard(basic.LineReceiver):
    delimiter = b"\n"

    def __init__(self, client):
        self.client = client

    def lineReceived(self, line):
        if line == b"bye":
            self.client.transport.loseConnection()
        else:
            self.client.transport.write(line + b"\r\n")


class QuoteFactory(protocol.ClientFactory):
    protocol = QuoteClient

    def clientConnectionFailed(self, connector, reason):
        print("failed:", reason.getErrorMessage(), flush=True)
        reactor.stop()

    def clientConnectionLost(self, connector, reason):
        print("\nlost:", reason.type.__name__, flush=True)
        reactor.stop()


reactor.connectTCP(sys.argv[1], int(sys.argv[2]), QuoteFactory())
reactor.run()
