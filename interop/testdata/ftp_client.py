"""Does one thing with Twisted's FTPClient.

ftp_client.py ORDER (JSON, see type fileOrder in ftp_test.go)
"""
import json
import sys

from twisted.internet import defer, protocol, task
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.protocols import ftp

o = json.loads(sys.argv[1])
for key in "Name", "To":
    o[key] = o[key].encode().decode("latin-1")  # which is how it sends names


class Save(protocol.Protocol):
    """Writes what comes to a file, or says it."""

    def __init__(self, f):
        self.f = f

    def dataReceived(self, data):
        self.f.write(data)


@defer.inlineCallbacks
def get(client):
    with open(o["Local"], "wb") as f:
        yield client.retrieveFile(o["Name"], Save(f))
    if o["ASCII"]:
        with open(o["Local"], "r+b") as f:
            text = f.read().replace(b"\r\n", b"\n")
            f.seek(0)
            f.write(text)
            f.truncate()


@defer.inlineCallbacks
def put(client):
    sending, finished = client.storeFile(o["Name"])
    sender = yield sending
    with open(o["Local"], "rb") as f:
        text = f.read()
    sender.transport.write(text.replace(b"\n", b"\r\n") if o["ASCII"] else text)
    sender.finish()
    yield finished


@defer.inlineCallbacks
def list_(client):
    files = ftp.FTPFileListProtocol()
    yield client.list(o["Name"] or ".", files)
    print([f["filename"] for f in files.files], files.unknownLines if hasattr(files, "unknownLines") else "")
    yield client.nlst(o["Name"] or ".", Save(sys.stdout.buffer))


do = {
    "list": list_,
    "get": get,
    "put": put,
    "rename": lambda client: client.rename(o["Name"], o["To"]),
    "delete": lambda client: client.removeFile(o["Name"]),
    "mkdir": lambda client: client.makeDirectory(o["Name"]),
    "rmdir": lambda client: client.removeDirectory(o["Name"]),
}


@defer.inlineCallbacks
def main(reactor):
    client = ftp.FTPClient(o["User"], o["Password"], passive=not o["Active"])
    client.debug = True
    yield connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", int(o["Port"])), client)
    if o["ASCII"]:
        yield client.queueStringCommand("TYPE A")
        print("TYPE A")
    yield do[o["Do"]](client)
    yield client.quit()


def say(result):
    if result is not None:
        print(result.getErrorMessage(), result.value)
    return result


task.react(lambda reactor: main(reactor).addBoth(say))
