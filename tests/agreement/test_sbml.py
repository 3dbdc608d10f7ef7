"""What is exported, run by libRoadRunner with CVODE, against the package's own stepper."""

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import adler_2020, reynolds_2006, robertson, waugh_sherratt_2006
from collagensim.errors import InputError, ModelError
from collagensim.skin import LAYERS

# SWIG's classes lack a module, which Python deprecates; nothing that we can mend.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")

SKIN = cs.Skin(site="cheek", age_years=45, sex="female")
PEN = cs.Session(device="pen", depth_mm=1.0, density_per_cm2=250)
# Where inflammation ends as a switch falls, an error of the moment is multiplied: in one of 200 random sets CVODE was
# off by 2e-6, 1.8e-7 and 2.7e-8 at 1e-10, 1e-11 and 1e-12, ours by 1.3e-8 at 1e-9. At these tolerances the largest
# difference seen is 4e-9 in the protocols below and 6e-8 in the random sets.
# Exchange rates that are wrong by 1 %, or a session on day 0 that is lost, fail.
OURS, CVODE, AGREED = 1e-9, 1e-12, 1e-6

PROTOCOLS = {
    "one pen session": (cs.Protocol.series(PEN, sessions=1), 120, False),
    "five rollers on ageing skin": (
        cs.Protocol.series(cs.Session(device="roller", depth_mm=1.5), sessions=5, spacing_days=30), 240, True,
    ),
    "shallow after deep, which keeps part of the old zone": (
        cs.Protocol(
            [
                (0.0, cs.Session(device="pen", depth_mm=2.0, density_per_cm2=400)),
                (14.0, cs.Session(device="pen", depth_mm=0.5, density_per_cm2=100)),
            ]
        ), 90, False,
    ),
    "lattice of a stamp": (
        cs.Protocol.series(cs.Session(device="stamp", depth_mm=1.0, passes=1), sessions=2, spacing_days=21), 60, True,
    ),
    "whole wound of a punch": (
        cs.Protocol.series(cs.Session(device="punch", diameter_mm=4.0), sessions=1), 120, False,
    ),
    "aftercare that begins and ends": (
        cs.Protocol.series(
            PEN, sessions=2, spacing_days=28, start_day=3,
            aftercare=[cs.Aftercare("retinoid", 10, 30), cs.Aftercare("uv", 5, 5),
                       cs.Aftercare("platelet_rich_plasma", 31, 2)],
        ), 60, True,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def load():
    """SBML text -> a libRoadRunner with tight tolerances."""
    roadrunner = pytest.importorskip(
        "roadrunner", reason="needs libroadrunner: pip install collagensim[test]"
    )
    config = roadrunner.Config
    # Three times sooner ready; what is computed is the same.
    config.setValue(config.LLVM_BACKEND, config.LLJIT)
    config.setValue(config.LLJIT_OPTIMIZATION_LEVEL, config.NONE)

    def loaded(text, smallest):
        runner = roadrunner.RoadRunner(text)
        runner.integrator.relative_tolerance = CVODE
        runner.integrator.absolute_tolerance = smallest
        runner.integrator.maximum_num_steps = 1_000_000
        return runner

    return loaded


def difference(theirs, ours, scale):
    """Largest |theirs - ours| relative to |ours|, or to a thousandth of the variable's size where it vanishes."""
    size = max(np.abs(ours).max(), scale)
    return (np.abs(theirs - ours) / (np.abs(ours) + 1e-3 * size)).max() if size else np.abs(theirs).max()


def course_columns(response, model):
    """Identifier in SBML -> (values over time, scale), for every state and derived quantity of every block."""
    found = {}
    scales = {s.name: s.scale or 0.0 for s in model.species}
    for part, data in (("zone", response.zone), ("between", response.between)):
        for name, values in data.data_vars.items():
            layered = "layer" in values.dims
            for layer in LAYERS if layered else LAYERS[:1]:
                column = values.sel(layer=layer).values if layered else values.values
                found[f"{name}__{layer}_{part}"] = column, scales.get(name, 0.0)
    return found


def largest_difference(load, model, protocol, days, ageing):
    """Largest difference of any variable of any block, its name, and how many were compared."""
    # Days of events are left out: there one side reports before and the other after.
    events = {*protocol.days, *(day for day, _ in protocol.care_changes())}
    grid = [float(day) for day in range(days + 1) if day not in events]
    ours = cs.simulate(SKIN, protocol, days=days, ageing=ageing, output_days=grid, rtol=OURS, model=model)
    runner = load(cs.write.sbml(model, skin=SKIN, protocol=protocol, days=days, ageing=ageing), 1e-14)
    columns = course_columns(ours, model)
    runner.timeCourseSelections = list(columns)
    times = sorted({0.0, *grid})
    rows = np.array(runner.simulate(times=times))[[times.index(day) for day in grid]]
    return max(
        (difference(row, *column), name) for row, (name, column) in zip(rows.T, columns.items(), strict=True)
    ), len(columns)


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROTOCOLS)
def test_an_exported_course_runs_elsewhere_to_the_same_result(load, kind):
    model = cs.dermal_healing()
    (worst, name), compared = largest_difference(load, model, *PROTOCOLS[kind])
    deep = [s for s in model.species if s.kind != "surface"]
    assert compared > 2 * len(LAYERS) * len(deep)
    assert worst < AGREED, name


@pytest.mark.parametrize(
    ("model", "until", "inputs"),
    [
        (robertson(), 1e5, None),
        (reynolds_2006(), 200.0, None),
        (waugh_sherratt_2006(), 60.0, None),
        (adler_2020(), 200.0, {"inflammation": 5e4}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_an_exported_small_model_runs_elsewhere_to_the_same_result(load, model, until, inputs):
    times = np.linspace(0.0, until, 41)
    ours = cs.solve(model, until=until, times=times, rtol=OURS, inputs=inputs)
    runner = load(cs.write.sbml(model, inputs=inputs), 1e-15)
    runner.timeCourseSelections = list(model.species_names)
    rows = np.array(runner.simulate(times=list(times)))
    for row, species in zip(rows.T, model.species, strict=True):
        assert difference(row, ours.data[species.name].values, species.scale or 0.0) < AGREED, species.name


def one_block_inputs():
    model = cs.dermal_healing()
    given = {name: float(np.ravel(value)[0]) for name, value in SKIN.inputs().items() if name in model.inputs}
    return model, {**given, "skin.ageing": 0.0}


def test_the_exported_basal_formulas_hold_the_resting_state(load):
    model, inputs = one_block_inputs()
    runner = load(cs.write.sbml(model, inputs=inputs), 1e-15)
    runner.timeCourseSelections = list(model.species_names)
    rows = np.array(runner.simulate(0.0, 3650.0, 11))
    for row, species in zip(rows.T, model.species, strict=True):
        # Rest is stable, so rounding of 1e-16 a day does not grow.
        assert np.abs(row - row[0]).max() <= 1e-10 * max(abs(row[0]), species.scale or 0.0), species.name


def test_antimony_text_runs_to_the_same_result_within_its_fifteen_digits(load):
    antimony = pytest.importorskip("antimony", reason="needs antimony: pip install collagensim[sbml]")
    model, inputs = one_block_inputs()
    changed = {**inputs, "skin.ageing": 1.0}
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(cs.write.antimony(model, inputs=changed)) >= 0, antimony.getLastError()
    back = antimony.getSBMLString(antimony.getMainModuleName())
    rows = []
    for text in (cs.write.sbml(model, inputs=changed), back):
        runner = load(text, 1e-14)
        runner.timeCourseSelections = list(model.species_names)
        rows.append(np.array(runner.simulate(0.0, 365.0, 6)))
    for one, two, species in zip(*(r.T for r in rows), model.species, strict=True):
        assert difference(two, one, species.scale or 0.0) < AGREED, species.name


def random_model(rng):
    """Every parameter somewhere in its declared range."""
    model = cs.dermal_healing()
    known = (model.parameter(name) for name in model.values)
    return model.with_parameters({p.name: float(rng.uniform(p.low, p.high)) for p in known})


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_random_parameters_run_elsewhere_to_the_same_result(load, seed):
    """Ten sets each; of all draws about two thirds are refused, mostly as more is made at rest than is lost."""
    rng = np.random.default_rng(seed)
    protocol = cs.Protocol.series(PEN, sessions=2, spacing_days=20)
    agreed, refused, largest = 0, 0, 0.0
    while agreed < 10 and refused < 400:
        model = random_model(rng)
        try:
            cs.write.sbml(model, skin=SKIN, protocol=protocol, days=45)
        except (ModelError, InputError):
            refused += 1
            continue
        (worst, name), _ = largest_difference(load, model, protocol, 45, True)
        assert worst < AGREED, (seed, agreed + refused, name)
        agreed, largest = agreed + 1, max(largest, worst)
    print(f"seed {seed}: {agreed} agree within {largest:.1e}, {refused} refused")
    assert agreed == 10
