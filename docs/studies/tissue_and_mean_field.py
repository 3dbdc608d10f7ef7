"""One session, and two, in the tissue of single cells and in the mean field, and which term makes the difference.

``python docs/studies/tissue_and_mean_field.py > docs/tissue_and_mean_field.md`` makes the page and its two figures, in
some six minutes on two idle cores. ``--seeds 1`` is a quick look.
"""

import argparse
import dataclasses
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.model.expression import evaluate
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import Happening, MeanField, run_course
from collagensim.solver.simulate import happenings
from collagensim.solver.tissue.record import state_of
from collagensim.solver.tissue.run import simulate_tissue
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import new_senses, sense
from collagensim.solver.tissue.world import TICKS, world_of
from collagensim.treatment import injure
from collagensim.write.events import flows

PAGE = """# The tissue and the mean field

Both run the same reactions. Does the mean field, with its zone and the tissue between ([closure](closure.md)),
do justice to what single cells do in space? Where nothing depends on place it does: with fields that level at
once, numbers of cells scatter about the mean field's by their own roots, and the error falls as the number of
cells to the power of -1/2 over two decades (`tests/agreement/test_tissue_and_mean_field.py`). Around many
channels (1000/cm2) cells, vessels, signals and fibronectin go the same way and mostly lie within a quarter of
each other; macrophages stay longer in the tissue. **Collagen, to which all of them multiply, does not agree:** the
tissue makes good 0.6 to 0.8 of what the mean field does in four weeks, and where a gain is the small difference of
loss and making good, its sign may differ. Around few channels (250/cm2) all changes are small, and ratios of two
and a half are found either way.

A stamp of 1 mm, default skin, {seeds} of a block of 0.64 x 0.64 mm through the whole dermis. Channels of a
stamp stand on a lattice, so that every seed has as many; the mean field is given the shares that the seeds drew
(over those expected at 1000/cm2: killed {killed} in papillary and upper reticular dermis, struck {struck}). All
is change by needling: of the tissue, it less its twin of the same seed that nobody needled. Numbers per mm3, of
capillaries per mm2, collagen in mg/mL; mean and standard error over the seeds, and the ratio to the mean field.
0+ is right after the session.

## One session

1000 channels/cm2; beside the tissue as it is, one in which blood clots where vessels are struck and soaks nothing.

| layer | | day | mean field | tissue | ratio | clot in the tracks alone, {fewer} | ratio |
|---|---|---|---|---|---|---|---|
{table}

250 channels/cm2, {low}:

| layer | | day | mean field | tissue | ratio |
|---|---|---|---|---|---|
{sparse}

![Courses](figures/tissue_and_mean_field.png)

Mean field, tissue and standard errors, and what the zone would give were it no wider than what is killed (115 um).

## Where collagen parts company

Collagen gained and lost in 28 days [mg/mL], reaction by reaction, integrated over every voxel; 1000 channels/cm2.

| layer | term | mean field | tissue | clot in the tracks alone |
|---|---|---|---|---|
{terms}

Half of the difference or more is induced synthesis, a third and more what proteases cut: macrophages, which make
them, are half as many again in the tissue on day 7. Induced synthesis needs ED-A fibronectin, which is laid on
fibrin. Papillary dermis, step by step: the mean field; the same laws at the tissue's own means, so that only means
differ; then the one field where it lies, all else mixed; then everything where it lies. The first step is a
difference of means, the others are covariances. Means agree here; fibronectin lies unevenly, in which its answer
saturates, and the cells that lay collagen are not where most of it is.

| laid in 28 days | mean field | at the tissue's means | with that field where it lies | tissue |
|---|---|---|---|---|
{steps}

The same with the clot in the tracks alone. Both answers saturate: what lies in a third of the tissue at thrice
the concentration does less than the same amount spread evenly, and that happens twice.

| laid in 28 days | mean field | at the tissue's means | with that field where it lies | tissue |
|---|---|---|---|---|
{tracks}

Of few channels, 250/cm2:

| laid in 28 days | mean field | at the tissue's means | with that field where it lies | tissue |
|---|---|---|---|---|
{spread}

What differs in means is when things happen. On the first two days fewer neutrophils come than the tissue's own means
would call, and fewer monocytes, which feel the dying ones around them, of which there mostly are several or none; so
PDGF, fibroblasts and sprouts lag by some hours. What is not cleared early calls for longer: on day 2 half as many
monocytes again come as in the mean field, and macrophages stay. Papillary dermis, 1000 channels/cm2:

| | day | mean field | at the tissue's means | dead tissue where it lies | dying neutrophils where they lie | tissue |
|---|---|---|---|---|---|---|
{chain}

![Maps](figures/tissue_maps.png)

Seen from above, averaged over the depth of the papillary dermis, 0.64 mm wide, first seed.

## What was wrong, and what was not

- **The tissue kept blood where vessels are struck.** Plasma that leaves vessels clots in the tissue around
  (Dvorak et al. 1995, *Am J Pathol* 146:1029), cells of the surrounding dermis make fibronectin with ED-A on
  the second day (Brown et al. 1993, *Am J Pathol* 142:793), vessels answer to half a millimetre from the margin
  (Clark et al. 1982, *J Invest Dermatol* 79:269), and after fractional laser a chaperone of collagen is raised
  around the columns for months (Xu and others, human skin); abstracts read, the first three of animals, none
  about needles. So the clot now soaks the tissue beside a channel ([how far](tissue.md#7-submodels)); the
  distance comes from fibrinogen and the clotting of blood and was not fitted to this page. It is what the mean
  field assumes when it spreads the clot over its zone.
- **The tissue was not at rest.** Fibroblasts walked out of the papillary dermis, a quarter of them in a week,
  because resting sources know nothing of walking, and so did macrophages. All of them rest now until woken. What
  macrophages that walked away cost after a session: papillary fibroblasts of day 14 had stood at 0.72 of the mean
  field's, myofibroblasts at 0.35, fibronectin of day 7 at 0.79. Twins take out what is left of chance.
- **The mean field's zone spread what does not spread.** Neutrophils and monocytes come to dead tissue and
  platelets, which lie in the channels. Where there are many channels their answer saturates there, and the
  zone's mean of them, over more tissue, calls more; where channels are few nothing saturates, answers are
  steeper than proportional, and what lies together does more than its means. The tissue was right: dead cells do
  not soak. So what a session kills is now read where it lies ([closure](closure.md); last table but one): the
  tissue's neutrophils are 0.7 to 0.9 of the mean field's, where the zone's mean gave 0.7 to 1.4; at 250
  channels/cm2 macrophages differ by two on day 3 instead of seven, signals and collagen lie nearer; papillary
  fibroblasts there lie farther, at half the mean field's. To let the vessels that are struck miss there too was
  tried: it overshoots (macrophages of day 3 at 250 channels/cm2 then differ by 4 to 13), since they would still be
  missed there when they have grown back.
- **Who meets dying neutrophils, and when, is not in it.** Nor is the tissue the last word on that: with
  macrophages that also climb towards dying neutrophils, which the shipped ones do not, these are cleared in half
  the time, fewer monocytes come, and fibronectin is halved. No figure of how far phagocytes find dying cells in
  skin is known to us.
- **A narrower zone is no remedy.** One no wider than what is killed calls too few neutrophils rather than too
  many (below) and loses the reach of fibrin, fibronectin and vessels; with it, capillaries and collagen III
  after needling miss their published clock (`tests/biology/test_healing_clock.py`). Two compartments cannot
  hold both reaches; so what lies in the tracks is read as lying there, and the rest as the zone's mean, of
  which the [limits](limits.md) tell.

What the radius of the zone does to the mean field, papillary dermis, 1000 channels/cm2:

| zone | {header} |
|---|{rule}|
{radii}

A lattice at this density leaves nothing between zones of 250 um and more.

What reading dead tissue where it lies does: the tissue over the mean field, change by needling.

| channels/cm2 | layer | dead tissue and platelets are read | {tried_header} |
|---|---|---|{tried_rule}|
{tried}

## Two sessions, 28 days apart

At a session both compartments start from the layer's mean, since new channels fall where chance puts them; the
tissue draws them. So what fibrin, fibronectin and cells the first session has left near its tracks is mixed in
the mean field and not in the tissue. For cells and fibronectin the rule does no worse on the second session
than on the first; collagen carries the first session's difference along and adds its own.

| layer | | day | mean field | tissue | ratio |
|---|---|---|---|---|---|
{again}

Made by `docs/studies/tissue_and_mean_field.py`.
"""

