"""Rows of text in columns."""

from __future__ import annotations


def aligned(rows: list[tuple[str, ...]], right: int | None = None) -> str:
    """Return rows as text in columns; the first row is the head, column ``right`` is set to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i == right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
