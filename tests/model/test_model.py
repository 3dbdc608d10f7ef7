import dataclasses

import pytest

from collagensim.errors import ModelError
from collagensim.model import (
    Basal,
    Derived,
    Input,
    Jump,
    Model,
    Parameter,
    Reaction,
    Source,
    Species,
    Transport,
    hill,
)

SOURCE = Source("assumed")
LOSS = Parameter("loss", 0.5, "1/day", 0.1, 2.0, SOURCE, "assumed")
SECRETION = Parameter("secretion", 1e-3, "signal*mm^3/cell/day", 0.0, 1.0, SOURCE, "assumed")
SPREADING = Parameter("spreading", 10.0, "um^2/second", 0.0, 100.0, SOURCE, "assumed")
CELLS = Species("cells", "cell/mm^3", "cell", 100.0)
SIGNAL = Species("tgf", "signal", "soluble", 1.0)
DECAY = Reaction("signal_decay", LOSS * SIGNAL, {SIGNAL: -1})
SECRETE = Reaction("signal_secretion", SECRETION, {SIGNAL: 1}, actor=CELLS)


def model(**changes):
    parts = {"species": [CELLS, SIGNAL], "reactions": [DECAY, SECRETE]}
    return Model("example", **{**parts, **changes})


def test_parameters_are_collected_from_the_formulas():
    assert model().values == {"loss": 0.5, "secretion": 1e-3}


def test_a_reaction_in_the_wrong_unit_is_refused_in_one_sentence():
    wrong = Reaction("secretion_of_cells", LOSS * CELLS, {SIGNAL: 1})
    with pytest.raises(
        ModelError, match="'secretion_of_cells' changes tgf in cell/mm\\^3/day, needs signal/day"
    ):
        model(reactions=[wrong])


def test_hours_in_a_daily_model_are_refused():
    hourly = dataclasses.replace(LOSS, name="hourly_loss", unit="1/hour")
    with pytest.raises(ModelError, match="needs signal/day"):
        model(reactions=[Reaction("fast_decay", hourly * SIGNAL, {SIGNAL: -1})])


def test_an_unknown_parameter_answers_with_the_nearest_and_its_unit():
    with pytest.raises(
        ModelError,
        match="no parameter 'secretoin'; did you mean 'secretion'\\? \\[signal\\*mm\\^3/cell/day\\]",
    ):
        model().with_parameters(secretoin=1.0)


def test_with_parameters_gives_a_new_model_and_leaves_the_old():
    old = model()
    new = old.with_parameters(loss=0.7)
    assert (old.values["loss"], new.values["loss"]) == (0.5, 0.7)
    assert old.structure_hash == new.structure_hash
    assert old.hash != new.hash
    assert new.changed == {"loss": 0.7}


@pytest.mark.parametrize("value", [5.0, float("nan"), "0.5", True, None])
def test_a_parameter_outside_its_range_or_no_number_is_refused(value):
    with pytest.raises(ModelError, match="loss"):
        model().with_parameters(loss=value)


def test_a_coefficient_that_reads_the_state_is_refused():
    with pytest.raises(ModelError, match="may read parameters and inputs only"):
        model(reactions=[Reaction("odd", LOSS * SIGNAL, {SIGNAL: -1.0 * hill(SIGNAL, SIGNAL, 1)})])


def test_a_parameter_that_nothing_reads_must_be_declared_inert():
    idle = dataclasses.replace(LOSS, name="idle")
    with pytest.raises(ModelError, match="'idle' is read by no formula"):
        model(parameters=[idle])
    assert "idle" in model(parameters=[dataclasses.replace(idle, inert=True)]).values


def test_names_are_declared_once():
    with pytest.raises(ModelError, match="species 'cells' is declared twice"):
        model(species=[CELLS, SIGNAL, CELLS])
    other = dataclasses.replace(LOSS, value=0.6)
    with pytest.raises(ModelError, match="parameter 'loss' is declared twice"):
        model(reactions=[DECAY, Reaction("again", other * SIGNAL, {SIGNAL: -1})])


def test_a_species_of_another_model_is_refused():
    stranger = Species("stranger", "signal", "soluble", 1.0)
    with pytest.raises(ModelError, match="reads 'stranger'"):
        model(reactions=[Reaction("odd", LOSS * stranger, {SIGNAL: 1})])


def test_a_resting_zero_needs_a_scale():
    with pytest.raises(ModelError, match="rests at 0: give scale"):
        Species("platelets", "1", "matrix", 0.0)


def test_derived_and_jump_check_their_units():
    with pytest.raises(ModelError, match="derived 'total' is in signal, needs 1"):
        Derived("total", SIGNAL + SIGNAL, "1")
    kill = Input("injury.kill_fraction", "1", "layer", 0.0)
    with pytest.raises(ModelError, match="jump of 'tgf' is in cell/mm\\^3, needs signal"):
        Jump(SIGNAL, CELLS * (1.0 - kill))


def test_transport_needs_a_diffusion_and_a_clearance():
    with pytest.raises(ModelError, match="diffusion 'loss' is in 1/day, needs an area per time"):
        Transport(SIGNAL, LOSS, LOSS)
    assert model(transports=[Transport(SIGNAL, SPREADING, LOSS)]).values["spreading"] == 10.0


def test_a_basal_factor_has_no_unit():
    with pytest.raises(ModelError, match="factor is in signal, needs 1"):
        model(basals=[Basal(SIGNAL, factor=SIGNAL)])


@pytest.mark.parametrize("name", ["TGF", "tgf beta", "1st", "", None])
def test_names_are_lower_case_words(name):
    with pytest.raises(ModelError, match="lower-case words"):
        Species(name, "1", "cell", 1.0)
