"""A drawing as a page of HTML that needs nothing else: to be moved with the mouse, by touch and with the keys.

The stub of a box leads to the box; a box that is pointed at has its stubs shown.
"""

from __future__ import annotations

import re
from html import escape

from .drawing import DARK, LIGHT
from .svg import FONT


def write(drawing: str, description: str, theme: str) -> str:
    """The text of the page around `drawing`, a complete SVG document."""
    colours = DARK if theme == "dark" else LIGHT
    dark = (
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}" if theme == "auto" else ""
    )
    parts = {
        "TITLE": escape(description),
        "FONT": FONT,
        "COLOURS": _variables(colours),
        "DARK": dark,
        "DRAWING": drawing,
    }
    return re.sub("@([A-Z]+)@", lambda found: parts[found[1]], _PAGE)


def _variables(colours: dict[str, str]) -> str:
    wanted = ("paper", "ink", "muted", "box", "faint", "output-edge")
    return " ".join(f"--{name}: {colours[name]};" for name in wanted)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE@</title>
<style>
:root { @COLOURS@ }
@DARK@
html, body { height: 100%; margin: 0; overflow: hidden; background: var(--paper); font: 13px @FONT@; }
main { position: absolute; inset: 0; cursor: grab; touch-action: none; }
main:active { cursor: grabbing; }
main > svg { position: absolute; left: 0; top: 0; transform-origin: 0 0; user-select: none; }
[data-of] { cursor: pointer; }
.shown > rect { stroke: var(--output-edge); stroke-width: 3; }
nav { position: absolute; right: 16px; bottom: 16px; display: flex; gap: 6px; }
nav button {
  height: 34px; min-width: 34px; padding: 0 10px; border: 1px solid var(--faint); border-radius: 9px;
  background: var(--box); color: var(--ink); font: inherit; cursor: pointer;
}
nav button:hover { border-color: var(--muted); }
nav output { align-self: center; min-width: 44px; text-align: right; color: var(--muted); }
@media print { nav { display: none; } html, body { overflow: visible; } main, main > svg { position: static; } }
</style>
</head>
<body>
<main>@DRAWING@</main>
<nav aria-label="View">
<output></output>
<button data-do="out" title="Smaller (-)">&minus;</button>
<button data-do="in" title="Larger (+)">+</button>
<button data-do="width" title="As wide as the window (0)">Width</button>
<button data-do="all" title="All of it (9)">All</button>
</nav>
<script>
const frame = document.querySelector("main"), drawing = frame.querySelector("svg");
const size = drawing.viewBox.baseVal, percent = document.querySelector("output");
let x = 0, y = 0, scale = 1;

function show() {
  drawing.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  percent.value = Math.round(100 * scale) + " %";
}
function zoom(factor, atX = frame.clientWidth / 2, atY = frame.clientHeight / 2) {
  const next = Math.min(8, Math.max(0.02, scale * factor));
  x = atX - (atX - x) * next / scale;
  y = atY - (atY - y) * next / scale;
  scale = next;
  show();
}
function fit(high) {
  scale = Math.min(frame.clientWidth / size.width, high ? frame.clientHeight / size.height : 1, 1.5);
  x = (frame.clientWidth - size.width * scale) / 2;
  y = Math.max(0, (frame.clientHeight - size.height * scale) / 2);
  show();
}
const does = { in: () => zoom(1.25), out: () => zoom(0.8), width: () => fit(false), all: () => fit(true) };
for (const button of document.querySelectorAll("nav button")) button.onclick = does[button.dataset.do];

frame.addEventListener("wheel", event => {
  event.preventDefault();
  if (event.ctrlKey || !event.shiftKey) zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 120 : 500)), event.clientX, event.clientY);
  else { x -= event.deltaX + event.deltaY; show(); }
}, { passive: false });

const held = new Map();  // the pointers that are down: one moves, two zoom
let moved = false;
frame.addEventListener("pointerdown", event => { held.set(event.pointerId, event); moved = false; });
window.addEventListener("pointermove", event => {
  const before = held.get(event.pointerId);
  if (!before) return;
  const other = [...held.values()].find(each => each.pointerId !== event.pointerId);
  if (other) {
    const gap = point => Math.hypot(point.clientX - other.clientX, point.clientY - other.clientY);
    zoom(gap(event) / Math.max(gap(before), 1), other.clientX, other.clientY);
  } else {
    x += event.clientX - before.clientX;
    y += event.clientY - before.clientY;
    show();
  }
  moved = moved || Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > 2;
  held.set(event.pointerId, event);
});
for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, event => held.delete(event.pointerId));

window.addEventListener("keydown", event => {
  const step = 80, keys = {
    "+": does.in, "=": does.in, "-": does.out, "0": does.width, "9": does.all,
    ArrowLeft: () => { x += step; }, ArrowRight: () => { x -= step; },
    ArrowUp: () => { y += step; }, ArrowDown: () => { y -= step; },
  };
  if (event.ctrlKey || event.metaKey || !keys[event.key]) return;
  keys[event.key]();
  show();
  event.preventDefault();
});

const of = key => drawing.querySelectorAll(`[data-key="${key}"], [data-of="${key}"]`);
const key = group => group.dataset.key || group.dataset.of;
for (const group of drawing.querySelectorAll("[data-key], [data-of]")) {
  group.onpointerenter = () => { for (const each of of(key(group))) if (of(key(group)).length > 1) each.classList.add("shown"); };
  group.onpointerleave = () => { for (const each of of(key(group))) each.classList.remove("shown"); };
}
for (const stub of drawing.querySelectorAll("[data-of]")) stub.onclick = () => {
  if (moved) return;
  const box = drawing.querySelector(`[data-key="${stub.dataset.of}"]`).getBoundingClientRect();
  x += frame.clientWidth / 2 - box.x - box.width / 2;
  y += frame.clientHeight / 2 - box.y - box.height / 2;
  show();
};
window.addEventListener("resize", show);
fit(false);
</script>
</body>
</html>
"""
