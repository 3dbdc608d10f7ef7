import re

import pytest

import collagensim as cs
from collagensim.biology import robertson
from collagensim.write import parameter_table, reaction_table, species_table


def test_every_species_has_a_balance_and_every_reaction_a_rate():
    model = cs.dermal_healing()
    text = cs.write.latex(model)
    assert text.count(r"\frac{d ") == len(model.species)
    assert len(re.findall(r"^v_\{\d+\} &=", text, flags=re.M)) == len(model.reactions)


def test_braces_balance():
    text = cs.write.latex(cs.dermal_healing()).replace(r"\{", "").replace(r"\}", "")
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0


def test_the_tables_have_a_row_for_everything():
    model = cs.dermal_healing()
    assert [row["name"] for row in parameter_table(model)] == list(model.values)
    assert len(species_table(model)) == len(model.species)
    assert len(reaction_table(model)) == len(model.reactions)


@pytest.mark.parametrize("column", ["value", "unit", "low", "high", "status", "source", "description"])
def test_every_parameter_of_the_biology_states_its(column):
    assert all(str(row[column]) for row in parameter_table(cs.dermal_healing()))


def test_robertson_reads_as_in_the_textbook():
    text = cs.write.latex(robertson())
    assert text.startswith(r"\begin{align*}")
    assert text.count("v_{1}") == 3  # defined once, used in two balances
