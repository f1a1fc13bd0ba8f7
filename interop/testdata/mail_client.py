"""Sends one message with Twisted's ESMTPSenderFactory, or the plain one of SMTP.

mail_client.py ORDER (JSON, see type order in mail_test.go)
"""
import io
import json
import sys

from twisted.internet import defer, ssl, task
from twisted.mail import smtp

o = json.loads(sys.argv[1])


def trust():
    with open(o["CA"], "rb") as f:
        return ssl.optionsForClientTLS(o["Host"], trustRoot=ssl.Certificate.loadPEM(f.read()))


def sender(done):
    with open(o["File"], "rb") as f:
        text = io.BytesIO(f.read().replace(b"\r\n", b"\n"))  # it makes CRLF of LF
    envelope = (o["From"], o["To"], text, done)
    if not o["TLS"]:
        return smtp.SMTPSenderFactory(*envelope, retries=0, timeout=30)
    return smtp.ESMTPSenderFactory(
        o["User"].encode() or None,
        o["Password"].encode(),
        *envelope,
        retries=0,
        timeout=30,
        contextFactory=trust(),
        requireAuthentication=bool(o["User"]),
        requireTransportSecurity=o["TLS"] == "starttls",
        hostname=o["Host"],
    )


def main(reactor):
    done = defer.Deferred()
    if o["TLS"] == "implicit":
        reactor.connectSSL(o["Host"], int(o["TLSPort"]), sender(done), trust())
    else:
        reactor.connectTCP(o["Host"], int(o["Port"]), sender(done))
    return done.addBoth(say)


def say(result):
    print(result)
    return result


task.react(main)
