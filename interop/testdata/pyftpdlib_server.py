"""A file server of pyftpdlib's.

    pyftpdlib_server.py DIR [CERTIFICATE KEY [implicit]]

It serves a folder to eve, says on which port, and runs until it is killed.
"""

import logging
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

folder, *tls = sys.argv[1:]
logging.basicConfig(level=logging.INFO)


class Implicit(TLS_FTPHandler):
    """One that begins with TLS, for which pyftpdlib has no setting."""

    def handle(self):
        self.secure_connection(self.get_ssl_context())
        super().handle()


handler = FTPHandler
if tls:
    handler = Implicit if tls[2:] else TLS_FTPHandler
    handler.certfile, handler.keyfile = tls[:2]
    handler.tls_control_required = handler.tls_data_required = True
handler.authorizer = DummyAuthorizer()
handler.authorizer.add_user("eve", "sesame", folder, perm="elradfmwMT")
handler.auth_failed_timeout = 0.1
server = FTPServer(("127.0.0.1", 0), handler)
print("port", server.address[1], flush=True)
server.serve_forever()