FIGURES = Path(__file__).resolve().parents[1] / "figures"
SKIN = cs.Skin()
# A stamp's channels stand on a lattice, so that every seed has as many of them.
DENSE, SPARSE = (
    cs.Session(device="stamp", depth_mm=1.0, density_per_cm2=density, depth_reached_mm=0.8)
    for density in (1000, 250)
)
SECOND, LAST = 28.0, 56.0
ONE, FEW = cs.Protocol([(0, DENSE)]), cs.Protocol([(0, SPARSE)])
TWO = cs.Protocol([(0, DENSE), (SECOND, DENSE)])
PIECE = {"width_mm": 0.64, "breadth_mm": 0.64}
TICK = 1.0 / TICKS
LOOKS = [TICK, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 14.0, 21.0, 28.0]
MAPS = (1.0, 3.0, 7.0, 14.0, 28.0)
LATER = [29.0, 31.0, 35.0, 42.0, 56.0]
LAYERS = ("papillary", "upper reticular")
REGAINED = "collagen_total since 0+"
SHOWN = [
    ("neutrophils", 1.0), ("macrophages", 3.0), ("macrophages", 7.0), ("fibroblasts", 7.0), ("fibroblasts", 14.0),
    ("myofibroblasts", 14.0), ("capillary_density", 14.0), ("tgf_beta_1", 3.0), ("tgf_beta_1", 7.0),
    ("cellular_fibronectin", 7.0), ("collagen_total", TICK), ("collagen_total", 14.0), ("collagen_total", 28.0),
    (REGAINED, 28.0),
]  # fmt: skip
# What a reading in two parts is judged by.
TRIED = [each for each in SHOWN if each[0] in ("neutrophils", "macrophages", "fibroblasts", REGAINED)]
AGAIN = [
    ("neutrophils", 29.0), ("fibroblasts", 35.0), ("fibroblasts", 42.0), ("cellular_fibronectin", 35.0),
    ("collagen_total", 28.0), ("collagen_total", 42.0), ("collagen_total", 56.0),
]  # fmt: skip
MAPPED = {
    "provisional_matrix": "fibrin [mg/mL]", "cellular_fibronectin": "ED-A fibronectin",
    "fibroblasts": "fibroblasts, as felt [/mm3]", "laid": "collagen laid [mg/mL/day]",
}  # fmt: skip
LAID = tuple(
    f"{who}_lay_collagen_{which}" for who in ("fibroblasts", "myofibroblasts") for which in ("i", "iii")
)
COLLAGENS = ("collagen_iii", "collagen_i", "collagen_mature")
TERMS = {
    "laid under TGF-beta, on fibronectin": lambda name: name in LAID,
    "laid as at rest, by each fibroblast": lambda name: name.startswith("basal."),
    "cut by proteases": lambda name: name.startswith("proteases_cut"),
    "turnover and ageing": lambda name: name.endswith(("turns_over", "_ages")),
}


