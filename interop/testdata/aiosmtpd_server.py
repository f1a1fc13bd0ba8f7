"""aiosmtpd_server.py CERT KEY DIR MAXSIZE: prints its port; each message becomes a file in DIR, with its envelope in front."""
import asyncio, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

cert, key, dir, size = sys.argv[1:]


class Keep:
    n = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 nobody is there"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        Keep.n += 1
        with open(f"{dir}/{Keep.n}", "wb") as f:
            tls = "tls" if session.ssl else "clear"
            who = "user" if session.authenticated else "nobody"
            f.write(f"{envelope.mail_from} {','.join(envelope.rcpt_tos)} {tls} {who}\r\n".encode() + envelope.original_content)
        return "250 2.0.0 kept"


def login(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"eve", b"sesame"), handled=False)  # it has said nothing yet


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    make = lambda: SMTP(Keep(), hostname="localhost", tls_context=context, authenticator=login, data_size_limit=int(size), enable_SMTPUTF8=True)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
