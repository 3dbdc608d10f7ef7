"""A system as the text of an SBML Level 3 Version 2 document."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from collagensim.errors import ModelError
from collagensim.model import Derived, Expression, Input, Parameter, Source, Species
from collagensim.model.expression import add, as_node, multiply, text
from collagensim.model.units import Unit, unit
from collagensim.write.sbml_notes import about_model, about_parameter, described_by
from collagensim.write.sbml_system import Block, Event, Placed, System, balances, derived_of
from collagensim.write.sbml_text import Mathematics, Units, apply, element, listed, number, plain_id

_CORE = "http://www.sbml.org/sbml/level3/version2/core"
_VOLUME = unit("mm^3")
# Terms of the Systems Biology Ontology: framework, entities, place, quantities.
_CONTINUOUS, _CELL, _MOLECULE, _PLACE = "SBO:0000062", "SBO:0000240", "SBO:0000245", "SBO:0000290"
_QUANTITY, _RATE = "SBO:0000002", "SBO:0000612"


def document(system: System) -> str:
    """Return the text of a system as SBML."""
    return _Document(system).text()


def substance(species: Species) -> tuple[Unit, bool] | None:
    """Return the substance unit of a state that is a species, and whether its value is an amount.

    Cells, soluble species and weighed matrix are species, in amounts or per volume; None for a state that is a
    coordinate: a share, a length, a density per area.
    """
    of = unit(species.unit)
    bases = dict(of.powers)
    length = bases.pop("[length]", 0)
    if not length and set(bases) <= {"[signal]"}:
        return (of, True) if species.kind in ("cell", "soluble") else None
    if set(bases) <= {"[cell]", "[molecule]", "[mass]"} and list(bases.values()) == [1] and length in (0, -3):
        return (of, True) if length == 0 else (of * _VOLUME, False)
    return None


class _Document:
    """One document in the making: its lists fill as blocks and events are written."""

    def __init__(self, system: System) -> None:
        self.system, self.model = system, system.model
        self.units = Units()
        self.laws: dict[tuple[str, float], str] = {}
        self.balances = {
            flag: balances(self.model, has_surface=flag) for flag in {b.has_surface for b in system.blocks}
        }
        self.owner: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {
            "Compartments": [], "Species": [], "Parameters": [], "InitialAssignments": [], "Rules": [], "Events": [],
        }  # fmt: skip
        self.changing = {
            name
            for event in system.events
            for name in (
                *(self._input_id(*key) for key in event.inputs),
                *(self._link_id(k) for k in event.links),
                *(_share_id(block) for block in event.shares),
            )
        }

    def text(self) -> str:
        """Return the whole document."""
        title = self.system.title
        top = [about_model(self.model, "model", title, self.system.remarks)]
        model_id = self._claim(plain_id(self.model.name), "the model")
        time = self.units.of_text(self.model.time_unit)
        volume = self.units.name(_VOLUME)
        self._shared_parameters()
        for block in self.system.blocks:
            self._block(block)
        for i, event in enumerate(self.system.events, 1):
            self._event(i, event)
        mathematics = Mathematics(self.units, str, self.laws)
        for name in self.laws.values():
            self._claim(name, f"function {name!r}")
        top += [mathematics.functions(), self.units.definitions()]
        top += [listed(f"listOf{name}", items) for name, items in self.lists.items()]
        model = element(
            "model", *(f"\n{part}" for part in top), id=model_id, metaid="model", name=title,
            sboTerm=_CONTINUOUS, timeUnits=time, extentUnits="dimensionless",
            substanceUnits="dimensionless", volumeUnits=volume,
        )  # fmt: skip
        sbml = element("sbml", f"\n{model}\n", xmlns=_CORE, **{"xmlns:sbml": _CORE}, level="3", version="2")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{sbml}\n'

    def _claim(self, name: str, owner: str) -> str:
        """Return an identifier after making sure that nothing else has it."""
        if name in self.owner:
            raise ModelError(
                f"{self.owner[name]} and {owner} would both be {name!r} in SBML: give one another name"
            )
        self.owner[name] = owner
        return name

    def _input_id(self, block: str, name: str) -> str:
        return plain_id(name) + (f"__{block}" if block else "")

    def _link_id(self, position: int) -> str:
        link = self.system.links[position]
        return f"exchange_of_{link.to.species.name}__{link.source.block}__to__{link.to.block}"

    def _reference(self, block: str) -> Callable[[Any], str]:
        """Return how a symbol is named by formulas of a block."""

        def name_of(declared: Any) -> str:
            if isinstance(declared, Placed):
                return self._input_id(declared.block, declared.species.name)
            everywhere = isinstance(declared, Parameter) or getattr(declared, "place", "") == "body"
            return self._input_id("" if everywhere else block, declared.name)

        return name_of

    def _mathematics(self, block: str) -> Mathematics:
        """Return the formulas of a block; there each application of a law is a quantity with a name.

        So it is computed once, and libSBML, which confuses the units of two calls in one formula, can check it.
        """
        known: dict[Expression, str] = {}

        def name_of(law: Expression) -> str:
            if law not in known:
                name = known[law] = self._input_id(block, self._numbered(f"{law.op}_of_{_first(law)}", block))
                self._parameter(name, law.unit, None, _short(text(law)), varies=True)
                self._rule("assignmentRule", name, mathematics.whole(mathematics.call(law)))
            return known[law]

        mathematics = Mathematics(self.units, self._reference(block), self.laws, name_of)
        return mathematics

    def _numbered(self, wanted: str, block: str) -> str:
        """Return ``wanted`` or its first numbered variant that is free in a block."""
        numbers = itertools.count(1)
        name = f"{wanted}_{next(numbers)}"
        while self._input_id(block, name) in self.owner:
            name = f"{wanted}_{next(numbers)}"
        return name

    def _parameter(
        self, name: str, units: Unit, value: float | None, title: str = "", *,
        varies: bool = False, about: str = "", sbo: str = _QUANTITY,
    ) -> None:  # fmt: skip
        identifier = self._claim(name, f"parameter {name!r}")
        self.lists["Parameters"].append(
            element(
                "parameter", *([about] if about else []), metaid=f"meta_{identifier}" if about else None,
                id=identifier, name=title or None, value=None if value is None else float(value),
                units=self.units.name(units), constant=not (varies or name in self.changing), sboTerm=sbo,
            )
        )  # fmt: skip

    def _shared_parameters(self) -> None:
        for name in self.model.values:
            parameter = self.model.parameter(name)
            about = about_parameter(parameter, f"meta_{plain_id(name)}")
            self._parameter(plain_id(name), unit(parameter.unit), parameter.value, name, about=about)
        for name, value in self.system.body.items():
            self._input(self.model.inputs[name], "", value)
        for position, link in enumerate(self.system.links):
            title = f"passage of {link.to.species.name} between blocks"
            self._parameter(self._link_id(position), unit("1/day"), link.rate, title)

    def _input(self, declared: Input, block: str, value: float | None) -> None:
        self._parameter(
            self._input_id(block, declared.name), unit(declared.unit), value, declared.description
        )

    def _block(self, block: Block) -> None:
        model, mathematics = self.model, self._mathematics(block.name)
        place = self._claim(block.name or "tissue", "a block")
        self.lists["Compartments"].append(
            element(
                "compartment", id=place, name=block.title, spatialDimensions=3, size=1.0,
                units=self.units.name(_VOLUME), constant=True, sboTerm=_PLACE,
            )
        )  # fmt: skip
        if block.name in self.system.shares:
            share = self.system.shares[block.name]
            self._parameter(_share_id(block.name), unit("1"), share, f"volume share of {block.title}")
        for name, value in block.inputs.items():
            self._input(model.inputs[name], block.name, value)
        found = self.balances[block.has_surface]
        self._basal(block, mathematics)
        for derived in derived_of(model, has_surface=block.has_surface):
            self._derived(derived, block, mathematics, _QUANTITY, [])
        for flow, reaction in found.flows.items():
            sources = [] if reaction.source is None else [reaction.source]
            self._derived(flow, block, mathematics, _RATE, sources)
        for species, rate in found.rates.items():
            self._state(species, block, mathematics)
            total = add(rate, self._passage(species, block.name))
            self._rule("rateRule", self._input_id(block.name, species.name), mathematics.math(total))

    def _basal(self, block: Block, mathematics: Mathematics) -> None:
        for species, (carrier, formula) in self.balances[block.has_surface].basal.items():
            name = self._input_id(block.name, carrier.name)
            value = block.basal.get(species.name)
            self._parameter(name, carrier.node.unit, value, f"basal source of {species.name}, solved at rest")
            if value is None:
                self._assign(name, mathematics.math(formula))

    def _derived(
        self, derived: Derived, block: Block, mathematics: Mathematics, sbo: str, sources: list[Source]
    ) -> None:
        name = self._input_id(block.name, derived.name)
        about = described_by(f"meta_{name}", sources)
        self._parameter(
            name, unit(derived.unit), None, derived.description, varies=True, about=about, sbo=sbo
        )
        self._rule("assignmentRule", name, mathematics.math(derived.expression.node))

    def _rule(self, kind: str, name: str, math: str) -> None:
        self.lists["Rules"].append(element(kind, math, variable=name))

    def _assign(self, name: str, math: str) -> None:
        self.lists["InitialAssignments"].append(element("initialAssignment", math, symbol=name))

    def _state(self, species: Species, block: Block, mathematics: Mathematics) -> None:
        name = self._input_id(block.name, species.name)
        baseline = as_node(species.baseline)
        start = block.initial.get(species.name, baseline.value if baseline.op == "const" else None)
        as_substance = substance(species)
        if as_substance is None:
            self._parameter(name, unit(species.unit), start, species.description, varies=True)
        else:
            of, is_amount = as_substance
            self.lists["Species"].append(
                element(
                    "species", id=self._claim(name, f"state {name!r}"), name=species.description or None,
                    compartment=block.name or "tissue", substanceUnits=self.units.name(of),
                    hasOnlySubstanceUnits=is_amount, boundaryCondition=False, constant=False,
                    sboTerm=_CELL if species.kind == "cell" else _MOLECULE,
                    **{"initialAmount" if is_amount else "initialConcentration": start},
                )
            )  # fmt: skip
        if start is None:
            self._assign(name, mathematics.math(baseline))

    def _passage(self, species: Species, block: str) -> Expression:
        """Return what the links bring to a state of a block."""
        total = as_node(0.0)
        for position, link in enumerate(self.system.links):
            if link.to == Placed(species, block):
                rate = Input(self._link_id(position), "1/day", "body")
                total = add(total, multiply(rate, link.source - link.to))
        return total

    def _event(self, i: int, event: Event) -> None:
        mathematics = Mathematics(self.units, self._reference(""), self.laws)
        changes = [(self._reference("")(state), mathematics.math(new)) for state, new in event.states.items()]
        numbers = [
            (self._input_id(*key), self.model.inputs[key[1]].unit, v) for key, v in event.inputs.items()
        ]
        numbers += [(self._link_id(k), "1/day", value) for k, value in event.links.items()]
        numbers += [(_share_id(block), "1", value) for block, value in event.shares.items()]
        changes += [(name, mathematics.whole(number(v, self.units.of_text(u)))) for name, u, v in numbers]
        day = number(event.day, self.units.of_text(self.model.time_unit))
        clock = element(
            "csymbol", "time", encoding="text", definitionURL="http://www.sbml.org/sbml/symbols/time"
        )
        # Not true before the start: so an event on day 0 happens.
        trigger = element(
            "trigger", mathematics.whole(apply("geq", clock, day)), initialValue=False, persistent=True
        )
        assigned = [element("eventAssignment", math, variable=name) for name, math in changes]
        self.lists["Events"].append(
            element(
                "event", trigger, "\n", listed("listOfEventAssignments", assigned),
                id=self._claim(f"event_{i}", f"event {i}"), name=event.title, useValuesFromTriggerTime=True,
            )
        )  # fmt: skip


def _first(node: Expression) -> str:
    """Return the name that a formula mentions first."""
    while node.args:
        node = next((arg for arg in node.args if arg.symbols), node.args[0])
    return plain_id(node.name) if node.op == "symbol" else "number"


def _short(title: str) -> str:
    """Return a formula's text as a title, unless it is too long for one."""
    return title if len(title) < 90 else ""


def _share_id(block: str) -> str:
    return f"volume_share__{block}"