# What calls fibroblasts, in the order in which one follows from the other: of a species, by some of its flows.
CHAIN = {
    "neutrophils that come [/mm3/day]": ("neutrophils", ("neutrophils_arrive",)),
    "monocytes that come [/mm3/day]": ("macrophages_m1", ("monocytes_arrive",)),
    "PDGF of macrophages [1/day]": ("pdgf", ("macrophages_secrete_repair_signals",)),
    "fibroblasts that come or are born [/mm3/day]": (
        "fibroblasts",
        ("fibroblasts_immigrate", "fibroblasts_divide"),
    ),
    "tips that sprout [/mm2/day]": ("endothelial_tips", ("vessels_sprout",)),
}
EARLY = (0.5, 1.0, 2.0)
# What is read where it lies while all else is mixed, by what it decides.
ONE_FIELD = {
    "collagen": ("cellular_fibronectin",), "fibronectin": ("provisional_matrix",),
    "dead tissue": ("necrotic_tissue", "debris", "platelets"), "dying cells": ("apoptotic_neutrophils",),
}  # fmt: skip


def per_flow(model, names, values):
    """What every flow adds to the species ``names`` per day, by name of the flow, of values by name."""
    known, found = {}, {}
    for flow in flows(model):
        for species in (s for s in flow.effect if s.name in names):
            rate = evaluate(flow.effect[species], values, known) * evaluate(flow.acted, values, known)
            found[flow.name] = found.get(flow.name, 0.0) + rate
    return found


