"""Ratios to the reference as bars, in SVG: no dependency, readable on white and on black."""
import math

COLOURS = ["#8a8f98", "#e4572e", "#2e86ab", "#3aa76d", "#b07aa1", "#d4a017", "#17a2a2", "#c05780", "#7a8b2f", "#6b6bd6", "#a0694b", "#5da5da", "#999933"]
BAR, GAP, HIGH, LEFT, TOP = 9, 16, 190, 52, 58
STYLE = ("<style>text{font:11px sans-serif;fill:#222}.t{font-size:13px;font-weight:bold}line{stroke:#999;stroke-width:.5}"
         ".one{stroke:#222;stroke-width:1}@media(prefers-color-scheme:dark){text{fill:#ddd}.one{stroke:#ddd}}</style>")


def svg(panels):
    """panels: title and, by scenario, the ratios by name. Every name has one colour in all of them."""
    names = list(dict.fromkeys(n for _, groups in panels for ratios in groups.values() for n in ratios))
    colour = {n: COLOURS[i % len(COLOURS)] for i, n in enumerate(names)}
    width = LEFT + max([420] + [sum(len(r) * BAR + GAP for r in groups.values()) for _, groups in panels]) + 10
    out, y = legend(colour, width), TOP
    for title, groups in panels:
        out += panel(title, groups, colour, y, width)
        y += HIGH + 80
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}">{STYLE}' + "".join(out) + "</svg>\n"


def legend(colour, width):
    out, x, y = [], LEFT, 12
    for n, c in colour.items():
        if x + 110 > width:
            x, y = LEFT, y + 16
        out.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{c}"/><text x="{x + 14}" y="{y}">{n}</text>')
        x += 110
    return out


def panel(title, groups, colour, top, width):
    """Bars grow from 1, the reference, on a logarithmic axis."""
    values = [v for r in groups.values() for v in r.values() if v > 0] + [.5, 2]
    low, high = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))

    def at(v):
        return top + 16 + HIGH * (high - math.log2(v)) / (high - low)
    out = [f'<text class="t" x="{LEFT}" y="{top}">{title}</text>']
    for e in range(low, high + 1, max(1, (high - low) // 8)):
        out.append(f'<line x1="{LEFT}" x2="{width}" y1="{at(2 ** e):.1f}" y2="{at(2 ** e):.1f}"/>'
                   f'<text x="{LEFT - 6}" y="{at(2 ** e) + 4:.1f}" text-anchor="end">{2 ** e:g}</text>')
    x = LEFT + GAP / 2
    for name, ratios in groups.items():
        begin = x
        for n, v in ratios.items():
            y0, y1 = sorted((at(max(v, 2 ** low)), at(1)))
            out.append(f'<rect x="{x}" y="{y0:.1f}" width="{BAR - 1}" height="{max(y1 - y0, 1.5):.1f}" fill="{colour[n]}"><title>{name} {n}: {v:.2f}</title></rect>')
            x += BAR
        out.append(f'<text transform="translate({(begin + x) / 2:.0f},{top + HIGH + 28}) rotate(20)">{name}</text>')
        x += GAP
    return out + [f'<line class="one" x1="{LEFT}" x2="{width}" y1="{at(1):.1f}" y2="{at(1):.1f}"/>']
