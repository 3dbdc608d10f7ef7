import re
import sys

import pytest

import collagensim as cs
from collagensim.biology import adler_2020, reynolds_2006, robertson, waugh_sherratt_2006
from collagensim.errors import FileError, InputError, ModelError
from collagensim.model import (
    Derived,
    Input,
    Jump,
    Model,
    Parameter,
    Reaction,
    Source,
    Species,
    exp,
    hill,
    sqrt,
)
from collagensim.model.units import unit
from collagensim.skin import LAYERS

# SWIG's classes lack a module, which Python deprecates; nothing that we can mend.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")

SKIN = cs.Skin(site="cheek", age_years=45)
PEN = cs.Session(device="pen", depth_mm=1.0, density_per_cm2=250)
COURSE = {"skin": SKIN, "protocol": cs.Protocol.series(PEN, sessions=2, spacing_days=28), "days": 60}
SMALL = [robertson(), reynolds_2006(), waugh_sherratt_2006(), adler_2020()]
VALUE_MISSING = 80702


@pytest.fixture(scope="module")
def libsbml():
    return pytest.importorskip("libsbml", reason="needs python-libsbml: pip install collagensim[sbml]")


_READ = []  # libSBML frees a document with its last reference, and what is taken from it with the document


def read(libsbml, text):
    document = libsbml.readSBMLFromString(text)
    assert document.getNumErrors() == 0, document.getErrorLog().toString()
    _READ.append(document)
    return document


def complaints(libsbml, text):
    """Numbers and words of everything that libSBML finds, all its categories switched on."""
    document = read(libsbml, text)
    for category in (
        libsbml.LIBSBML_CAT_GENERAL_CONSISTENCY, libsbml.LIBSBML_CAT_IDENTIFIER_CONSISTENCY,
        libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, libsbml.LIBSBML_CAT_MATHML_CONSISTENCY,
        libsbml.LIBSBML_CAT_SBO_CONSISTENCY, libsbml.LIBSBML_CAT_OVERDETERMINED_MODEL,
        libsbml.LIBSBML_CAT_MODELING_PRACTICE,
    ):  # fmt: skip
        document.setConsistencyChecks(category, True)
    document.checkConsistency()
    found = (document.getError(i) for i in range(document.getNumErrors()))
    return [(e.getErrorId(), e.getMessage()) for e in found]


def rate(name, value=1.0, unit="1/day"):
    return Parameter(name, value, unit, 0.0, 10.0, Source("assumed"), "assumed")


def odd_model(**extra):
    """Half exponents, exponentials, units of every kind, and a jump to a plain number."""
    level = Species("level", "signal", "soluble", 1.0, 1.0)
    width = Species("width", "um", "surface", 2.0, 1.0)
    warmth = Input("body.warmth", "1", "body", 0.5)
    k, half, spread = rate("k"), rate("half", 1.0, "signal"), rate("spread", 1.0, "um/day")
    return Model(
        "odd",
        species=[level, width],
        derived=[Derived("root", sqrt(level * half), "signal")],
        reactions=[
            Reaction("fades", k * level**1.5 / half**0.5 * exp(-warmth), {level: -1}),
            Reaction("widens", spread * hill(level, half, 2.5) * (width / Parameter(
                "unit_width", 1.0, "um", 0.0, 2.0, Source("assumed"), "assumed")) ** -0.5, {width: 1}),
        ],
        jumps=[Jump(level, 0.0)],
        **extra,
    )  # fmt: skip


@pytest.mark.parametrize("model", [*SMALL, odd_model()], ids=lambda model: model.name)
def test_libsbml_finds_nothing_to_complain_of_in_a_small_model(libsbml, model):
    assert complaints(libsbml, cs.write.sbml(model)) == []


def test_libsbml_finds_nothing_to_complain_of_in_a_whole_course(libsbml):
    assert complaints(libsbml, cs.write.sbml(cs.dermal_healing(), **COURSE)) == []


