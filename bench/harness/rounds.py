"""Has the servers of a scenario take turns."""
import sys

from harness import calls
from harness.options import args
from harness.servers import sample, servers_of, verify


def run_scenario(sc, peers):
    """Returns the samples by server, and what failed by peer."""
    servers, samples = servers_of(sc, peers), {}
    try:
        failed = verify(sc, servers)
        rounds = 0 if args.check else 3 if sc.kind == "memory" else args.rounds
        for n in range(rounds):
            one_round(sc, servers, samples, failed)
            print(f"\r{sc.id} round {n + 1}/{rounds} ", end="", file=sys.stderr, flush=True)
    finally:
        for s in servers:
            s.stop()
    if args.check:
        samples = {s.name: [] for s in servers if s.peer["name"] not in failed}
    return samples, failed


def one_round(sc, servers, samples, failed):
    """Every sample of a peer lies between two samples of the reference (the first server), and is
    divided by their mean: the speed of this machine drifts by a third within seconds. In every
    round the servers are new processes: some have good and bad incarnations."""
    ref, before = servers[0], None
    for s in servers:
        if s.peer["name"] in failed:
            continue
        try:
            s.start()
            if sc.kind == "memory":
                r = memory(s, sc.load)
            elif args.syscalls:
                r = calls.count(s, sc.load)
            else:
                before = before or sample(ref, sc.load)
                r, after = (before, before) if s is ref else (sample(s, sc.load), sample(ref, sc.load))
                compare(r, before, after)
                if s is not ref:
                    samples.setdefault(ref.name, []).append(dict(after, rate_rel=1, cpu_us_op_rel=1, drift=0))
                before = after
            samples.setdefault(s.name, []).append(r)
        except Exception as e:
            failed[s.peer["name"]] = str(e)
        if s is not ref:
            s.stop(sc.kind == "memory")
    ref.stop()


def memory(s, flags):
    """What the server's connections keep; of the heap and of stacks if it tells (-heap)."""
    r = s.load(flags, 2)
    told = [list(map(int, l.split()[1:])) for l in open(f"bin/{s.name}.log") if l.startswith("heap")]
    for k, before, after in zip(("heap", "stacks"), *told[-2:]):
        r[k] = (after - before) / r["conns"]
    return r


def compare(r, before, after):
    """Notes how a sample stands to the two of the reference beside it, and how unlike the speeds of
    the cores were in the three."""
    for k in ("rate", "cpu_us_op"):
        r[k + "_rel"] = 2 * r[k] / (before[k] + after[k])
    r["drift"] = max(abs(1 - 2 * r[k] / (before[k] + after[k])) + abs(1 - before[k] / after[k]) / 2 for k in ("speed0", "speed1"))
