"""The elimination of a block's own states as straight-line text, for a pattern known beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Elimination:
    """Text that eliminates the states of one block which nothing outside it reads.

    Attributes
    ----------
    text : ``block_factorise``, ``block_forward`` and ``block_backward``; without joined states ``block_solve``.
    n_factors : numbers that the factors of one block take.
    joined : states left for the whole system, in the order of its matrices.
    n_operations : products that a factorisation takes.
    """

    text: str
    n_factors: int
    joined: tuple[int, ...]
    n_operations: int


def eliminate(
    pattern: Iterable[tuple[int, int]], m: int, joined: tuple[int, ...]
) -> tuple[list[tuple[int, list[int], list[int]]], int]:
    """Eliminate all states but the joined ones, least fill first (Markowitz).

    Returns
    -------
    steps : list of (state, columns of its row, rows of its column), as they are when it is eliminated.
    n_operations : products in all.
    """
    rows: list[set[int]] = [set() for _ in range(m)]
    columns: list[set[int]] = [set() for _ in range(m)]
    for i, j in pattern:
        if i != j:
            rows[i].add(j)
            columns[j].add(i)
    left, steps, work = [i for i in range(m) if i not in set(joined)], [], 0
    while left:
        k = min(left, key=lambda i: (len(rows[i]) * len(columns[i]), i))
        left.remove(k)
        row, column = rows[k], columns[k]
        steps.append((k, sorted(row), sorted(column)))
        work += len(row) * len(column)
        for i in column:
            rows[i] |= row
            rows[i] -= {i, k}
        for j in row:
            columns[j] |= column
            columns[j] -= {j, k}
    return steps, work


def write_elimination(pattern: tuple[tuple[int, int], ...], m: int, joined: tuple[int, ...]) -> Elimination:
    """Return the elimination of a block of ``m`` states whose Jacobian's terms lie at ``pattern``.

    Parameters
    ----------
    pattern : (row, column) of each term, in the order in which ``block_jacobian`` writes them.
    joined : states that links join to other blocks.
    """
    steps, work = eliminate(pattern, m, joined)
    factors = _Factors(steps)
    down, up = _forward(steps, factors, m), _backward(joined, steps, factors)
    parts = [_factorise(pattern, m, joined, steps, factors)]
    if joined:
        down += [f"x[{k}] = v_{k}" for k, _, _ in steps] + [
            f"joined[{c}] = v_{j}" for c, j in enumerate(joined)
        ]
        again = [f"v_{j} = joined[{c}]" for c, j in enumerate(joined)] + [
            f"v_{k} = x[{k}]" for k, _, _ in steps
        ]
        parts.append(
            _function(
                "block_forward(right, pull, inverse_in, lu, x, joined)",
                "Eliminate the block's own states from right + inverse pull.", down,
            )
        )  # fmt: skip
        words = "Solve for the block's own states."
        parts.append(_function("block_backward(out, x, lu, joined)", words, again + up))
    else:
        words = "Solve for right + inverse pull."
        parts.append(_function("block_solve(right, pull, inverse_in, lu, out)", words, down + up))
    return Elimination("\n\n".join(parts), factors.size, joined, work)


class _Factors:
    """Where each factor is kept."""

    def __init__(self, steps: list[tuple[int, list[int], list[int]]]) -> None:
        self.place: dict[tuple[int, int], int] = {}
        for k, row, column in steps:
            for key in [(k, k), *((k, j) for j in row), *((i, k) for i in column)]:
                self.place[key] = len(self.place)
        self.size = len(self.place)

    def __call__(self, i: int, j: int) -> str:
        return f"lu[{self.place[i, j]}]"


def _function(signature: str, doc: str, lines: list[str]) -> str:
    return "\n".join([f"def {signature}:", f'    """{doc}"""', *(f"    {line}" for line in lines), ""])


def _factorise(
    pattern: tuple[tuple[int, int], ...], m: int, joined: tuple[int, ...],
    steps: list[tuple[int, list[int], list[int]]], factors: _Factors,
) -> str:  # fmt: skip
    known: set[tuple[int, int]] = {(i, i) for i in range(m)}
    entry = {place: k for k, place in enumerate(pattern)}
    lines = ["shift = shift_in[0]", "low = weakest[0]"]
    for i in range(m):
        lines.append(f"a_{i}_{i} = shift" + (f" - values[{entry[i, i]}]" if (i, i) in entry else ""))
    for (i, j), k in entry.items():
        if i != j:
            lines.append(f"a_{i}_{j} = -values[{k}]")
            known.add((i, j))
    for k, row, column in steps:
        lines += [
            # The product is 0, or NaN for a pivot that is not finite, and NaN stays.
            f"low = smaller(abs(a_{k}_{k}), low) + abs(a_{k}_{k}) * 0.0",
            f"r_{k} = 1.0 / a_{k}_{k}",
            f"{factors(k, k)} = r_{k}",
        ]
        # What the solution takes of other states, already divided by the pivot.
        lines += [f"{factors(k, j)} = a_{k}_{j} * r_{k}" for j in row]
        for i in column:
            lines += [f"f_{i} = a_{i}_{k} * r_{k}", f"{factors(i, k)} = f_{i}"]
            for j in row:
                old = f"a_{i}_{j}" if (i, j) in known else "0.0"
                lines.append(f"a_{i}_{j} = {old} - f_{i} * a_{k}_{j}")
                known.add((i, j))
    for c, j in enumerate(joined):  # matrices are kept transposed
        for r, i in enumerate(joined):
            lines.append(f"joined[{c * len(joined) + r}] = " + (f"a_{i}_{j}" if (i, j) in known else "0.0"))
    lines.append("weakest[0] = low")
    return _function(
        "block_factorise(values, shift_in, lu, joined, weakest)", "Factors of shift I - J for the block's own states.",
        lines,
    )  # fmt: skip


def _forward(steps: list[tuple[int, list[int], list[int]]], factors: _Factors, m: int) -> list[str]:
    lines = ["inverse = inverse_in[0]", *(f"v_{i} = right[{i}] + inverse * pull[{i}]" for i in range(m))]
    for k, _, column in steps:
        lines += [f"v_{i} = v_{i} - {factors(i, k)} * v_{k}" for i in column]
    return lines


def _backward(
    joined: tuple[int, ...], steps: list[tuple[int, list[int], list[int]]], factors: _Factors
) -> list[str]:
    lines = [f"out[{j}] = v_{j}" for j in joined]
    waits = dict.fromkeys(joined, 0)  # how many operations one after the other a solution takes
    for k, row, _ in reversed(steps):
        # What is known last is taken last: nothing waits for more than one subtraction after that.
        row_as_known = sorted(row, key=waits.__getitem__)
        lines.append(f"v_{k} = v_{k} * {factors(k, k)}")
        lines += [f"v_{k} = v_{k} - {factors(k, j)} * v_{j}" for j in row_as_known]
        lines.append(f"out[{k}] = v_{k}")
        waits[k] = 1
        for j in row_as_known:
            waits[k] = max(waits[k], waits[j]) + 1
    return lines
