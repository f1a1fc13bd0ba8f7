"""What is said about samples, on samples that are known."""
import unittest
from types import SimpleNamespace

from harness import latency, micro, pool, rounds, summary, tables
from harness.options import args
from harness.scenarios import SCENARIOS

BY_ID = {s.id: s for s in SCENARIOS}


def sampled(rate, speed=1.0, **more):
    return dict({"rate": rate, "cpu_us_op": 100 / rate, "p50_us": 1, "p99_us": 2, "p999_us": 4, "speed0": speed, "speed1": speed}, **more)


class Compare(unittest.TestCase):
    def test_a_sample_is_taken_to_the_mean_of_the_two_beside_it(self):
        r = sampled(300)
        rounds.compare(r, sampled(100), sampled(200))
        self.assertEqual(r["rate_rel"], 2)
        self.assertAlmostEqual(r["cpu_us_op_rel"], 100 / 300 / .75)
        self.assertEqual(r["drift"], 0)

    def test_drift_is_how_unlike_the_speeds_were(self):
        r = sampled(1, speed=.8)
        rounds.compare(r, sampled(1), sampled(1))
        self.assertAlmostEqual(r["drift"], .2)
        r = sampled(1, speed=1)
        rounds.compare(r, sampled(1, speed=.9), sampled(1, speed=1.1))
        self.assertAlmostEqual(r["drift"], (1 - 9 / 11) / 2)

    def test_what_nobody_has_counts_as_equal(self):
        r = sampled(1, p99_us=0)
        rounds.compare(r, sampled(1, p99_us=0), sampled(1, p99_us=0))
        self.assertEqual(r["p99_us_rel"], 1)


class Ratio(unittest.TestCase):
    def test_the_median_is_over_the_rounds_with_the_least_drift(self):
        rs = [{"x_rel": v, "drift": d} for v, d in ((9, .5), (9, .4), (9, .3), (9, .2), (1, 0), (2, .01), (3, .02), (4, .1))]
        self.assertEqual(tables.ratio(rs, "x"), 2.5)  # of 1 2 3 4

    def test_few_rounds_are_all_taken(self):
        self.assertEqual(tables.ratio([{"x_rel": v, "drift": v} for v in (1, 5, 9)], "x"), 5)

    def test_by_way_of_the_reference(self):
        samples = {"a": [{"rate_rel": 3, "drift": 0}], "b": [{"rate_rel": 2, "drift": 0}]}
        self.assertEqual(tables.rel(samples, "a", base="b"), "1.50")
        self.assertEqual(tables.rel(samples, "a", base="nobody"), "-")

    def test_what_was_mostly_disturbed_is_marked(self):
        rs = [dict(rate_rel=3, drift=0, noisy=n) for n in (True, False, True)]
        self.assertEqual(tables.rel({"a": rs}, "a"), "3.00?")
        self.assertEqual(tables.rel({"a": rs[:2]}, "a"), "3.00")
        data = {"scenarios": {"S1-1": {"samples": {"a": rs}}}}
        self.assertEqual([summary.mark(data, "S1-1", n) for n in "ab"], ["?", ""])

    def test_full_speed_leaves_slow_cores_out(self):
        rs = [sampled(100), sampled(200), sampled(5, speed=.5)]
        self.assertEqual(tables.full_speed(rs, 1), "150 (2)")


class Peer(SimpleNamespace):
    def __init__(self, name):
        super().__init__(name=name, peer={"name": name}, mode="echo")

    def start(self):
        pass

    def stop(self, final=True):
        pass


