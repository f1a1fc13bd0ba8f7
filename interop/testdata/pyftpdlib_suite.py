"""Runs pyftpdlib's functional tests against another server.

    pyftpdlib_suite.py CHECKOUT NOT-RUN PROGRAM [FLAG]...

For each test that starts a server it starts PROGRAM, which is told where to listen
and what to serve, and says where it does. NOT-RUN has the names of classes whose tests
are not run, separated by commas. A line is said for each test: ok, FAIL or SKIP, its
name where it is defined, and what went wrong. Many are run in clear and with TLS.
"""

import subprocess
import sys
import unittest

checkout, not_run, *program = sys.argv[1:]
sys.path.insert(0, checkout)

import pyftpdlib.test  # noqa: E402
from pyftpdlib.handlers import TLS_FTPHandler  # noqa: E402
from pyftpdlib.test import test_functional, test_functional_ssl  # noqa: E402

not_run = not_run.split(",")


class Server:
    """Takes the place of pyftpdlib's server."""

    handler = TLS_FTPHandler  # of which tests ask for the list of commands

    def __init__(self, addr=None):
        host = (addr or (pyftpdlib.test.HOST, 0))[0]
        where = "[%s]:0" % host if ":" in host else host + ":0"
        self.process = subprocess.Popen(
            [*program, "-listen", where, "-root", pyftpdlib.test.HOME,
             "-user", pyftpdlib.test.USER, "-password", pyftpdlib.test.PASSWD],
            stdout=subprocess.PIPE, text=True)
        self.host = host
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def start(self):
        pass

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


test_functional_ssl.FTPSServer = Server


class Result(unittest.TestResult):
    def say(self, verdict, test, why=""):
        print(verdict, name_of(test), why, flush=True)

    def addSuccess(self, test):
        self.say("ok", test)

    def addSkip(self, test, why):
        self.say("SKIP", test, why)

    def addFailure(self, test, err):
        self.say("FAIL", test, repr(err[1])[:300])

    addError = addFailure


def name_of(test):
    return getattr(type(test), test.id().rpartition(".")[2]).__qualname__


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


for module in test_functional, test_functional_ssl:
    for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(module)):
        kind = type(test)
        if kind.__module__ != module.__name__:
            continue  # imported from the other
        if {kind.__name__, name_of(test).partition(".")[0]} & set(not_run):
            continue
        kind.server_class = Server
        test.run(Result())