def test_a_model_alone_lacks_nothing_but_the_inputs_that_have_no_value(libsbml):
    model = cs.dermal_healing()
    open_inputs = [name for name, declared in model.inputs.items() if declared.default is None]
    found = complaints(libsbml, cs.write.sbml(model))
    assert [number for number, _ in found] == [VALUE_MISSING] * len(open_inputs)
    values = dict.fromkeys(open_inputs, 1.0)
    assert complaints(libsbml, cs.write.sbml(model, inputs=values)) == []


def test_the_check_of_units_sees_a_wrong_one(libsbml):
    right = 'id="k" name="k" value="1.0" units="unit_of_per_day"'
    text = cs.write.sbml(odd_model())
    assert right in text
    assert complaints(libsbml, text.replace(right, right.replace("per_day", "um")))


# What libSBML's base units are in ours: metre, day, gram, mmHg; the rest are numbers.
IN_OURS = {"metre": 1.0, "second": 1.0 / 86400.0, "kilogram": 1e3, "item": 1.0, "dimensionless": 1.0}
PASCALS_IN_MMHG = 133.322387415


@pytest.mark.parametrize("model", [*SMALL, odd_model(), cs.dermal_healing()], ids=lambda model: model.name)
def test_every_unit_is_defined_with_its_factor(libsbml, model):
    """LibSBML's own check compares dimensions and lets a wrong factor pass."""
    exported = read(libsbml, cs.write.sbml(model)).getModel()
    for definition in exported.getListOfUnitDefinitions():
        meant = unit(definition.getName())
        pressure = dict(meant.powers).get("[pressure]", 0)
        # A pascal is kg/m/s2: so read, it brings 1e3 g/kg and the day squared with it.
        pascal = PASCALS_IN_MMHG * 1e3 * 86400.0**2
        basic = libsbml.UnitDefinition.convertToSI(definition)
        factor = 1.0 / pascal ** float(pressure)
        for part in (basic.getUnit(i) for i in range(basic.getNumUnits())):
            kind = libsbml.UnitKind_toString(part.getKind())
            size = part.getMultiplier() * 10.0 ** part.getScale() * IN_OURS[kind]
            factor *= size ** part.getExponentAsDouble()
        assert factor == pytest.approx(meant.factor, rel=1e-9), definition.getName()


def test_text_survives_reading_and_writing_by_libsbml(libsbml):
    text = cs.write.sbml(cs.dermal_healing(), **COURSE)
    one = read(libsbml, text)
    two = read(libsbml, libsbml.writeSBMLToString(one))
    for list_of in ("Rules", "Events", "Species", "Parameters", "UnitDefinitions", "FunctionDefinitions"):
        pairs = zip(*(getattr(d.getModel(), f"getListOf{list_of}")() for d in (one, two)), strict=True)
        assert all(a.toSBML() == b.toSBML() for a, b in pairs), list_of


def test_a_half_exponent_is_read_as_the_root_of_the_absolute_value(libsbml):
    model = read(libsbml, cs.write.sbml(odd_model())).getModel()
    formulas = {
        name: libsbml.formulaToL3String(model.getAssignmentRuleByVariable(name).getMath())
        for name in ("root", "rate_of_fades", "rate_of_widens")
    }
    assert formulas["root"] == "sqrt(abs(level * half))"
    assert "sqrt(abs(level)) * level" in formulas["rate_of_fades"]
    assert "sqrt(abs(width / unit_width))" in formulas["rate_of_widens"]
    law = model.getFunctionDefinition("hill_2_5").getBody()
    half = "sqrt(abs(k)) * k^2"
    assert libsbml.formulaToL3String(law) == f"sqrt(abs(x)) * x^2 / ({half} + sqrt(abs(x)) * x^2)"


def test_the_same_arguments_give_the_same_text():
    assert cs.write.sbml(cs.dermal_healing(), **COURSE) == cs.write.sbml(cs.dermal_healing(), **COURSE)


def test_states_of_the_surface_lie_in_the_uppermost_layer_only(libsbml):
    model = read(libsbml, cs.write.sbml(cs.dermal_healing(), **COURSE)).getModel()
    surface = {s.name for s in cs.dermal_healing().species if s.kind == "surface"}
    rules = [model.getRule(i).getVariable() for i in range(model.getNumRules())]
    places = {name.split("__")[1] for name in rules if name.split("__")[0] in surface}
    assert places == {f"{LAYERS[0]}_zone", f"{LAYERS[0]}_between"}


