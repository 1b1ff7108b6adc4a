"""Where things lie in a picture: read from its SVG, which has to show it."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

from pullback.picture.text import text_width

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture, colour=None):
    root = ElementTree.fromstring(picture.svg)
    return [e.text for e in root.iter(SVG + "text") if colour is None or e.get("class") == colour]


def boxes(picture):
    """(left, top, right, bottom) of every box and stub."""
    found = []
    for rect in ElementTree.fromstring(picture.svg).iter(SVG + "rect"):
        if rect.get("class") != "paper":
            x, y, w, h = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


def labels(picture):
    """The same of every text, by the width that the layout reckons with."""
    found = []
    for text in ElementTree.fromstring(picture.svg).iter(SVG + "text"):
        x, y, size = (float(text.get(key)) for key in ("x", "y", "font-size"))
        width = text_width(text.text, size)
        left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")]
        found.append((left, y - size * 0.75, left + width, y + size * 0.2))
    return found


def lines(picture):
    """The points of every edge, curves cut into short pieces."""
    found = []
    for path in ElementTree.fromstring(picture.svg).iter(SVG + "path"):
        if path.get("fill") == "none":
            points = []
            for letter, numbers in re.findall(r"([MLCQ])([^MLCQ]*)", path.get("d")):
                values = [float(number) for number in numbers.split()]
                given = list(zip(values[::2], values[1::2]))
                if letter in "ML":
                    points += _pieces([*points[-1:], given[0]]) if points else given
                else:
                    points += _pieces([points[-1], *given])
            found.append(points)
    return found


def _pieces(control, parts=12):
    """Points of the Bézier curve with these control points, after de Casteljau."""
    found = []
    for part in range(1, parts + 1):
        t, level = part / parts, control
        while len(level) > 1:
            level = [(a + t * (c - a), b + t * (d - b)) for (a, b), (c, d) in itertools.pairwise(level)]
        found.append(level[0])
    return found


def overlapping(rectangles):
    """The pairs that overlap, found by a sweep downwards."""
    found, open_ones = [], []
    for a in sorted(rectangles, key=lambda rectangle: rectangle[1]):
        open_ones = [b for b in open_ones if b[3] > a[1]]
        found += [(a, b) for b in open_ones if a[0] < b[2] and b[0] < a[2]]
        open_ones.append(a)
    return found


def size(picture):
    root = ElementTree.fromstring(picture.svg)
    return float(root.get("width")), float(root.get("height"))


def assert_legible(picture):
    """No two boxes, no two texts overlap; no line runs through a box; everything lies on the paper."""
    width, height = size(picture)
    rectangles, written = boxes(picture), labels(picture)
    assert not overlapping(rectangles)
    assert not overlapping(written)
    for left, top, right, bottom in rectangles + written:
        assert 0 <= left and 0 <= top and right <= width + 0.5 and bottom <= height + 0.5
    rows = {}  # boxes by bands of 50 pixels, to look only at those that are near
    for box in rectangles:
        for band in range(int(box[1] // 50), int(box[3] // 50) + 1):
            rows.setdefault(band, []).append(box)
    for line in lines(picture):
        for x, y in line:
            assert 0 <= x <= width and 0 <= y <= height
            for left, top, right, bottom in rows.get(int(y // 50), []):
                assert not (left + 1 < x < right - 1 and top + 1 < y < bottom - 1)
