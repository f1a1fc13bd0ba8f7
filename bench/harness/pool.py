"""Several reactors on as many cores, beside one on one core."""
import copy, json, os, signal, socket, subprocess, time

from harness.options import args
from harness.servers import Server

REACTORS = 2
ROOMY = (os.cpu_count() or 1) >= 2 * REACTORS  # the generators have cores of their own


def servers(sc, peers):
    """One reactor, the reference, and several."""
    peers = [p for p in peers if p.get("pool")]
    return [Pooled(p, sc.modes[0], n) for p in peers for n in (1, REACTORS)]


def where():
    if ROOMY:
        return f"Reactors on cores 0 to {REACTORS - 1}, {REACTORS} generators on the cores behind them."
    return ("**Two cores only: the generator shares core 1 with the second reactor, and sleeps when it has nothing to do.** "
            "Read the CPU per op; the throughput cannot double here.")


class Pooled(Server):
    def __init__(self, peer, mode, reactors):
        super().__init__(peer, mode)
        self.reactors, self.spread = reactors, None
        if reactors > 1:
            self.name += f" x {reactors}"
            self.cores, self.procs = f"0-{reactors - 1}", reactors
            self.peer = copy.copy(peer)
            self.peer["run"] += f" {reactors}"

    def generators(self, flags, seconds):
        if not ROOMY:
            return [self.generator(flags + " -beside", seconds)]
        return [self.generator(flags + " -together", seconds, core) for core in range(REACTORS, 2 * REACTORS)]

    def load(self, flags, seconds):
        """The generators at once; the same for one reactor."""
        ps = [subprocess.Popen(cmd, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
              for cmd in self.generators(flags, seconds)]
        outs = [p.communicate(timeout=600) for p in ps]
        for p, (_, err) in zip(ps, outs):
            if p.returncode:
                raise RuntimeError(err.strip()[-300:])
        self.settle()
        if self.reactors > 1 and not self.spread and not args.check:
            self.count()
        return together([json.loads(out) for out, _ in outs])

    def count(self, n=1000):
        """Connects n times and asks how many connections each reactor has."""
        held = [socket.create_connection(("127.0.0.1", self.port), 5) for _ in range(n)]
        for _ in range(50):  # until the last is accepted
            os.kill(self.p.pid, signal.SIGUSR1)
            time.sleep(.1)
            told = [l.split()[1:] for l in open(f"bin/{self.name}.log") if l.startswith("spread")]
            if told and sum(map(int, told[-1])) == n:
                self.spread = [int(c) for c in told[-1]]
                break
        for c in held:
            c.close()
        self.settle()


def together(rs):
    """One result of several generators, each of which saw all of the server's CPU time."""
    r = dict(rs[0])
    r["ops"], r["rate"] = sum(x["ops"] for x in rs), sum(x["rate"] for x in rs)
    r["cpu_us_op"] = sum(x["srv_cpu"] for x in rs) / len(rs) / r["rate"] * 1e6
    r["noisy"] = any(x["noisy"] for x in rs)
    return r


def spread(servers):
    """How evenly the connections are spread, in words."""
    out = [where()]
    for s in servers:
        if s.spread:
            mean = sum(s.spread) / len(s.spread)
            worst = max(abs(n - mean) for n in s.spread) / mean
            out.append(f"Of 1000 connections the reactors of {s.name} have {', '.join(map(str, s.spread))}: at most {worst:.1%} from even.")
    return out
