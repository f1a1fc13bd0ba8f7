"""What the runners say when something is missing or wrong."""
import contextlib, io, os, socket, subprocess, sys, unittest

from harness import servers, system
from harness.options import choose

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Names(unittest.TestCase):
    def test_unknown_ones_are_told_with_those_that_exist(self):
        with self.assertRaises(SystemExit) as e:
            choose("a,x", ["a", "b"], "peer")
        self.assertEqual(str(e.exception), "no peer x: there are a, b")
        self.assertEqual(choose("b,a", {"a": 1, "b": 2}, "peer"), ["b", "a"])

    def test_every_runner_knows_its_own(self):
        for runner in "run", "mail", "ftp":
            for flag in "--scenario", "--peers":
                r = subprocess.run([sys.executable, f"{BENCH}/{runner}", flag, "X9"], text=True, capture_output=True)
                self.assertEqual(r.returncode, 1, r.stderr)
                self.assertRegex(r.stderr, "^no (scenario|peer) X9: there are .*[,] ")


class Build(unittest.TestCase):
    def built(self, commands, named):
        with contextlib.redirect_stderr(io.StringIO()) as err:
            try:
                return system.build(commands, named), err.getvalue()
            except SystemExit as e:
                return e.code, err.getvalue()

    def test_who_lacks_a_compiler_is_skipped_loudly(self):
        got, err = self.built([("a", None, {}), ("b", "no-such-compiler", {}), ("c", 'test "$X" = y', {"X": "y"})], named=False)
        self.assertEqual(got, (["a", "c"], ["b"]))
        self.assertIn("SKIPPED b: no-such-compiler", err)

    def test_who_was_asked_for_by_name_has_to_be_there(self):
        got, err = self.built([("a", None, {}), ("b", "no-such-compiler", {})], named=True)
        self.assertEqual(got, 1)
        self.assertIn("FAILED b: no-such-compiler", err)

    def test_nobody_is_left(self):
        self.assertEqual(self.built([("b", "false", {})], named=False)[0], 1)


class Server(unittest.TestCase):
    def server(self, run):
        os.makedirs(f"{BENCH}/bin", exist_ok=True)
        os.chdir(BENCH)
        s = servers.Server({"name": "test-peer", "run": run}, "echo")
        self.addCleanup(os.unlink, "bin/test-peer.log")
        self.addCleanup(s.stop)
        return s

    def test_one_that_ends_at_once_does_not_listen(self):
        s = self.server("false")
        self.assertRaisesRegex(RuntimeError, "does not listen", s.start)

    def test_a_port_of_somebody_else_is_left_alone(self):
        for kind, mode in (socket.SOCK_STREAM, "echo"), (socket.SOCK_DGRAM, "udp"):
            with socket.socket(socket.AF_INET, kind) as other:
                other.bind(("127.0.0.1", 0))
                s = servers.Server({"name": "x"}, mode)
                self.assertFalse(s.free(other.getsockname()[1]))
