"""Has the servers of a scenario take turns."""
import sys

from harness import calls, latency, micro, pool
from harness.options import args
from harness.servers import sample, servers_of, verify


def run_scenario(sc, peers):
    """Returns the scenario as it was run, the samples by server, what failed by peer, and notes."""
    if sc.kind == "micro":
        return sc, *micro.run(sc), []
    servers = pool.servers(sc, peers) if sc.kind == "pool" else servers_of(sc, peers)
    samples, failed = {}, {}
    try:
        failed = verify(sc, servers)
        if sc.kind == "open" and servers:
            sc = latency.paced(sc, servers[0], failed)
        rounds = 0 if args.check else min(args.rounds, 3) if sc.kind == "memory" else args.rounds
        for n in range(rounds):
            one_round(sc, servers, samples, failed)
            print(f"\r{sc.id} round {n + 1}/{rounds} ", end="", file=sys.stderr, flush=True)
    finally:
        for s in servers:
            s.stop()
    if args.check:
        samples = {s.name: [] for s in servers if s.peer["name"] not in failed}
    return sc, samples, failed, pool.spread(servers) if sc.kind == "pool" else []


def one_round(sc, servers, samples, failed):
    """Every sample of a peer lies between two samples of the reference (the first server), and is
    divided by their mean: the speed of this machine drifts by a third within seconds. In every
    round the servers are new processes: some have good and bad incarnations."""
    ref, before = servers[0], None
    alone = sc.kind == "memory" or args.syscalls
    for s in servers:
        if s.peer["name"] in failed or ref.peer["name"] in failed and not alone:
            continue
        try:
            s.start()
            if sc.kind == "memory":
                r = memory(s, sc.load)
            elif args.syscalls:
                r = calls.count(s, sc.load)
            else:
                take = latency.keeping_up if sc.kind == "open" else sample
                before = before or take(ref, sc.load)
                r, after = (before, before) if s is ref else (take(s, sc.load), of_reference(take, ref, sc.load))
                compare(r, before, after)
                if s is not ref:
                    samples.setdefault(ref.name, []).append(dict(after, **dict.fromkeys(RELATIVE, 1), drift=0))
                before = after
            samples.setdefault(s.name, []).append(r)
        except OfReference as e:
            failed[ref.peer["name"]] = e.__cause__
        except Exception as e:
            failed[s.peer["name"]] = e
        if s is not ref:
            s.stop(sc.kind == "memory")
    ref.stop()


class OfReference(Exception):
    """It was not the peer that failed."""


def of_reference(take, ref, flags):
    try:
        return take(ref, flags)
    except Exception as e:
        raise OfReference from e


def memory(s, flags):
    """What the server's connections keep; of the heap and of stacks if it tells (-heap)."""
    r = s.load(flags, 2)
    told = [list(map(int, l.split()[1:])) for l in open(f"bin/{s.name}.log") if l.startswith("heap")]
    if told:
        for k, before, after in zip(("heap", "stacks"), *told[-2:]):
            r[k] = (after - before) / r["conns"]
    return r


RELATIVE = ["rate_rel", "cpu_us_op_rel", "p50_us_rel", "p99_us_rel", "p999_us_rel"]


def compare(r, before, after):
    """Notes how a sample stands to the two of the reference beside it, and how unlike the speeds of
    the cores were in the three."""
    for k in RELATIVE:
        k = k.removesuffix("_rel")
        r[k + "_rel"] = 2 * r[k] / (before[k] + after[k]) if before[k] + after[k] else 1
    r["drift"] = max(abs(1 - 2 * r[k] / (before[k] + after[k])) + abs(1 - before[k] / after[k]) / 2 for k in ("speed0", "speed1"))
