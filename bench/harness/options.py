"""The command line."""
import argparse, sys

ap = argparse.ArgumentParser(description="Measures the peers of peers.json side by side; see README.md.")
ap.add_argument("--scenario", help="S1,S4 or S1-100,...: all by default")
ap.add_argument("--peers", help="all but the extra ones by default")
ap.add_argument("--rounds", type=int, default=8)
ap.add_argument("--seconds", type=float, default=.25, help="of clean slices per sample")
ap.add_argument("--patience", type=float, default=240, help="seconds to wait, per scenario, for a busy machine to become quiet")
ap.add_argument("--check", action="store_true", help="only verify that every server answers right")
ap.add_argument("--all", action="store_true", help="bench/mail and bench/ftp too")
ap.add_argument("--syscalls", action="store_true", help="count the system calls per op instead (needs perf)")
ap.add_argument("--out", help="name of the files in results/")
args = ap.parse_args([])


def parse():
    """Fills args in from the command line."""
    ap.parse_args(namespace=args)
    if args.rounds < 1 or args.seconds <= 0:
        ap.error("--rounds and --seconds are more than 0")


def choose(text, known, what):
    """The names of a list with commas, each of which has to be known."""
    names = text.split(",")
    unknown = [n for n in names if n not in known]
    if unknown:
        sys.exit(f"no {what} {', '.join(unknown)}: there are {', '.join(known)}")
    return names