def terms_of(model, values):
    """Rates of collagen by `TERMS`, and of cellular fibronectin laid [unit/day]."""
    rates = per_flow(model, COLLAGENS, values)
    found = {what: sum(r for n, r in rates.items() if belongs(n)) for what, belongs in TERMS.items()}
    laid = per_flow(model, ("cellular_fibronectin",), values)
    found["fibronectin"] = sum(rate for name, rate in laid.items() if "_lay_" in name)
    for title, (name, acts) in CHAIN.items():
        rates = per_flow(model, (name,), values)
        found[title] = sum(rates[act] for act in acts)
    return found


def shared_values(bound, inputs):
    """Parameters as numbers and inputs as given, by name; the surface is left out."""
    values = {name: float(np.ravel(value)[0]) for name, value in bound.parameters.items()}
    return {**values, **inputs, "surface.present": 0.0}


class Looking:
    """Rates in a tissue on its kept days."""

    def __init__(self, architecture, seed):
        self.world = world_of(cs.dermal_healing(), SKIN, block_of(SKIN, **PIECE), architecture, seed)
        self.senses = new_senses(self.world)

    def values(self, snapshot, tick):
        """What every voxel holds, by name; cells that act as ``acting.<name>``."""
        world, senses = self.world, self.senses
        sense(world, state_of(world, snapshot, tick), senses, 0.0)
        names = world.model.species_names
        values = shared_values(world.bound, {n: np.ravel(v) for n, v in world.inputs().items()})
        values.update(zip(names, senses.levels, strict=True))
        values.update({f"acting.{names[i]}": senses.actors[k] for k, i in enumerate(world.cells)})
        return values

    def by_layer(self, values):
        """Means over the layers that are shown."""
        block = self.world.block
        filled = np.broadcast_to(values, (block.n_voxels,)).reshape(block.shape)
        return block.by_layer(filled)[: len(LAYERS)]

    def __call__(self, snapshot, tick):
        """Rates as they are; as they would be were everything mixed; and with one field where it lies."""
        model, values = self.world.model, self.values(snapshot, tick)
        mixed = {k: self.by_layer(v) if np.ndim(v) else v for k, v in values.items()}
        layer = np.minimum(self.world.block.layer, len(LAYERS) - 1)
        spread = np.repeat(layer, int(np.prod(self.world.block.shape[1:])))
        rows = {k: v[spread] if np.ndim(v) else v for k, v in mixed.items()}
        found = {"here": {k: self.by_layer(v) for k, v in terms_of(model, values).items()}}
        found["mixed"] = {k: np.broadcast_to(v, (len(LAYERS),)) for k, v in terms_of(model, mixed).items()}
        for what, fields in ONE_FIELD.items():
            partly = terms_of(model, {**rows, **{field: values[field] for field in fields}})
            found[what] = {k: self.by_layer(v) for k, v in partly.items()}
        return found


def architecture_of(soaked):
    """The shipped architecture, or one in which the clot stays where vessels were struck."""
    shipped = dermal_architecture()
    return shipped if soaked else dataclasses.replace(shipped, soaks={})


