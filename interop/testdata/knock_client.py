"""The client of the knock-knock joke, on Twisted, as one writes it there.

knock_client.py HOST PORT [NAME]
"""
import sys

from twisted.internet import protocol, reactor

NAME = sys.argv[3] if len(sys.argv) > 3 else "Disappearing client"


class KnockClient(protocol.Protocol):
    def connectionMade(self):
        self.transport.write(b"Knock knock")

    def dataReceived(self, data):
        data = data.decode()
        print("heard:", data, flush=True)
        if data == "Who's there?":
            self.transport.write(NAME.encode())
        else:
            self.transport.loseConnection()


class KnockFactory(protocol.ClientFactory):
    protocol = KnockClient

    def clientConnectionFailed(self, connector, reason):
        print("failed:", reason.getErrorMessage(), flush=True)
        reactor.stop()

    def clientConnectionLost(self, connector, reason):
        print("lost:", reason.type.__name__, flush=True)
        reactor.stop()


reactor.connectTCP(sys.argv[1], int(sys.argv[2]), KnockFactory())
reactor.run()
