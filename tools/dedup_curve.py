"""Draws docs/dedup_curve.svg: how likely a pair of some similarity becomes a candidate.

python tools/dedup_curve.py
"""

from pathlib import Path

from webtext_py.minhash import bands_for, candidate_probability

OUT = Path(__file__).parents[1] / "docs" / "dedup_curve.svg"
WIDTH, HEIGHT, LEFT, TOP = 560, 320, 50, 20
CURVES = (
    (f"webtext 0.8: {bands_for(0.8)[0]} x {bands_for(0.8)[1]}", bands_for(0.8), "#0b6e4f"),
    ("FineWeb: 14 x 8", (14, 8), "#1f5fbf"),
    ("datasketch 0.8: 9 x 13", (9, 13), "#b8480f"),
    ("OpenWebText2: 3 x 3", (3, 3), "#777777"),
)


def curve(bands: int, rows: int) -> str:
    """The points of one curve."""
    points = []
    for step in range(401):
        similar = step / 400
        high = candidate_probability(similar, bands, rows)
        points.append(f"{LEFT + WIDTH * similar:.1f},{TOP + HEIGHT * (1 - high):.1f}")
    return " ".join(points)


def picture() -> str:
    """The whole picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 80} {HEIGHT + 70}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH + 80}" height="{HEIGHT + 70}" fill="white"/>',
    ]
    for tick in range(0, 11, 2):
        x, y = LEFT + WIDTH * tick / 10, TOP + HEIGHT * (1 - tick / 10)
        grid = 'stroke="#ddd"'
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{TOP + HEIGHT}" {grid}/>')
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + WIDTH}" y2="{y}" {grid}/>')
        parts.append(
            f'<text x="{x}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{tick / 10}</text>'
        )
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{tick / 10}</text>')
    for place, (name, (bands, rows), colour) in enumerate(CURVES):
        parts.append(
            f'<polyline points="{curve(bands, rows)}" fill="none" stroke="{colour}" '
            'stroke-width="2"/>'
        )
        y = TOP + 20 + 18 * place
        parts.append(
            f'<line x1="70" y1="{y}" x2="95" y2="{y}" stroke="{colour}" stroke-width="3"/>'
        )
        parts.append(f'<text x="102" y="{y + 4}">{name}</text>')
    middle = LEFT + WIDTH / 2
    label = "Jaccard similarity of the shingle sets"
    parts.append(f'<text x="{middle}" y="{TOP + HEIGHT + 40}" text-anchor="middle">{label}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    OUT.write_text(picture())
