"""Everything in one table and one picture: ratios to each scenario's first peer."""
from harness import micro, plot
from harness.scenarios import SCENARIOS
from harness.tables import doubt, head, med, ratio, row

PANELS = [("rate", "Throughput, times the reference's (more is better)"),
          ("cpu", "CPU per operation, times the reference's (less is better)"),
          ("p999", "p99.9 at a fixed rate, times the reference's (less is better)"),
          ("memory", "Memory per idle connection, times the reference's (less is better)"),
          ("micro", "Time, times that of plain Go (less is better)")]
KEYS = {"rate": "rate", "cpu": "cpu_us_op", "p999": "p999_us"}


def ratios(kind, samples):
    """By panel, the ratios by peer."""
    if kind == "micro":
        return {"micro": {what: {"torsion": r} for what, r in micro.ratios(samples).items()}}
    if kind == "memory":
        ref = med(next(iter(samples.values())), "bytes_per_conn")
        return {"memory": {n: med(rs, "bytes_per_conn") / ref for n, rs in samples.items()}} if ref > 0 else {}
    panels = ["p999", "cpu"] if kind == "open" else ["rate", "cpu"]
    return {p: {n: ratio(rs, KEYS[p]) for n, rs in samples.items()} for p in panels}


def collect(data):
    """Panels of scenarios of ratios, and of what was run only."""
    panels = {p: {} for p, _ in PANELS}
    for sc in SCENARIOS:
        samples = data["scenarios"].get(sc.id, {}).get("samples")
        for p, r in (ratios(sc.kind, samples) if samples else {}).items():
            panels[p].update(r if p == "micro" else {sc.id: r})
    return [(title, panels[p]) for p, title in PANELS if panels[p]]


def mark(data, scenario, peer):
    return doubt(data["scenarios"].get(scenario, {}).get("samples", {}).get(peer, []))


def write(data, name):
    """The picture; returns the table."""
    panels = collect(data)
    with open(f"results/{name}.svg", "w") as f:
        f.write(plot.svg(panels))
    out = ["## All ratios", ""]
    for title, groups in panels:
        names = list(dict.fromkeys(n for r in groups.values() for n in r))
        out += [f"{title}:", "", *head("", *names), *(row(g, *(f"{r[n]:.2f}{mark(data, g, n)}" if n in r else "-" for n in names)) for g, r in groups.items()), ""]
    return "\n".join(out)
