"""Go benchmarks of package micro: parts of ours beside what plain Go has."""
import os, statistics

from harness.options import args
from harness.system import sh

BUILD = "go test -c -o bin/micro ./micro"


def run(sc):
    """The samples by What/peer."""
    samples = {}
    for _ in range(1 if args.check else min(args.rounds, 3)):
        r = sh(f"exec taskset -c 0 bin/micro -test.run '^$' {sc.load}", env=dict(os.environ, GOMAXPROCS="1"))
        if r.returncode:
            return samples, {"micro": RuntimeError((r.stdout + r.stderr).strip()[-300:])}
        for line in r.stdout.splitlines():
            if line.startswith("Benchmark"):
                f = line.split()
                samples.setdefault(f[0].removeprefix("Benchmark"), []).append({unit: float(v) for v, unit in zip(f[2::2], f[3::2])})
    return samples, {}


def pairs(samples):
    """What was measured, ours and theirs: the name of it, and the medians."""
    med = {n: {k: statistics.median(r[k] for r in rs) for k in rs[0]} for n, rs in samples.items()}
    for n in med:
        what, peer = n.split("/")
        if peer != "torsion":
            yield what, peer, med[f"{what}/torsion"], med[n]


def ratios(samples):
    return {what: ours["ns/each"] / theirs["ns/each"] for what, _, ours, theirs in pairs(samples)}
