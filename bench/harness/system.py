"""What the runners need of the machine."""
import os, resource, signal, subprocess, sys


def sh(cmd, **kw):
    return subprocess.run(cmd, shell=True, text=True, capture_output=True, **kw)


def end_on_signals():
    """Ends by an exception, so that servers are stopped and files removed."""
    for s in signal.SIGINT, signal.SIGTERM:
        signal.signal(s, lambda n, _: sys.exit(128 + n))


def own_network(script, fetch, mounts=False):
    """Runs the rest in a network namespace of its own, where there is nobody else's traffic and no BBR pacing
    on loopback; with mounts also in a mount namespace. As nothing can be fetched in there, fetch is run before."""
    flags = "-mn" if mounts else "-n"
    if os.environ.get("BENCH_NS") in (flags, "-mn"):
        up = sh("ip link set lo up && echo reno > /proc/sys/net/ipv4/tcp_congestion_control")
        if up.returncode:
            sys.exit(f"the network namespace: {up.stderr.strip()}")
        return
    for cmd in fetch:
        r = sh(cmd)
        if r.returncode:
            print(f"{cmd}: {r.stderr.strip()[-300:]}", file=sys.stderr)
    if sh(f"unshare {flags} true").returncode == 0:
        os.environ["BENCH_NS"] = flags
        os.execvp("unshare", ["unshare", flags, sys.executable, script, *sys.argv[1:]])
    if mounts:
        sys.exit("needs root, for a mount namespace")
    print("No network namespace (not root?): the host's network is measured.", file=sys.stderr)


def own_cores():
    if not {0, 1} <= os.sched_getaffinity(0):
        sys.exit("needs the cores 0 and 1: one for the server, one for the load")


def descriptors(n=20000):
    """Raises the limit of descriptors, which the servers inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < n:
        print(f"No more than {hard} descriptors: what needs {n} will fail.", file=sys.stderr)
        n = hard
    if 0 <= soft < n:
        resource.setrlimit(resource.RLIMIT_NOFILE, (n, hard))


def build(commands, named):
    """Runs the build commands of the peers, each once. Returns the peers that could be built: who was not
    asked for by name is skipped if its compiler or runtime is missing."""
    verdicts, missing = {}, []
    for peer, cmd, env in commands:
        if cmd and cmd not in verdicts:
            verdicts[cmd] = sh(cmd, env=dict(os.environ, **env))
        if cmd and verdicts[cmd].returncode:
            missing.append(peer)
            why = "\n".join(verdicts[cmd].stderr.strip().splitlines()[:5])
            print(f"{'FAILED' if named else 'SKIPPED'} {peer}: {cmd}\n{why}", file=sys.stderr)
    if missing and (named or len(missing) == len(commands)):
        sys.exit(1)
    return [peer for peer, _, _ in commands if peer not in missing], missing
