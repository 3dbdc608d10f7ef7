"""A model as a tissue in space reads it: other symbols, the same rates."""

import dataclasses

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.biology.cast import capillary_density, endothelial_tips, oxygen
from collagensim.errors import ModelError
from collagensim.model import (
    Architecture,
    Derived,
    Model,
    Settled,
    Species,
    as_cell,
    evaluate,
    in_space,
)
from collagensim.model.substitution import Substitution
from collagensim.solver.resting import at_rest
from collagensim.solver.tissue.rest import bound_in_space

MODEL, LIES = cs.dermal_healing(), dermal_architecture()
WITH_TIPS = dataclasses.replace(LIES, cells=(endothelial_tips,))


def bare(**changes):
    """An architecture without anything that is read otherwise in space."""
    return Architecture((), LIES.sensing_radius, **changes)


def test_a_settled_quantity_is_a_species_that_diffuses_and_rests_at_its_closed_form():
    placed = in_space(MODEL, LIES)
    species = placed.species[-1]
    assert (species.name, species.kind, species.unit) == ("oxygen", "soluble", "mmHg")
    assert "oxygen" not in {d.name for d in placed.derived}
    assert [r.name for r in placed.reactions[-2:]] == ["oxygen_is_supplied", "oxygen_is_used"]
    assert placed.transports[-1].species == species
    bound = at_rest(MODEL, cs.Skin().inputs()).bound
    known = {**bound.inputs, **bound.parameters, **bound.by_name(bound.baseline)}
    np.testing.assert_allclose(
        evaluate(species.baseline, known), evaluate(oxygen.expression.node, known), rtol=1e-14
    )


def test_every_formula_reads_what_stands_for_others():
    placed = in_space(MODEL, WITH_TIPS)
    read, stack = set(), placed.formulas()
    while stack:
        for leaf in stack.pop().symbols - read:
            read.add(leaf)
            if isinstance(leaf.declared, Derived):
                stack.append(leaf.declared.expression.node)
    assert not [leaf for leaf in read if isinstance(leaf.declared, Settled)]
    assert endothelial_tips.node not in read
    assert as_cell(endothelial_tips).node in read
    assert placed.species[-1].node in read
    changed = {s for r in placed.reactions for s in r.effect} | {j.species for j in placed.jumps}
    assert as_cell(endothelial_tips) in changed
    assert endothelial_tips not in changed


def test_its_rates_are_those_of_the_model_where_the_quantity_is_at_its_closed_form():
    rest = at_rest(MODEL, cs.Skin().inputs()).bound
    placed = in_space(MODEL, WITH_TIPS)
    bound = bound_in_space(rest, placed)
    random, (_, n_blocks, n) = np.random.default_rng(5), rest.baseline.shape
    for _ in range(20):
        size = np.maximum(rest.baseline, 0.1 * rest.scales[:, None])
        y = size * random.lognormal(0.0, 1.5, rest.baseline.shape)
        known = {**rest.inputs, **rest.parameters, **rest.by_name(y)}
        level = np.broadcast_to(evaluate(oxygen.expression.node, known), (1, n_blocks))
        expected = rest.compiled.formulas.rates(rest.parameters, rest.inputs, y, np.empty_like(y))
        wider = np.concatenate([y, level[..., None]], axis=-1)
        found = bound.compiled.formulas.rates(
            bound.parameters, bound.inputs, wider, np.empty((1, n_blocks, n + 1))
        )
        # Rates are differences of terms of like size, at most 1e3 times as large, rounded some tens of times each.
        scale = np.abs(expected).max(axis=1, keepdims=True) + 1e-300
        assert np.all(np.abs(found[..., :n] - expected) < 1e-10 * scale)
        # Of two sides, each some 1e6 mmHg a day, that cancel.
        sides = bound.parameters["oxygen_relaxation"] * 86400.0 * bound.parameters["arterial_oxygen"]
        assert np.all(np.abs(found[..., n]) < 1e-7 * sides * np.maximum(1.0, level))


def test_values_that_were_changed_stay_changed():
    changed = MODEL.with_parameters(arterial_oxygen=80.0)
    placed = in_space(changed, LIES)
    assert placed.values["arterial_oxygen"] == 80.0
    assert placed.values.items() >= changed.values.items()
    assert set(placed.values) - set(changed.values) == {"oxygen_relaxation", "oxygen_diffusion"}
    assert placed.structure_hash == in_space(MODEL, LIES).structure_hash != MODEL.structure_hash
    assert placed.hash != in_space(MODEL, LIES).hash


def test_a_model_that_is_read_as_it_is_stays_itself():
    plain = Model("plain", [as_cell(endothelial_tips)])
    assert in_space(plain, bare()) is plain
    assert in_space(plain, bare(cells=plain.species)) is plain


def test_formulas_that_read_nothing_new_stay_themselves():
    put = Substitution({endothelial_tips: as_cell(endothelial_tips)})
    assert put(capillary_density * 2.0) is (capillary_density * 2.0)
    twice = Derived("twice", 2.0 * endothelial_tips, "1/mm^2")
    weighted = Species("weighted", "1", "matrix", 1.0, weight=twice)
    assert put(twice.node).declared.expression.node is (2.0 * as_cell(endothelial_tips)).node
    assert put.placed(weighted).weight is put(twice.node)
    assert put.placed(capillary_density) is capillary_density


@pytest.mark.parametrize(
    ("model", "architecture", "sentence"),
    [
        (MODEL, bare(), "'oxygen' is settled in 'dermal_healing', but the architecture does not say how it"),
        (
            Model("plain", [capillary_density]), bare(cells=(endothelial_tips,)),
            "counts cells of 'endothelial_tips', which 'plain' lacks",
        ),
        (
            Model("plain", [capillary_density]), bare(relaxations=LIES.relaxations),
            "relaxes 'oxygen', which is not settled in 'plain'",
        ),
        (
            Model("flat", [Species("cover", "1", "surface", 1.0)]),
            bare(cells=(Species("cover", "1", "surface", 1.0),)),
            "'cover' lies on the surface: cells of a tissue are in it",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(model, architecture, sentence):
    with pytest.raises(ModelError, match=sentence):
        in_space(model, architecture)
