"""What is drawn."""
import unittest
import xml.etree.ElementTree as xml

from harness import plot


class Plot(unittest.TestCase):
    PANELS = [("One (less is better)", {"S1": {"ref": 1, "a": .03, "a+timeout": 40}, "S2": {"ref": 1, "a": 0}, "T7-resumed": {"a": 1, "b": 2}, "P1": {"a": 1, "a x 2": .5}}),
              ("Two (less is better)", {"TimerFireAtOnce": {"a": .5}, "TimerFire": {"a": .7}})]

    def texts(self, kind):
        root = xml.fromstring(plot.svg(self.PANELS))
        return [t for t in root.iter("{http://www.w3.org/2000/svg}text") if t.get("class") == kind]

    def test_names_of_groups_do_not_overlap(self):
        rows = {}
        for t in self.texts("g"):
            half = len(t.text) * plot.LETTER / 2
            rows.setdefault(t.get("y"), []).append((float(t.get("x")) - half, float(t.get("x")) + half))
        self.assertEqual(len(rows), 3)  # a second line, where the reference is another
        for row in rows.values():
            for (_, end), (begin, _) in zip(row, row[1:]):
                self.assertLess(end, begin)

    def test_no_two_names_look_alike(self):
        names = ["c-epoll", "torsion", "go-epoll", "gnet", "go-net", "go-net-chan", "netpoll", "nbio", "evio", "libuv", "netty", "twisted", "uvloop"]
        names += [n + "+timeout" for n in names] + ["torsion x 2"]
        self.assertLessEqual(len(names) - len(set(plot.paints(names).values())), 1)  # torsion x 2 is in no scenario with torsion+timeout

    def test_nothing_to_draw_is_a_picture(self):
        xml.fromstring(plot.svg([]))
