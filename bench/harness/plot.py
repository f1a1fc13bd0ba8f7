"""Ratios to the reference as bars, in SVG: no dependency, readable on white and on black."""
import math

COLOURS = ["#8a8f98", "#e4572e", "#2e86ab", "#3aa76d", "#b07aa1", "#d4a017", "#17a2a2", "#c05780", "#7a8b2f", "#6b6bd6", "#a0694b", "#5da5da", "#999933"]
BAR, GAP, HIGH, LEFT = 9, 16, 190, 52
LETTER = 6.6  # how wide one is, about
STYLE = ("<style>text{font:11px sans-serif;fill:#222}.t{font-size:13px;font-weight:bold}.g{text-anchor:middle}"
         "line{stroke:#999;stroke-width:.5}.one{stroke:#222;stroke-width:1}"
         "@media(prefers-color-scheme:dark){text{fill:#ddd}.one{stroke:#ddd}}</style>")


def svg(panels):
    """panels: title and, by scenario, the ratios by name. Every name has one colour in all of them."""
    names = list(dict.fromkeys(n for _, groups in panels for ratios in groups.values() for n in ratios))
    paint = paints(names)
    right = [LEFT + sum(room(g, r, names) + GAP for g, r in groups.items()) for _, groups in panels]
    width = math.ceil(max([570] + right)) + 10
    out, y = legend(paint, width)
    for title, groups in panels:
        out += panel(title, groups, paint, y, width)
        y += HIGH + 80
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}">{STYLE}' + "".join(out) + "</svg>\n"


def paints(names):
    """A colour for each peer; a peer that runs otherwise ("x+timeout", "x x 2") has a paler one of its own."""
    peer = {n: n.removesuffix("+timeout").split(" x ")[0] for n in names}
    peers = list(dict.fromkeys(peer.values()))
    return {n: f'fill="{COLOURS[peers.index(peer[n]) % len(COLOURS)]}"' + ("" if n == peer[n] else ' fill-opacity=".5"') for n in names}


def labels(name, ratios, names):
    """What stands below a group: which it is, and the reference if that is not the usual one."""
    ref = next(iter(ratios))
    return [name] if len(ratios) == 1 or ref == names[0] else [name, f"to {ref}"]


def room(name, ratios, names):
    """How wide a group is: its bars, or its name if that is longer."""
    return max(len(ratios) * BAR, *(len(t) * LETTER for t in labels(name, ratios, names)))


def legend(paint, width):
    out, x, y = [], LEFT, 12
    for n, fill in paint.items():
        if x + 120 > width:
            x, y = LEFT, y + 16
        out.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" {fill}/><text x="{x + 14}" y="{y}">{n}</text>')
        x += 120
    return out, y + 34


def panel(title, groups, paint, top, width):
    """Bars grow from 1, the reference, on a logarithmic axis."""
    values = [v for r in groups.values() for v in r.values() if v > 0] + [.5, 2]
    low, high = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))

    def at(v):
        return top + 16 + HIGH * (high - math.log2(v)) / (high - low)
    out = [f'<text class="t" x="{LEFT}" y="{top}">{title}</text>']
    for e in range(low, high + 1, max(1, (high - low) // 8)):
        out.append(f'<line x1="{LEFT}" x2="{width}" y1="{at(2 ** e):.1f}" y2="{at(2 ** e):.1f}"/>'
                   f'<text x="{LEFT - 6}" y="{at(2 ** e) + 4:.1f}" text-anchor="end">{2 ** e if e >= 0 else f"1/{2 ** -e}"}</text>')
    x = LEFT + GAP / 2
    for name, ratios in groups.items():
        wide = room(name, ratios, list(paint))
        left = x + (wide - len(ratios) * BAR) / 2
        for n, v in ratios.items():
            y0, y1 = sorted((at(max(v, 2 ** low)), at(1)))
            out.append(f'<rect x="{left:.1f}" y="{y0:.1f}" width="{BAR - 1}" height="{max(y1 - y0, 1.5):.1f}" {paint[n]}><title>{name} {n}: {v:.2f}</title></rect>')
            left += BAR
        for i, text in enumerate(labels(name, ratios, list(paint))):
            out.append(f'<text class="g" x="{x + wide / 2:.1f}" y="{top + HIGH + 32 + 13 * i}">{text}</text>')
        x += wide + GAP
    return out + [f'<line class="one" x1="{LEFT}" x2="{width}" y1="{at(1):.1f}" y2="{at(1):.1f}"/>']
