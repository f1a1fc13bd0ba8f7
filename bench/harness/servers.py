"""Servers, and the load on one of them."""
import json, os, socket, subprocess, sys, time

from harness.options import args
from harness.system import sh


class Server:
    ports = iter(range(7001, 32000))

    def __init__(self, peer, mode):
        self.peer, self.mode, self.name, self.p = peer, mode, peer["name"] + ("+timeout" if mode == "timeout" else ""), None
        self.cores, self.procs = "0", 1

    def start(self):
        if self.p:
            return
        self.port = next(p for p in self.ports if self.free(p))
        env = dict(os.environ, GOMAXPROCS=str(self.procs), **self.peer.get("env", {}))
        cmd = f"exec taskset -c {self.cores} " + self.peer["run"].format(port=self.port, mode=self.mode)
        with open(f"bin/{self.name}.log", "w") as log:
            self.p = subprocess.Popen(cmd, shell=True, env=env, stdout=log, stderr=log)
        for _ in range(500):
            time.sleep(.02)
            try:
                return self.reach()
            except OSError:
                if self.p.poll() is not None:
                    break
        raise RuntimeError(f"{self.name} does not listen: see bin/{self.name}.log")

    def free(self, port):
        """Reports whether nobody else is there: his answers would be taken for the peer's."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if self.mode == "udp" else socket.SOCK_STREAM) as s:
            try:
                return s.bind(("127.0.0.1", port)) is None
            except OSError:
                return False

    def reach(self):
        if self.mode != "udp":
            return socket.create_connection(("127.0.0.1", self.port), 1).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
            c.settimeout(1)
            c.connect(("127.0.0.1", self.port))
            c.send(b"hello")
            c.recv(64)

    def stop(self, final=True):
        """A server that needs long to warm up is kept until the final stop."""
        if self.p and (final or not self.peer.get("warm")):
            self.p.kill()
            self.p.wait()
            self.p = None

    def settle(self):
        """Waits until the server is done with the connections that the last run has closed."""
        before = None
        for _ in range(60):
            t = open(f"/proc/{self.p.pid}/stat").read().rsplit(")", 1)[1].split()
            if (t[11], t[12]) == before:
                return
            before = t[11], t[12]
            time.sleep(.03)

    def load(self, flags, seconds):
        r = sh(self.generator(flags, seconds), timeout=600)  # it may wait for another measurement on this machine
        if r.returncode:
            raise RuntimeError(r.stderr.strip()[-300:])
        self.settle()
        return json.loads(r.stdout)

    def generator(self, flags, seconds, core=1):
        return f"exec taskset -c {core} bin/load -port {self.port} -pid {self.p.pid} {flags} -seconds {seconds}"


def servers_of(sc, peers):
    """The servers of a scenario: one for each peer and each mode that it has."""
    return [Server(p, m) for p in peers for m in sc.modes if m not in p.get("skip", []) and m in p.get("only", [m])
            and (p.get("tls") or not m.startswith("tls-")) and (p.get("udp") or m != "udp") and not (len(sc.modes) > 1 and "timeout" in p.get("skip", []))]


def verify(sc, servers):
    """Has every server answer once, each byte compared. Returns what failed, by peer."""
    failed = {}
    for s in servers:
        try:
            s.start()
            if sc.kind != "memory" and not s.load(sc.load + " -verify", s.peer.get("warm", .2))["ops"]:
                raise RuntimeError("nothing came back")
        except Exception as e:
            failed[s.peer["name"]] = e
        s.stop(sc.kind == "memory")
    return failed


def quiet():
    """Waits, while our servers are idle, until nobody else uses the machine."""
    def busy():
        f = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
        return sum(f) - f[3] - f[4]
    waited = 0
    while args.patience > 0:
        b, t = busy(), time.time()
        time.sleep(.25)
        if (busy() - b) / 100 / (time.time() - t) < .06:
            return
        args.patience -= .25
        waited += .25
        if waited == 1:
            print(f"\rothers use this machine: waiting, {args.patience:.0f} s at most ", end="", file=sys.stderr, flush=True)


def sample(s, flags):
    """One run of the generator; it is repeated twice if others disturbed it."""
    many = "-conns 10000" in flags
    longer = 2 if many else 4 if "-mode open" in flags else 1  # latencies of 100 ms; one answer in a thousand
    seconds = args.seconds * longer
    r = s.load(flags, seconds)
    for _ in range(1 if many else 2):
        if not r["noisy"]:
            break
        quiet()
        r = s.load(flags, seconds)
    return r