def tissue_job(job):
    """A tissue's course: changes by (name, day), rates on the looked-at days, and maps of the first seed."""
    soaked, protocol, seed, days = job
    architecture = architecture_of(soaked)
    times = [day for day in (0.0, *LOOKS, *LATER) if day <= days]
    tissue = simulate_tissue(
        cs.dermal_healing(), architecture, SKIN, protocol, days=days, seed=seed, output_days=times,
        kept_days=LOOKS, **PIECE,
    )  # fmt: skip
    looking = Looking(architecture, seed)
    snapshots = {day: tissue.snapshot(day) for day in LOOKS}
    rates = {day: looking(found, round(day * TICKS)) for day, found in snapshots.items()}
    maps = {day: map_of(looking, snapshots[day], day) for day in MAPS} if seed == 1 else None
    return {"seed": seed, "times": times, "course": course_of(tissue, times), "rates": rates, "maps": maps}


def twin_job(seed):
    """The course of the same piece of skin that nobody needles."""
    times = [0.0, *LOOKS, *LATER]
    tissue = simulate_tissue(
        cs.dermal_healing(), dermal_architecture(), SKIN, cs.Protocol([]), days=LAST, seed=seed, output_days=times,
        kept_days=[LAST], **PIECE,
    )  # fmt: skip
    return course_of(tissue, times)


def course_of(tissue, times):
    """Variables by name, (times, layers)."""
    names = {name for name, _ in (*SHOWN, *AGAIN)} - {REGAINED} | {"provisional_matrix", "collagen_mature"}
    found = tissue.data[sorted(names)].sel(time=times, method="nearest")
    return {name: found[name].values[:, : len(LAYERS)] for name in names}


def map_of(looking, snapshot, day):
    """Fields averaged over the depth of the papillary dermis."""
    values, block = looking.values(snapshot, round(day * TICKS)), looking.world.block
    rates = per_flow(looking.world.model, COLLAGENS, values)
    values["laid"] = sum(rate for name, rate in rates.items() if name in LAID)
    return {name: values[name].reshape(block.shape)[block.layer == 0].mean(axis=0) for name in MAPPED}


@dataclasses.dataclass(frozen=True)
class Drawn:
    """An injury with the shares that tissues drew, over those expected, by layer.

    ``together`` is whether what it kills lies in the share that it kills, or is spread over the zone.
    """

    wound: object
    killed: np.ndarray
    struck: np.ndarray
    together: bool

    @property
    def layout(self):
        return self.wound.layout

    def inputs(self):
        given = dict(self.wound.inputs())
        for name, ratio in (("kill_fraction", self.killed), ("vessel_fraction", self.struck)):
            given[f"injury.{name}"] = np.minimum(given[f"injury.{name}"] * ratio, 1.0)
        killed = given["injury.kill_fraction"]
        return {**given, "injury.dead_share": np.where((killed > 0.0) & self.together, killed, 1.0)}


class Mean:
    """The mean field's course, with an injury drawn as in the tissue."""

    def __init__(self, protocol, days, killed=1.0, struck=1.0, radius_um=None, together=True):
        self.model = cs.dermal_healing()
        self.field = MeanField(
            self.model, {**SKIN.inputs(), "skin.ageing": 0.0}, Limits(), drive={"skin.ageing": 1.0}
        )
        if radius_um is not None:
            self.field.radius_um[:] = radius_um
        ratios = [np.append(np.broadcast_to(r, (len(LAYERS),)), 1.0) for r in (killed, struck)]
        plan = [
            Happening(h.day, None if h.injury is None else Drawn(h.injury, *ratios, together), h.inputs)
            for h in happenings(SKIN, protocol, float(self.field.radius_um[0]), days)
        ]
        self.times = [day for day in (*LOOKS, *LATER) if day <= days]
        self.record = run_course(self.field, plan, days, np.array(self.times))

    def each(self, day, what):
        """Mean over zone and between of what a function finds in each, by layer."""
        k = 1 + self.times.index(day) if day else 0
        stage = self.record.stage[0, k]
        found = []
        for layer in range(len(LAYERS)):
            parts = []
            for part in (0, 1):
                state = self.record.rows[0, k, layer, part]
                values = dict(zip(self.model.species_names, state, strict=True))
                acting = {f"acting.{name}": value for name, value in values.items()}
                row = {n: float(v[0, 2 * layer + part]) for n, v in self.record.inputs[stage].items()}
                parts.append(what({**shared_values(self.field.bound, row), **values, **acting}))
            share = self.record.shares[stage, 0, layer] if k else 0.0
            found.append({name: share * parts[0][name] + (1 - share) * parts[1][name] for name in parts[0]})
        return {name: np.array([each[name] for each in found]) for name in found[0]}

    def variable(self, name, day):
        """A variable's mean by layer."""
        declared = {item.name: item for item in (*self.model.species, *self.model.derived)}[name]
        return self.each(day, lambda values: {name: evaluate(declared.node, values, {})})[name]

    def change(self, name, day):
        """Change since rest, by layer."""
        return self.variable(name, day) - self.variable(name, 0.0)


