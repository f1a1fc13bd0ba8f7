"""What is measured."""
from typing import NamedTuple


class Scenario(NamedTuple):
    id: str
    title: str
    unit: str
    modes: list  # of the servers
    load: str  # the generator's arguments
    kind: str = "rate"  # how it is measured, and shown


SCENARIOS = [Scenario(*s) for s in [
    ("S1-1", "echo ping-pong, 1 connection, 64 B", "req", ["echo"], "-mode pp -conns 1"),
    ("S1-100", "echo ping-pong, 100 connections, 64 B", "req", ["echo"], "-mode pp -conns 100"),
    ("S1-1000", "echo ping-pong, 1000 connections, 64 B", "req", ["echo"], "-mode pp -conns 1000 -slice 0.1"),
    ("S1-10000", "echo ping-pong, 10000 connections, 64 B", "req", ["echo"], "-mode pp -conns 10000 -warm 0.4 -slice 0.2"),
    ("S2", "echo pipelined, 100 connections, batches of 32 x 64 B", "msg", ["echo"], "-mode pp -conns 100 -depth 32"),
    ("S3", "bulk echo, 10 connections, 64 KiB writes, 256 KiB under way", "MiB", ["bulk"], "-mode bulk -conns 10 -size 65536"),
    ("S4", "lines, 100 connections, batches of 32 x 40 B", "line", ["line"], "-mode line -conns 100 -depth 32"),
    ("S5", "chat, 200 clients, 8 senders x 4 lines of 64 B under way", "delivery", ["chat"], "-mode chat -conns 200 -depth 4 -slice 0.2"),
    ("S6", "idle memory, 19000 connections after one message", "conn", ["echo"], "-mode mem -conns 19000", "memory"),
    ("S7", "churn: connect, echo 64 B, close; 64 open", "conn", ["echo"], "-mode churn -depth 64"),
    ("S8-pipe", "idle timeout, load of S2", "msg", ["echo", "timeout"], "-mode pp -conns 100 -depth 32"),
    ("S8-ping", "idle timeout, load of S1-100", "req", ["echo", "timeout"], "-mode pp -conns 100"),
    ("T1-1", "TLS echo ping-pong, 1 connection, 64 B", "req", ["tls-echo"], "-tls 1.3 -mode pp -conns 1"),
    ("T1-100", "TLS echo ping-pong, 100 connections, 64 B", "req", ["tls-echo"], "-tls 1.3 -mode pp -conns 100"),
    ("T3", "TLS bulk echo, 10 connections, 64 KiB writes, 256 KiB under way", "MiB", ["tls-bulk"], "-tls 1.3 -mode bulk -conns 10 -size 65536"),
    ("T6", "TLS idle memory, 5000 connections after one message of 64 B", "conn", ["tls-echo"], "-tls 1.3 -mode mem -heap -conns 5000", "memory"),
    ("T6-full", "TLS idle memory, 1000 connections after one message of 200 KiB", "conn", ["tls-echo"], "-tls 1.3 -mode mem -heap -conns 1000 -size 204800", "memory"),
    ("T7", "TLS handshakes: connect, echo 64 B, close; 8 open", "conn", ["tls-echo"], "-tls 1.3 -mode churn -depth 8"),
    ("T7-resumed", "TLS handshakes of sessions that are resumed, load of T7", "conn", ["tls-echo"], "-tls 1.3 -resume -mode churn -depth 8"),
    ("L1", "latency at half of the reference's rate, 1000 connections, 64 B, echo", "req", ["echo"], "-mode open -conns 1000 -slice 0.25 -rate 2000", "open"),
    ("P1", "lines as in S4, two reactors on two cores beside one on one", "line", ["line"], "-mode line -conns 100 -depth 32", "pool"),
    ("G-timers", "a million timers pending, beside time.AfterFunc", "timer", [], "-test.bench Timer -test.benchtime 1x", "micro"),
    ("G-coroutine", "a value to a waiting coroutine and back, beside a goroutine over channels", "round", [], "-test.bench PingPong -test.benchtime 200000x", "micro"),
    ("U1", "UDP echo, 4 sockets, 32 datagrams of 64 B under way on each", "datagram", ["udp"], "-mode udp -conns 4 -depth 32"),
]]
