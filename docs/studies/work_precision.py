"""Correct digits against work: our stepper and SciPy's on five published test problems and on wound25.

``PYTHONPATH=benchmarks python docs/studies/work_precision.py`` writes ``docs/work_precision.md`` and
``docs/figures/work_precision.png`` (some minutes).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import peers
from matplotlib.axes import Axes
from problems import wound25

import collagensim as cs
from collagensim.biology import reference
from collagensim.plot import look

DOCS = Path(__file__).parents[1]
METHODS = {"rodas5p": "RODAS5D (ours)", "LSODA": "LSODA", "BDF": "BDF", "Radau": "Radau"}
LADDER = tuple(10.0**-k for k in range(3, 11))

PAGE = """# Work and precision

How many digits a tolerance buys, and at what work. Five problems of the Test Set for IVP Solvers (Mazzia and Magherini
2008), against their published ends, and [wound25](../benchmarks/problems/wound25.py), a synthetic benchmark of the size
and stiffness of the healing model (25 states, 365 days, six sessions), against SciPy's Radau at 1e-12. All run through
`cs.solve`, with the absolute tolerance at 1e-3 of the relative one times each state's typical magnitude.

- *Digits*: -log10 of the largest relative error of any state at the end (the test set's `scd`); for wound25 of the
  largest error over states and days, relative to the state plus 1e-3 of its largest value, session days left out.
- *Evaluations*: calls of the right side. SciPy's methods find their Jacobian by differences, one call a state, which is
  counted. Ours has an analytic one: a step costs 8 evaluations, one Jacobian and one factorisation, whatever the
  tolerance. Evaluations are the same on every machine; seconds are not, and SciPy spends most of its own in Python.

![Digits against evaluations](figures/work_precision.png)

What to read off:

- All methods get the exact Jacobian. Up to six digits they then need much the same number of evaluations, and
  RODAS5D is among the best on every problem.
- Beyond eight digits Radau overtakes it on most: the order of a Rosenbrock method suffers where a problem is stiff and
  not linear (here to about 4), that of Radau does not. LSODA overtakes it from seven digits on VDPOL and POLLU.
- A tolerance of 1e-k gives RODAS5D k digits or more, to a tenth; LSODA and BDF often give one or two fewer than asked.
- BDF fails on VDPOL below 1e-8: at the jumps it wants steps shorter than the spacing of the numbers.

The reference of wound25 is good to 10 digits. Made by `docs/studies/work_precision.py`.
"""


@dataclass(frozen=True)
class Run:
    """One solve: what was asked and what came of it; ``steps`` only where the method counts them."""

    problem: str
    method: str
    rtol: float
    digits: float
    evaluations: int
    steps: int | None


def published(problem: reference.ReferenceProblem) -> Callable[[str, float], cs.Response]:
    def solve(method: str, rtol: float) -> cs.Response:
        times = [0.0, problem.until]
        return cs.solve(problem.model, until=problem.until, times=times, method=method, rtol=rtol)

    return solve


def wound(method: str, rtol: float) -> cs.Response:
    return cs.solve(
        wound25.model(),
        until=wound25.END,
        times=wound25.TIMES,
        events=wound25.events(),
        method=method,
        rtol=rtol,
    )


def digits_of_wound(response: cs.Response) -> float:
    daily = np.stack([response.data[name.lower()].values for name in wound25.STATES], axis=1)
    return -math.log10(wound25.error(daily, peers.reference()))


def cases() -> Iterator[tuple[str, Callable[[str, float], cs.Response], Callable[[cs.Response], float]]]:
    """Name, solver and measure of every problem."""
    for problem in reference.reference_problems():

        def digits(response: cs.Response, problem: reference.ReferenceProblem = problem) -> float:
            return reference.digits(
                problem, {name: float(response.data[name][-1]) for name in problem.values}
            )

        yield problem.model.name.upper(), published(problem), digits
    yield "wound25", wound, digits_of_wound


def runs() -> list[Run]:
    """Every problem, method and tolerance; a solve that fails is left out and named."""
    found = []
    for name, solve, digits in cases():
        for method in METHODS:
            for rtol in LADDER:
                try:
                    response = solve(method, rtol)
                except cs.SolveError as error:
                    print(f"{name} {method} {rtol:g}: {error}")
                    continue
                counts = response.statistics
                found.append(
                    Run(name, method, rtol, digits(response), counts["evaluations"], counts.get("steps"))
                )
    return found


def draw(found: list[Run]) -> look.Sheet:
    """One panel a problem: digits over evaluations, a line a method."""
    figure = look.sheet(11.0, 7.0, footer=False)
    problems = list(dict.fromkeys(run.problem for run in found))
    for ax, problem in zip(figure.subplots(2, 3, sharex=True, sharey=True).flat, problems, strict=True):
        draw_panel(ax, [run for run in found if run.problem == problem])
        look.dress(ax, x="", y="", heading=problem)
    figure.supxlabel("evaluations of the right side [calls]", fontsize=look.NORMAL)
    figure.supylabel("correct digits [-log10 of the largest relative error]", fontsize=look.NORMAL)
    figure.axes[0].legend(fontsize=look.SMALL, loc="upper left", frameon=False)
    return figure


def draw_panel(ax: Axes, found: list[Run]) -> None:
    for k, (method, label) in enumerate(METHODS.items()):
        own = [run for run in found if run.method == method]
        ax.plot(
            [run.evaluations for run in own], [run.digits for run in own], label=label, color=look.COLOURS[k],
            linestyle=look.STYLES[k], marker=look.MARKERS[k], markersize=5, linewidth=2.2 if k == 0 else 1.4,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(250.0, 1.2e5)
    ax.set_ylim(0.0, 13.5)


def table(found: list[Run]) -> Iterator[str]:
    """Markdown lines: a section a problem, a row a tolerance."""
    for problem in dict.fromkeys(run.problem for run in found):
        yield f"\n## {problem}\n"
        names = list(METHODS)
        yield (
            "| rtol | "
            + " | ".join(
                f"{METHODS[m]}: digits | " + ("steps | evaluations" if m == "rodas5p" else "evaluations")
                for m in names
            )
            + " |"
        )
        yield "|---" * (2 + 2 * len(names)) + "|"
        for rtol in LADDER:
            cells = [cell for m in names for cell in cells_of(found, problem, m, rtol)]
            yield f"| {rtol:.0e} | " + " | ".join(cells) + " |"


def cells_of(found: list[Run], problem: str, method: str, rtol: float) -> list[str]:
    own = [run for run in found if (run.problem, run.method, run.rtol) == (problem, method, rtol)]
    if not own:
        return ["failed"] + ["-"] * (2 if method == "rodas5p" else 1)
    steps = [str(own[0].steps)] if method == "rodas5p" else []
    return [f"{own[0].digits:.1f}", *steps, str(own[0].evaluations)]


def main() -> None:
    found = runs()
    draw(found).savefig(DOCS / "figures" / "work_precision.png", dpi=110)
    lines = "\n".join(table(found))
    (DOCS / "work_precision.md").write_text(f"{PAGE}{lines}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