def change(run, name, day):
    """What needling changed in a tissue, by layer: it less its twin that nobody needled."""
    k = run["times"].index(day)
    return run["course"][name][k] - run["twin"][name][k]


def seen(change_of, name, day):
    """A change; of collagen also that since the session has broken some."""
    if name == REGAINED:
        return change_of("collagen_total", day) - change_of("collagen_total", TICK)
    return change_of(name, day)


def integral(days, rates):
    """Trapezoids over the days that were looked at."""
    return np.trapezoid(np.array(rates), np.array(days), axis=0)


def mean_and_error(values):
    """Mean and standard error over seeds, (...)."""
    stacked = np.array(values)
    if len(stacked) == 1:
        return stacked[0], np.zeros(stacked.shape[1:])
    error = stacked.std(axis=0, ddof=1) / np.sqrt(len(stacked))
    return stacked.mean(axis=0), error


def table(shown, mean, groups, layer):
    """Rows of a layer: mean field, then of each group of tissues mean, error and ratio."""
    for name, day in shown:
        expected = seen(mean.change, name, day)[layer]
        cells = []
        for runs in groups:
            value, error = mean_and_error([seen(partial(change, run), name, day)[layer] for run in runs])
            cells += [f"{value:.3g} ± {error:.2g}", f"{value / expected:.2f}"]
        when = "0+" if day == TICK else f"{day:g}"
        yield f"| {LAYERS[layer]} | {name} | {when} | {expected:.3g} | {' | '.join(cells)} |"


def decomposition(mean, groups):
    """Collagen made and lost in 28 days by term, of the mean field and of the groups."""
    expected = {day: mean.each(day, lambda v: terms_of(mean.model, v)) for day in LOOKS}
    for layer, where in enumerate(LAYERS):
        for what in TERMS:
            cells = [f"{integral(LOOKS, [expected[d][what] for d in LOOKS])[layer]:+.2f}"]
            for runs in groups:
                found = [integral(LOOKS, [r["rates"][d]["here"][what] for d in LOOKS])[layer] for r in runs]
                cells.append(f"{np.mean(found):+.2f}")
            yield f"| {where} | {what} | {' | '.join(cells)} |"


def steps_of(mean, runs, layer):
    """From the mean field to a tissue: what is laid of collagen, and of fibronectin, in 28 days, step by step."""
    expected = {day: mean.each(day, lambda v: terms_of(mean.model, v)) for day in LOOKS}
    key = next(iter(TERMS))
    for what, term, title, field in (
        ("collagen", key, "collagen laid", "fibronectin"),
        ("fibronectin", "fibronectin", "fibronectin laid", "fibrin"),
    ):
        here = integral(LOOKS, [expected[d][term] for d in LOOKS])[layer]
        cells = [f"{here:.2f}"]
        for kind in ("mixed", what, "here"):
            found = [integral(LOOKS, [r["rates"][d][kind][term] for d in LOOKS])[layer] for r in runs]
            cells.append(f"{np.mean(found):.2f}")
        yield f"| {title} ({field}) | {' | '.join(cells)} |"


