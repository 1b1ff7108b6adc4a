"""The table of a profile, with PyTorch's columns."""

from __future__ import annotations

from typing import Any

WIDTH, SPACING = 12, 2
UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0}
# What a table can be sorted by.
KEYS = (
    "cpu_time cpu_time_total self_cpu_time_total cpu_memory_usage self_cpu_memory_usage flops count".split()
)


def time_text(us: float) -> str:
    """Microseconds as they are printed."""
    if us >= 1e6:
        return f"{us / 1e6:.3f}s"
    return f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


def memory_text(bytes: int) -> str:
    """Bytes as they are printed."""
    for unit, power in (("GB", 30), ("MB", 20), ("KB", 10)):
        if abs(bytes) >= 1 << power:
            return f"{bytes / (1 << power):.2f} {unit}"
    return f"{bytes} B"


def scaled_flops(least: int) -> tuple[str, int]:
    """The unit in which `least` operations have one to three digits, and how many it is."""
    power = min((len(str(least)) - 1) // 3, 5)
    return ["FLOPs", "KFLOPs", "MFLOPs", "GFLOPs", "TFLOPs", "PFLOPs"][power], 1000**power


def table(
    events: Any,
    sort_by: str | None,
    row_limit: int,
    widths: tuple[int, int, int],
    header: str | None,
    top_level_only: bool,
    unit: str | None,
) -> str:
    """The text; `widths` of names, shapes and lines at most."""
    if unit is not None and unit not in UNITS:
        raise ValueError(f"time_unit is one of {', '.join(UNITS)}, not {unit!r}")
    if not events:
        return ""
    if sort_by is not None:
        if sort_by not in KEYS:
            raise AttributeError(
                f"'{type(events[0]).__name__}' object has no attribute '{sort_by}'. A table is sorted by one of "
                f"{', '.join(KEYS)}."
            )
        rows = sorted(events, key=lambda event: getattr(event, sort_by), reverse=True)
    else:
        rows = list(events)
    if top_level_only:
        rows = [event for event in rows if getattr(event, "cpu_parent", None) is None]
    total = events.self_cpu_time_total
    shapes, stacks = [any(getattr(event, name) for event in rows) for name in ("input_shapes", "stack")]
    time = time_text if unit is None else lambda us: f"{us / UNITS[unit]:.3f}{unit}"
    share = lambda us: f"{100 * us / total:.2f}%" if total else "0.00%"

    def column(texts: list[str], most: int) -> int:
        return min(max([len(text) for text in texts], default=0) + 4, most)

    heads = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
    sizes = [column([event.key for event in rows], widths[0])] + [WIDTH] * 5
    if events._profile_memory:
        heads += ["CPU Mem", "Self CPU Mem"]
        sizes += [WIDTH] * 2
    heads.append("# of Calls")
    sizes.append(WIDTH)
    counts = [event.flops for event in events if event.flops] if events._with_flops else []
    if counts:
        flops_unit, flops_scale = scaled_flops(min(counts))
        flops_text = lambda flops: f"{flops / flops_scale:8.3f}" if flops else "--"
    if shapes:
        heads.append("Input Shapes")
        sizes.append(max(column([str(event.input_shapes) for event in rows], widths[1]), WIDTH))
    if stacks:
        heads.append("Source Location")
        sizes.append(max(column([line for event in rows for line in event.stack[:1]], widths[2]), 15))

    if counts:
        heads.append(f"Total {flops_unit}")
        sizes.append(max([WIDTH, *[len(flops_text(event.flops)) for event in rows]]))

    def cut(text: str, most: int) -> str:
        return text[: most - 3] + "..." if len(text) >= most - 3 and len(text) > 3 else text

    def line(cells: list[str]) -> str:
        return "".join([cell.rjust(size) + " " * SPACING for cell, size in zip(cells, sizes)])

    rule = "".join(["-" * size + " " * SPACING for size in sizes])
    lines = ["=" * len(rule), header] if header is not None else []
    lines += [rule, line(heads), rule]
    for event in rows[: row_limit if row_limit >= 0 else None]:
        cells = [
            cut(event.key, widths[0]),
            share(event.self_cpu_time_total),
            time(event.self_cpu_time_total),
            share(event.cpu_time_total),
            time(event.cpu_time_total),
            time(event.cpu_time),
        ]
        if events._profile_memory:
            cells += [memory_text(event.cpu_memory_usage), memory_text(event.self_cpu_memory_usage)]
        cells.append(str(event.count))
        if shapes:
            cells.append(cut(str(event.input_shapes), widths[1]))
        if stacks:
            cells.append(cut(event.stack[0], widths[2]) if event.stack else "")
        if counts:
            cells.append(flops_text(event.flops))
        lines.append(line(cells))
    return "\n".join([*lines, rule, f"Self CPU time total: {time(total)}", ""])
