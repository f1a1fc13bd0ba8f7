"""System calls per op."""
import json, os, subprocess, time

from harness.options import args
from harness.system import sh

CALLS = ("epoll_wait epoll_pwait epoll_ctl read readv recvfrom recvmsg recvmmsg write writev sendto sendmsg sendmmsg accept accept4 "
         "close futex nanosleep setsockopt splice fcntl getsockname getpeername rt_sigreturn").split()


def count(s, flags):
    """Counts the server's system calls while the generator runs: perf counters, so nothing stops at a call."""
    ev = ",".join(["raw_syscalls:sys_enter", "context-switches"] + [f"syscalls:sys_enter_{c}" for c in CALLS])
    tmp = f"bin/perf.{os.getpid()}"
    counted = max(args.seconds, 1)  # perf needs some hundredths to begin
    seconds = counted + 1
    # In one slice: between two of them the generator stands still, and counting does not.
    load = subprocess.Popen(s.generator(f"{flags} -slice {seconds}", seconds), shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.2 if "-conns 10000" in flags else .5)
    perf = sh(f"perf stat -x, -e {ev} -o {tmp} -p {s.p.pid} sleep {counted}")
    out, err = load.communicate()
    if load.returncode or perf.returncode:
        raise RuntimeError((err + perf.stderr).strip()[-300:])
    r = json.loads(out)
    s.settle()
    per = {}
    for l in open(tmp):
        f = l.split(",")
        if len(f) > 3 and f[0].isdigit() and int(f[0]):
            name = f[2].replace("raw_syscalls:sys_enter", "all").replace("syscalls:sys_enter_", "")
            per[name] = int(f[0]) / counted / r["rate"]
    os.unlink(tmp)
    r["per_op"] = per
    return r