def chain_of(mean, runs, layer):
    """What calls fibroblasts in the first days, from the mean field to a tissue."""
    expected = {day: mean.each(day, lambda v: terms_of(mean.model, v)) for day in EARLY}
    for title in CHAIN:
        for day in EARLY:
            cells = [f"{expected[day][title][layer]:.3g}"]
            for kind in ("mixed", "dead tissue", "dying cells", "here"):
                cells.append(f"{np.mean([r['rates'][day][kind][title][layer] for r in runs]):.3g}")
            yield f"| {title} | {day:g} | {' | '.join(cells)} |"


def radii(shares):
    """The mean field's answer by the radius of its zone."""
    for radius in (115.0, 150.0, 250.0, 400.0):
        mean = Mean(ONE, SECOND, *shares, radius_um=radius)
        row = [seen(mean.change, name, day)[0] for name, day in SHOWN if day != TICK]
        yield f"| {radius:g} um | {' | '.join(f'{value:.3g}' for value in row)} |"


def tried(cases):
    """Ratios of tissue to mean field by what leucocytes read, for (channels, protocol, runs, shares drawn)."""
    readings = {"where it lies, as shipped": True, "as the zone's mean": False}
    for density, protocol, runs, shares in cases:
        means = {how: Mean(protocol, SECOND, *shares, together=here) for how, here in readings.items()}
        for layer, where in enumerate(LAYERS):
            for how, mean in means.items():
                cells = []
                for name, day in TRIED:
                    value, _ = mean_and_error([seen(partial(change, run), name, day)[layer] for run in runs])
                    cells.append(f"{value / seen(mean.change, name, day)[layer]:.2f}")
                yield f"| {density} | {where} | {how} | {' | '.join(cells)} |"


def shares_of(runs, session):
    """Killed and struck shares over those expected, by layer, from what a session did to old collagen and clot."""
    model, wound = cs.dermal_healing(), injure(SKIN, session)
    value = {name: p.value for name, p in model.parameters.items()}
    killed = np.mean(
        [-change(r, "collagen_mature", TICK) / r["twin"]["collagen_mature"][0] for r in runs], axis=0
    )
    clot = np.mean([r["course"]["provisional_matrix"][1] for r in runs], axis=0)
    some = slice(len(LAYERS))
    vessels = SKIN.inputs()["skin.capillary_density"][some] / value["reference_capillary_density"]
    return (
        killed / value["matrix_fragmentation"] / wound.killed_mean[some],
        clot / (value["clot_fibrin"] * vessels) / (wound.zone_fraction * wound.vessel_fraction)[some],
    )


