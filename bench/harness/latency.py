"""Latency at a rate that does not depend on the server."""
import statistics

from harness.options import args
from harness.servers import quiet, sample


class Behind(Exception):
    """A server is too slow for a rate: a result, not a failure."""


def paced(sc, ref, failed):
    """The scenario at half the rate that the reference comes to when everybody waits for it."""
    if ref.peer["name"] in failed or args.check:
        return sc
    ref.start()
    top = statistics.median(sample(ref, sc.load.replace("-mode open", "-mode pp"))["rate"] for _ in range(3))
    ref.stop()
    return sc._replace(load=f"{sc.load} -rate {top / 2:.0f}")


def keeping_up(s, flags):
    """A sample of a server that keeps up. It may try three times, as a busy machine may be the reason."""
    for _ in range(3):
        r = sample(s, flags)
        if not r["behind"]:
            return r
        quiet()
    raise Behind(f"does not keep up with {flags.split()[-1]} a second")
