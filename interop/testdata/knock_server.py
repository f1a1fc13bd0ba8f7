"""The server of the knock-knock joke, on Twisted, as one writes it there.

knock_server.py PORT
"""
import sys

from twisted.internet import protocol, reactor


class KnockServer(protocol.Protocol):
    def dataReceived(self, data):
        data = data.decode()
        print("Client:", data, flush=True)
        if data == "Knock knock":
            answer = "Who's there?"
        else:
            answer = data + " who?"
        print("Server:", answer, flush=True)
        self.transport.write(answer.encode())


class KnockFactory(protocol.Factory):
    protocol = KnockServer


port = reactor.listenTCP(int(sys.argv[1]), KnockFactory(), interface="127.0.0.1")
print("listening on 127.0.0.1:%d" % port.getHost().port, flush=True)
reactor.run()
