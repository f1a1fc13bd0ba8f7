"""ftp-pyftpdlib: server.py PORT FOLDER CERTIFICATE LOW HIGH"""
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer

logging.basicConfig(level=logging.ERROR)
auth = DummyAuthorizer()
auth.add_anonymous(sys.argv[2], perm="elradfmw")
TLS_FTPHandler.authorizer = auth
TLS_FTPHandler.certfile = sys.argv[3]
TLS_FTPHandler.passive_ports = range(int(sys.argv[4]), int(sys.argv[5]) + 1)
server = FTPServer(("127.0.0.1", int(sys.argv[1])), TLS_FTPHandler)
server.serve_forever()