def draw_maps(groups):
    """Fields around the channels on some days, with the clot soaking the tissue and with it in the tracks alone."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(
        2 * len(MAPPED), len(MAPS), squeeze=False, figsize=(9.5, 3.9 * len(MAPPED)), layout="constrained"
    )
    for g, (name, runs) in enumerate(groups.items()):
        maps = runs[0]["maps"]
        for k, (field, title) in enumerate(MAPPED.items()):
            row = axes[g * len(MAPPED) + k]
            shown = [each[0]["maps"][day][field] for each in groups.values() for day in MAPS]
            top = float(np.percentile(shown, 99.8))
            for ax, day in zip(row, MAPS, strict=True):
                image = ax.imshow(maps[day][field], vmin=0.0, vmax=top, cmap="magma", extent=(0, 640, 0, 640))
                ax.set(xticks=[], yticks=[])
                if k == 0:
                    ax.set_title(f"{name}\nday {day:g}" if day == MAPS[0] else f"\nday {day:g}", fontsize=9)
            row[0].set_ylabel(title, fontsize=8)
            fig.colorbar(image, ax=row, shrink=0.8)
    fig.savefig(FIGURES / "tissue_maps.png", dpi=90)


def draw_courses(mean, wide, groups):
    """Collagen, fibronectin and cells over 28 days in the mean field and the tissues."""
    import matplotlib.pyplot as plt

    shown = ["neutrophils", "fibroblasts", "cellular_fibronectin", "collagen_total"]
    fig, axes = plt.subplots(2, len(shown), figsize=(12, 5.2), layout="constrained")
    for layer, row in enumerate(axes):
        for ax, name in zip(row, shown, strict=True):
            for label, found, style in (("mean field", mean, "k-"), ("mean field, zone 115 um", wide, "k:")):
                ax.plot(
                    [0, *LOOKS], [0.0, *(found.change(name, d)[layer] for d in LOOKS)], style, label=label
                )
            for (label, runs), colour in zip(groups.items(), ("C0", "C3"), strict=True):
                values = [[change(r, name, d)[layer] for d in LOOKS] for r in runs]
                value, error = mean_and_error(values)
                ax.errorbar(LOOKS, value, error, fmt="o-", color=colour, ms=3, lw=1, label=label)
            ax.axhline(0.0, color="0.8", lw=0.8, zorder=0)
            ax.set_title(f"{name}, {LAYERS[layer]}", fontsize=9)
            ax.set_xlabel("day" if layer else "")
    axes[0, 0].legend(fontsize=7)
    fig.savefig(FIGURES / "tissue_and_mean_field.png", dpi=110)


def grouped(seeds):
    """Run the tissues: as shipped, with the clot in the tracks alone, and with fewer channels."""
    fewer = max(seeds - 1, 1)
    jobs = [(True, TWO, s + 1, LAST) for s in range(seeds)]
    jobs += [(False, ONE, s + 1, SECOND) for s in range(fewer)]
    jobs += [(True, FEW, s + 1, SECOND) for s in range(fewer)]
    with ProcessPoolExecutor(2) as pool:
        pending = pool.map(tissue_job, jobs), pool.map(twin_job, range(1, seeds + 1))
        runs, twins = (list(each) for each in pending)
    for run in runs:
        run["twin"] = twins[run["seed"] - 1]
    return {
        "tissue": runs[:seeds], "tissue, clot in the tracks alone": runs[seeds : seeds + fewer],
        "few": runs[seeds + fewer :],
    }  # fmt: skip


def page_of(found):
    """Draw the figures and return the page."""
    groups = {name: runs for name, runs in found.items() if name != "few"}
    whole, tracks, few = found.values()
    shares = shares_of([*whole, *tracks], DENSE)
    mean, narrow = Mean(ONE, SECOND, *shares), Mean(ONE, SECOND, *shares, radius_um=115.0)
    few_shares = shares_of(few, SPARSE)
    twice, sparse = Mean(TWO, LAST, *shares), Mean(FEW, SECOND, *few_shares)
    cases = ((1000, ONE, whole, shares), (250, FEW, few, few_shares))
    draw_maps(groups)
    draw_courses(mean, narrow, groups)
    return PAGE.format(
        seeds=counted(len(whole)), fewer=counted(len(tracks)), low=counted(len(few)),
        killed=" and ".join(f"{x:.2f}" for x in shares[0]), struck=" and ".join(f"{x:.2f}" for x in shares[1]),
        table="\n".join(row for layer in (0, 1) for row in table(SHOWN, mean, groups.values(), layer)),
        sparse="\n".join(row for layer in (0, 1) for row in table(SHOWN, sparse, [few], layer)),
        terms="\n".join(decomposition(mean, groups.values())),
        steps="\n".join(steps_of(mean, whole, 0)), tracks="\n".join(steps_of(mean, tracks, 0)),
        spread="\n".join(steps_of(sparse, few, 0)), chain="\n".join(chain_of(mean, whole, 0)),
        header=" | ".join(f"{name} d{day:g}" for name, day in SHOWN if day != TICK),
        rule="|".join("---" for _, day in SHOWN if day != TICK), radii="\n".join(radii(shares)),
        tried_header=" | ".join(f"{name} d{day:g}" for name, day in TRIED),
        tried_rule="|".join("---" for _ in TRIED), tried="\n".join(tried(cases)),
        again="\n".join(row for layer in (0, 1) for row in table(AGAIN, twice, [whole], layer)),
    )  # fmt: skip


def counted(number):
    """Number of seeds, in words."""
    return f"{number} seed{'' if number == 1 else 's'}"


def main():
    """Print the page."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seeds", type=int, default=3)
    print(page_of(grouped(asked.parse_args().seeds)), end="")


if __name__ == "__main__":
    main()