class Rounds(unittest.TestCase):
    def run_round(self, take, names=("ref", "a", "b")):
        self.log, samples, failed, was = [], {}, {}, rounds.sample
        rounds.sample = lambda s, flags: self.log.append(s.name) or take(s)
        try:
            rounds.one_round(BY_ID["S1-1"], [Peer(n) for n in names], samples, failed)
        finally:
            rounds.sample = was
        return samples, failed

    def test_every_sample_is_between_two_of_the_reference(self):
        samples, failed = self.run_round(lambda s: sampled(100))
        self.assertEqual(self.log, ["ref", "a", "ref", "b", "ref"])
        self.assertEqual({n: len(rs) for n, rs in samples.items()}, {"ref": 3, "a": 1, "b": 1})
        self.assertFalse(failed)

    def test_a_peer_that_dies_harms_no_other(self):
        def take(s):
            if s.name == "a":
                raise RuntimeError("gone")
            return sampled(100)
        samples, failed = self.run_round(take)
        self.assertEqual(list(samples), ["ref", "b"])
        self.assertEqual(list(failed), ["a"])

    def test_a_reference_that_dies_is_blamed_itself(self):
        def take(s):
            if s.name == "ref" and len(self.log) > 1:
                raise RuntimeError("gone")
            return sampled(100)
        samples, failed = self.run_round(take)
        self.assertEqual(self.log, ["ref", "a", "ref"])
        self.assertEqual([(n, str(e)) for n, e in failed.items()], [("ref", "gone")])
        self.assertNotIn("a", samples)  # there is nothing to take it to

    def test_a_server_may_be_late_three_times(self):
        left, was = [True, True, False], (latency.sample, latency.quiet)
        latency.sample, latency.quiet = lambda s, flags: {"behind": left.pop(0)}, lambda: None
        try:
            self.assertEqual(latency.keeping_up(None, "-rate 5"), {"behind": False})
            left[:] = [True] * 3
            self.assertRaises(latency.Behind, latency.keeping_up, None, "-rate 5")
        finally:
            latency.sample, latency.quiet = was


class Several(unittest.TestCase):
    def test_generators_add_up_and_see_the_same_server(self):
        r = pool.together([dict(ops=10, rate=100, srv_cpu=.5, noisy=False), dict(ops=30, rate=300, srv_cpu=.7, noisy=True)])
        self.assertEqual((r["ops"], r["rate"], r["noisy"]), (40, 400, True))
        self.assertAlmostEqual(r["cpu_us_op"], .6 / 400 * 1e6)

    def test_a_benchmark_is_taken_to_the_other_of_its_name(self):
        samples = {"T/torsion": [{"ns/each": v} for v in (1, 2, 9)], "T/plain": [{"ns/each": v} for v in (4, 4, 8)]}
        self.assertEqual(micro.ratios(samples), {"T": .5})

    def test_memory_is_taken_to_the_first_peer(self):
        samples = {"ref": [{"bytes_per_conn": v} for v in (90, 100, 500)], "a": [{"bytes_per_conn": 300}]}
        self.assertEqual(summary.ratios("memory", samples), {"memory": {"ref": 1, "a": 3}})


class Tables(unittest.TestCase):
    """A result of any kind, an empty one too, can be shown."""

    def measured(self, n=1):
        more = dict.fromkeys(rounds.RELATIVE, 1) | dict.fromkeys(("lost", "dirty", "srv_cpu", "srv_user", "gen_busy", "late_us", "drift"), 0)
        return [sampled(100, noisy=False, bytes_per_conn=9, rss0_kb=1, rss1_kb=2, per_op={"all": 2, "recvfrom": 1}, **more)] * n

    def test_all_kinds(self):
        for sc in SCENARIOS:
            samples = {"T/torsion": [{"ns/each": 1}], "T/plain": [{"ns/each": 2}]} if sc.kind == "micro" else {"c-epoll": self.measured(), "torsion": self.measured(2)}
            for s in (samples, {}):
                text = tables.table(sc, s, {"x": RuntimeError("why")}, ["a note"])
                self.assertIn("FAILED x: why", text)
                self.assertIn("a note", text)
                summary.collect({"scenarios": {sc.id: {"samples": s}}})

    def test_calls(self):
        args.syscalls = True
        try:
            self.assertIn("| c-epoll | 2.000 | recvfrom 1.000 |", tables.table(BY_ID["S1-1"], {"c-epoll": self.measured()}, {}, []))
        finally:
            args.syscalls = False
