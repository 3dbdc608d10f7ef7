"""All benchmarks in full: figures into `results/`, and from those `docs/benchmarks.md`.

``python benchmarks/long.py`` takes some minutes. Ratios of figures from one run can be compared between machines;
milliseconds cannot.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from collagensim.solver.provenance import versions

RESULTS = Path(__file__).with_name("results")
ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"


def load_average():
    """Processes that wanted a core in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def recorded(name):
    """Figures as they were last written."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["figures"]


def write(name, figures):
    """Keep figures, with the machine and the commit that they are of."""
    RESULTS.mkdir(exist_ok=True)
    record = {"commit": _commit(), "machine": _machine(), "figures": figures}
    text = json.dumps(record, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def _commit():
    git = ["git", "-C", str(ROOT)]
    asked = ([*git, "rev-parse", "--short", "HEAD"], [*git, "status", "--porcelain", "--", "src"])
    head, changed = (
        subprocess.run(a, capture_output=True, text=True, check=False).stdout.strip() for a in asked
    )
    return f"{head} with changes" if changed else head


def _machine():
    return {"processor": _processor(), "cores": os.cpu_count(), **versions()}


def _processor():
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def document():
    """The text of ``docs/benchmarks.md``: every figure comes from `results/`."""
    kept = json.loads((RESULTS / "wound25.json").read_text(encoding="utf-8"))
    machine = kept["machine"]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `python benchmarks/long.py`; the figures lie in `benchmarks/results/`. Ratios are of the "
            "best times of interleaved rounds in one run: other work on the machine only adds, and not to all alike.",
            "",
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, numba {machine['numba']}, "
            f"commit {kept['commit']}.",
            "",
            *_one_trajectory(kept["figures"]),
            *_many_members(recorded("ensemble_wound25")),
            *_whole_model(recorded("ensemble_whole_model")),
            *_one_course(recorded("course")),
            *_tissue(recorded("tissue"), recorded("tissue_month"), recorded("tissue_year")),
            *_cells(recorded("cells")),
        ]
    )


def _one_trajectory(figures):
    engine = figures["engine"]
    rows = [(name, row) for name, row in figures.items() if isinstance(row, dict)]
    return [
        "## One trajectory",
        "",
        f"`wound25`: 25 states, 104 parameters, six sessions, 365 days, daily rows. Each solver at its coarsest "
        f"tolerance with an error of at most {figures['target']:g} against Radau at 1e-12; {figures['rounds']} rounds, "
        f"load {figures['load'][0]} to {figures['load'][1]}.",
        "",
        "| solver | rtol | error | median ms | best ms | times the engine |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {row['rtol']:g} | {row['error']:.1e} | {row['ms']} | {row['best_ms']} | {row['over_engine']} |"
            for name, row in rows
        ),
        "",
        f"The engine takes {engine['steps']} steps, {engine['evaluations']} evaluations of the right side and "
        f"{engine['factorisations']} factorisations. `cs.solve` is the same engine with checks, labels and provenance.",
        "",
    ]


def _many_members(figures):
    lines = [
        "## A thousand parameter sets",
        "",
        f"`wound25`, {figures['members']} log-normal parameter sets, rtol {figures['rtol']:g}, daily rows; load "
        f"{figures['load'][0]} to {figures['load'][1]}. Error, largest of a sample of members (median): "
        f"{_error(figures['error'])}.",
        "",
        "| | ms a member |",
        "|---|---|",
        f"| one thread | {figures['ms_a_member_1']} |",
        f"| two threads | {figures['ms_a_member_2']} |",
    ]
    if "peer_ms" in figures:
        lines += [
            f"| libRoadRunner, rtol {figures['peer_rtol']:g}, one after the other | {figures['peer_ms']} |",
            "",
            f"libRoadRunner takes {figures['ratio_1']} times as long a member as one thread, {figures['ratio_2']} "
            f"times as long as two; its error is {_error(figures['peer_error'])}.",
        ]
    return [*lines, ""]


def _error(found):
    return f"{found['largest']:.1e} ({found['median']:.1e})"


def _whole_model(figures):
    return [
        "## The whole model",
        "",
        f"`dermal_healing`, five sessions, 365 days, all variables averaged over the tissue, rtol {figures['rtol']:g}; "
        f"errors against rtol 1e-11; load {figures['load'][0]} to {figures['load'][1]}.",
        "",
        "| | ms a course | error |",
        "|---|---|---|",
        f"| alone | {figures['ms_alone']} | {figures['error_alone']:.1e} |",
        f"| {figures['members']} together, one thread | {figures['ms_a_member_1']} | {figures['error']:.1e} |",
        f"| {figures['members']} together, two threads | {figures['ms_a_member_2']} | {figures['error']:.1e} |",
        "",
        f"Together they take {figures['ratio_1']} times less a course than alone, on two threads {figures['ratio_2']} "
        f"times less.",
        "",
    ]


def _one_course(figures):
    rows = [(name, row) for name, row in figures.items() if isinstance(row, dict)]
    return [
        f"One course on daily rows at the coarsest tolerance with an error of at most {figures['target']:g}: rtol "
        f"{figures['rtol']:g}, error {figures['error']:.1e}, {figures['steps']} steps, {figures['rejected']} rejected; "
        f"{figures['rounds']} rounds, load {figures['load'][0]} to {figures['load'][1]}.",
        "",
        "| one course | median ms | best ms |",
        "|---|---|---|",
        *(f"| {name} | {row['ms']} | {row['best_ms']} |" for name, row in rows),
        "",
    ]


def _tissue(figures, month, year):
    block, stages = (
        figures["block"],
        [name for name in figures if name.startswith("ms_") and name != "ms_a_step"],
    )
    return [
        "## The tissue",
        "",
        f"A slice of 2 x 3 mm in voxels of 10 um: {figures['voxels']} voxels, {figures['fields']} signals, "
        f"{figures['cells']} cells, one thread; CPU time of the best of several steps of five minutes on the day "
        f"after a session, load {figures['load']}.",
        "",
        "| stage | ms a step |",
        "|---|---|",
        *(f"| {name.removeprefix('ms_')} | {figures[name]} |" for name in stages),
        f"| all | {figures['ms_a_step']} |",
        "",
        f"The laws' text on NumPy's arrays takes {figures['laws_by_numpy_over_ours']} times as long as ours, which a "
        f"step reads twice. A block of {' x '.join(map(str, block['shape']))} voxels of 20 um with {block['cells']} "
        f"cells: {block['ns_a_voxel']} ns a voxel and step, {block['ns_a_cell']} ns a cell and step.",
        "",
        "| course of the slice | steps | seconds | load |",
        "|---|---|---|---|",
        *(
            f"| {name} | {run['steps']} | {run['seconds']} | {run['load'][0]} to {run['load'][1]} |"
            for name, run in (
                ("28 days, one session", month),
                ("365 days, five sessions 30 days apart", year),
            )
        ),
        "",
    ]


def _cells(figures):
    lines = [
        "## Cells one by one",
        "",
        f"10 000 cells that walk up a gradient and along fibres, are counted, die and divide: "
        f"{figures['updates_per_s']} updates a CPU second, load {figures['load']}.",
    ]
    if "over_mesa" in figures:
        lines.append(
            f"Mesa {figures['mesa']}, whose cells walk without gradient and fibres, read a field, die and divide: "
            f"{figures['mesa_updates_per_s']}, {figures['over_mesa']} times fewer."
        )
    return [*lines, ""]


def main():
    """Run all benchmarks in full and write the document anew."""
    scripts = (
        ["bench_wound25.py"], ["bench_course.py"], ["bench_ensemble.py"], ["bench_diffusion.py"], ["bench_cells.py"],
        ["bench_tissue.py"], ["bench_tissue.py", "month", "year"],
    )  # fmt: skip
    for script, *asked in scripts:
        subprocess.run([sys.executable, str(Path(__file__).with_name(script)), *asked], check=True)
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