def test_every_session_and_change_of_aftercare_is_an_event_on_its_day(libsbml):
    protocol = cs.Protocol([(2.0, PEN), (30.0, PEN)], aftercare=[cs.Aftercare("uv", 5, 5)])
    model = read(
        libsbml, cs.write.sbml(cs.dermal_healing(), skin=SKIN, protocol=protocol, days=60)
    ).getModel()
    events = [model.getEvent(i) for i in range(model.getNumEvents())]
    days = [libsbml.formulaToL3String(e.getTrigger().getMath()).split(">=")[1].split()[0] for e in events]
    assert [float(day) for day in days] == [2.0, 5.0, 10.0, 30.0]
    assert [e.getNumEventAssignments() for e in events][1:3] == [1, 1]


def test_the_export_says_where_it_comes_from(libsbml):
    changed = cs.dermal_healing().with_parameters(resting_neutrophils=3.0)
    model = read(libsbml, cs.write.sbml(changed)).getModel()
    notes = model.getNotesString()
    for words in (
        changed.hash,
        cs.__version__,
        "BSD-3-Clause",
        "not medical advice",
        "resting_neutrophils = 3.0",
    ):
        assert words in notes, words
    cited = model.getParameter("stored_fgf").getCVTerm(0)
    assert cited.getResourceURI(0) == "https://identifiers.org/pubmed:9626049"
    assert model.getCVTerm(0).getNumResources() > 10
    original = read(libsbml, cs.write.sbml(reynolds_2006())).getModel().getCVTerm(0)
    assert original.getResourceURI(0) == "https://identifiers.org/biomodels.db:BIOMD0000000714"


def test_every_parameter_and_species_of_the_model_is_exported_with_its_value(libsbml):
    model = cs.dermal_healing()
    exported = read(libsbml, cs.write.sbml(model)).getModel()
    for name, value in model.values.items():
        assert exported.getParameter(name).getValue() == value
    for species in model.species:
        assert exported.getRateRuleByVariable(species.name) is not None


def test_a_file_holds_the_text_that_is_returned(tmp_path):
    path = tmp_path / "robertson.xml"
    assert cs.write.sbml(robertson(), path) == path.read_text(encoding="utf-8")
    path = tmp_path / "robertson.ant"
    pytest.importorskip("antimony", reason="needs antimony: pip install collagensim[sbml]")
    assert cs.write.antimony(robertson(), path) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "robertson"}, "is not a Model"),
        ({"inputs": {"inflamation": 1.0}}, "reads no input 'inflamation'; did you mean 'inflammation'?"),
        ({"inputs": {"inflammation": "much"}}, "'much' is not a number"),
        ({"inputs": [1.0]}, "inputs [1.0] are not names with their values"),
        ({"inputs": {"inflammation": 1.0}, "skin": SKIN}, "a course takes them from skin and protocol"),
        ({"path": 7}, "path 7 is no file name"),
        ({"skin": "cheek"}, "is not a Skin"),
        ({"protocol": cs.Protocol.none()}, "a course needs a skin"),
        ({"skin": SKIN, "days": -1.0}, "days -1 days is outside"),
        ({"skin": SKIN}, "adler_2020"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_told_in_a_sentence(arguments, words):
    with pytest.raises(InputError, match=re.escape(words)):
        cs.write.sbml(**{"model": adler_2020(), **arguments})


def test_a_file_that_cannot_be_written_is_told_in_a_sentence(tmp_path):
    with pytest.raises(FileError, match=r"cannot write .*missing"):
        cs.write.sbml(robertson(), tmp_path / "missing" / "robertson.xml")


def test_two_names_that_sbml_could_not_tell_apart_are_refused():
    model = odd_model(
        parameters=[Parameter("body_warmth", 1.0, "1", 0.0, 1.0, Source("assumed"), "assumed", inert=True)]
    )
    with pytest.raises(ModelError, match="'body_warmth' in SBML"):
        cs.write.sbml(model)


def test_antimony_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "antimony", None)
    with pytest.raises(InputError, match=r'pip install "collagensim\[sbml\]"'):
        cs.write.antimony(robertson())
