"""What a scenario came to, in Markdown."""
import statistics

from harness import micro
from harness.latency import Behind
from harness.options import args


def table(sc, samples, failed, notes):
    out = [f"### {sc.id}: {sc.title}", ""]
    if args.check:
        out += [f"ok: {', '.join(samples)}"]
    elif sc.kind == "micro":
        out += micro_table(samples)
    elif args.syscalls:
        out += calls_table(sc.unit, samples)
    elif sc.kind == "memory":
        out += memory_table(samples)
    elif sc.kind == "open":
        out += [f"Messages leave by a schedule of {sc.load.split()[-1]} a second, whatever the server does; latency counts from there.", ""]
        out += latency_table(samples) + ["", noise(samples)]
    else:
        out += rate_table(sc.unit, samples)
        if len(sc.modes) > 1:
            out += timeout_table(sc.unit, samples)
        out += ["", noise(samples)]
    out += [f"\n{n}" for n in notes] + [f"\n{n}: {e}" if isinstance(e, Behind) else f"\nFAILED {n}: {e}" for n, e in failed.items()]
    return "\n".join(out) + "\n"


def row(*cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def head(*cells):
    """A table's first two lines; all columns but the first are of numbers."""
    return [row(*cells), row("---", *["---:"] * (len(cells) - 1))]


def med(rs, key):
    return statistics.median(r[key] for r in rs)


def ratio(rs, key):
    """The median ratio to the reference, over the better half of the rounds: those in which the
    machine's speed was most alike in the three samples."""
    rs = sorted(rs, key=lambda r: r["drift"])
    return statistics.median(r[key + "_rel"] for r in rs[:max(3, (len(rs) + 1) // 2)])


def rel(samples, name, key="rate", base=None):
    """The ratio to the reference, or to another peer by way of the reference."""
    if base and not samples.get(base):
        return "-"
    return f"{ratio(samples[name], key) / (ratio(samples[base], key) if base else 1):.2f}{doubt(samples[name])}"


def doubt(rs):
    """The mark of what was disturbed most of the time."""
    return "?" if 2 * sum(r.get("noisy", False) for r in rs) > len(rs) else ""


def full_speed(rs, top):
    """The median rate of the samples in which both cores were at their full speed."""
    v = [r["rate"] for r in rs if min(r["speed0"], r["speed1"]) > .96 * top]
    return f"{statistics.median(v):,.0f} ({len(v)})" if v else "-"


def noise(samples):
    rs = [r for v in samples.values() for r in v]
    lost = "".join(f" {n} lost {statistics.mean(r['lost'] for r in v):.2%} of the datagrams." for n, v in samples.items() if any(r["lost"] for r in v))
    return (f"{len(rs)} samples; {statistics.mean(r['dirty'] for r in rs):.0%} of the slices were disturbed and thrown away, "
            f"{sum(r['noisy'] for r in rs)} samples had too few clean ones.{lost}"
            + (" What is marked by ? had so in most of its rounds, and is worth nothing." if any(map(doubt, samples.values())) else "")) if rs else "No samples."


def calls_table(unit, samples):
    out = [row("peer", f"calls/{unit}", "which"), row("---", "---:", "---")]
    for n, rs in samples.items():
        per = {k: statistics.median(r["per_op"].get(k, 0) for r in rs) for k in rs[0]["per_op"]}
        top = sorted(((v, k) for k, v in per.items() if k != "all" and v >= .002), reverse=True)
        out.append(row(n, f"{per.get('all', 0):.3f}", ", ".join(f"{k} {v:.3f}" for v, k in top)))
    return out


def memory_table(samples):
    out = head("peer", "bytes/conn (RSS)", "heap", "stacks", "RSS before, MiB", "RSS after, MiB")
    for n, rs in samples.items():
        out.append(row(n, f"{med(rs, 'bytes_per_conn'):,.0f}", *(f"{med(rs, k):,.0f}" if k in rs[0] else "-" for k in ("heap", "stacks")),
                       f"{med(rs, 'rss0_kb') / 1024:.1f}", f"{med(rs, 'rss1_kb') / 1024:.1f}"))
    return out


def rate_table(unit, samples):
    ref = next(iter(samples), "")
    top = statistics.quantiles([r[k] for v in samples.values() for r in v for k in ("speed0", "speed1")] or [0, 0], n=20)[-1]
    out = head("peer", f"{unit}/s", "at full speed", f"vs {ref}", "vs go-net", f"CPU us/{unit}", f"CPU vs {ref}",
               "p50 us", "p99 us", "p99.9 us", "server CPU (user)", "gen busy")
    for n, rs in samples.items():
        out.append(row(n, f"{med(rs, 'rate'):,.0f}", full_speed(rs, top), rel(samples, n), rel(samples, n, base="go-net"),
                       f"{med(rs, 'cpu_us_op'):.3g}", rel(samples, n, "cpu_us_op"),
                       *(f"{med(rs, k):,.0f}" if med(rs, k) else "-" for k in ("p50_us", "p99_us", "p999_us")),
                       f"{med(rs, 'srv_cpu'):.0%} ({med(rs, 'srv_user'):.0%})", f"{med(rs, 'gen_busy'):.0%}"))
    return out


def latency_table(samples):
    ref = next(iter(samples), "")
    out = head("peer", "p50 us", "p99 us", "p99.9 us", f"p99 vs {ref}", f"p99.9 vs {ref}", "CPU us/req", f"CPU vs {ref}",
               "server CPU", "we sent late, p99.9 us")
    for n, rs in samples.items():
        out.append(row(n, *(f"{med(rs, k):,.0f}" for k in ("p50_us", "p99_us", "p999_us")), rel(samples, n, "p99_us"), rel(samples, n, "p999_us"),
                       f"{med(rs, 'cpu_us_op'):.3g}", rel(samples, n, "cpu_us_op"), f"{med(rs, 'srv_cpu'):.0%}", f"{med(rs, 'late_us'):,.0f}"))
    return out


def micro_table(samples):
    out = head("what", "torsion, ns each", "beside", "ns each", "ratio", "nothing else ran for, ms", "beside, ms", "B/op", "beside, B/op")
    for what, peer, ours, theirs in micro.pairs(samples):
        more = (f"{r[k]:,.0f}" if k in r else "-" for k in ("ms-held", "B/op") for r in (ours, theirs))
        out.append(row(what, f"{ours['ns/each']:,.0f}", peer, f"{theirs['ns/each']:,.0f}", f"{ours['ns/each'] / theirs['ns/each']:.2f}", *more))
    return out


def timeout_table(unit, samples):
    out = ["", "What the timeout costs:", "", *head("peer", f"{unit}/s with / without", "CPU with / without")]
    for n in samples:
        if n + "+timeout" in samples:
            out.append(row(n, rel(samples, n + "+timeout", base=n), rel(samples, n + "+timeout", "cpu_us_op", base=n)))
    return out
