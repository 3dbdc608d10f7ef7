import re
from importlib.resources import files

import numpy as np
import pytest

from collagensim.errors import InputError
from collagensim.skin import LAYERS, Skin, conditions, risks, sites
from collagensim.skin.anatomy import anatomy, conditions_table
from collagensim.skin.risks import RISKS

LAYERED = (
    "layer_thickness fibroblast_density resident_macrophage_density collagen_total collagen_iii_share elastin "
    "capillary_density oxygen fibre_alignment cross_linking papillary_character"
).split()
SCALAR = "epidermal_thickness melanin pigment_reactivity scar_tendency age".split()


def test_inputs_have_the_names_and_shapes_that_the_model_reads():
    inputs = Skin().inputs()
    shapes = {f"skin.{n}": (3,) for n in LAYERED} | {f"skin.{n}": () for n in SCALAR}
    assert {name: value.shape for name, value in inputs.items()} == shapes
    assert all(value.dtype == np.float64 for value in inputs.values())


@pytest.mark.parametrize("condition", conditions())
@pytest.mark.parametrize("site", sites())
def test_every_site_and_condition_gives_finite_positive_values_for_every_person(site, condition):
    for age in (18, 60, 100):
        for sex in ("female", "male"):
            skin = Skin(site=site, age_years=age, sex=sex, phototype=6, condition=condition)
            for name, value in skin.inputs().items():
                assert np.all(np.isfinite(value)), name
                assert np.all(value >= 0), name
                if name != "skin.papillary_character":  # 0 at the bottom by definition
                    assert np.all(value > 0), name
            for share in ("collagen_iii_share", "fibre_alignment"):
                assert np.all(skin.inputs()[f"skin.{share}"] < 1), share


def test_layers_lie_below_each_other_from_the_epidermis_to_the_bottom_of_the_dermis():
    skin = Skin(site="forehead")
    assert tuple(layer.name for layer in skin.layers) == LAYERS
    assert skin.layers[0].top_mm == pytest.approx(skin.epidermal_thickness_um / 1000)
    assert skin.layers[1].top_mm == skin.layers[0].bottom_mm
    assert skin.layers[2].top_mm == skin.layers[1].bottom_mm
    assert sum(layer.thickness_mm for layer in skin.layers) == pytest.approx(skin.dermal_thickness_mm)


def test_cheek_at_the_reference_age_has_the_measured_thickness():
    assert Skin(age_years=40).dermal_thickness_mm == pytest.approx(0.87)
    assert Skin(age_years=40, sex="male").dermal_thickness_mm == pytest.approx(1.14)


def test_dermis_loses_six_percent_of_the_young_thickness_each_decade_and_keeps_its_collagen_per_volume():
    young, old = Skin(age_years=20), Skin(age_years=70)
    assert old.dermal_thickness_mm / young.dermal_thickness_mm == pytest.approx(1 - 5 * 0.06)
    assert np.array_equal(old.inputs()["skin.collagen_total"], young.inputs()["skin.collagen_total"])


def test_papillary_capillaries_are_kept_until_sixty_and_reticular_ones_always():
    density = {age: Skin(age_years=age).inputs()["skin.capillary_density"] for age in (25, 60, 65, 80, 95)}
    assert np.array_equal(density[60], density[25])
    assert density[65][0] / density[25][0] == pytest.approx((1 + 0.67) / 2)
    assert density[80][0] / density[25][0] == pytest.approx(0.48)
    assert density[95][0] / density[25][0] == pytest.approx(0.35)
    assert np.array_equal(density[95][1:], density[25][1:])


def test_papillary_dermis_is_a_fifth_of_thin_skin_and_capped_in_thick_skin():
    thin, thick = Skin(site="periorbital"), Skin(site="back")
    assert thin.layers[0].thickness_mm == pytest.approx(0.2 * thin.dermal_thickness_mm)
    assert thick.layers[0].thickness_mm == pytest.approx(0.35)


def test_keloid_tendency_raises_the_scar_tendency_and_warns():
    skin = Skin(risks=("keloid_tendency",))
    assert skin.inputs()["skin.scar_tendency"] > Skin().inputs()["skin.scar_tendency"]
    (sentence,) = skin.warnings()
    assert sentence.startswith("keloid tendency: ")


def test_every_risk_says_why_and_who_says_so():
    for sentence in Skin(risks=risks()).warnings():
        assert re.search(r"\(\w+.* \d{4}\)$", sentence), sentence
    assert Skin().warnings() == ()


def test_darker_skin_has_more_melanin_and_reacts_more():
    values = [Skin(phototype=n).inputs() for n in range(1, 7)]
    for name in ("skin.melanin", "skin.pigment_reactivity"):
        assert np.all(np.diff([float(v[name]) for v in values]) > 0)


def test_photoaged_papillary_dermis_has_less_collagen_and_more_elastin():
    healthy, photoaged = Skin().inputs(), Skin(condition="photoaged").inputs()
    assert photoaged["skin.collagen_total"][0] < healthy["skin.collagen_total"][0]
    assert photoaged["skin.elastin"][0] > healthy["skin.elastin"][0]
    assert photoaged["skin.collagen_total"][2] == healthy["skin.collagen_total"][2]


def test_table_lists_each_figure_once_with_range_status_and_a_source_in_the_bibliography():
    known = set(
        re.findall(r"@\w+\{(\w+),", files("collagensim.skin").joinpath("sources.bib").read_text("utf-8"))
    )
    rows = Skin(condition="hypertrophic_scar", risks=("keloid_tendency",)).table()
    assert len({(row["of"], row["quantity"]) for row in rows}) == len(rows)
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"]
        assert row["source"] in known


def test_every_source_of_the_data_files_is_in_the_bibliography_and_the_other_way_round():
    text = files("collagensim.skin").joinpath("sources.bib").read_text("utf-8")
    known = re.findall(r"@\w+\{(\w+),", text)
    used = {figure.source for figure in (*anatomy().values(), *conditions_table().values())}
    in_risks = {"alster2018", "gowda2021"}  # cited by name and year in the sentences of risks.py
    assert set(known) == used | in_risks
    assert len(known) == len(set(known))
    assert all(any(who in why for who in ("Alster", "Gowda")) for why in RISKS.values())


def test_measured_figures_of_the_face_name_their_evidence_row():
    rows = [f for f in anatomy().values() if f.status == "measured" and f.quantity == "dermal_thickness"]
    assert rows
    assert all(re.match(r"S\d\d", row.evidence) for row in rows)


def test_dictionary_round_trip_keeps_the_skin():
    skin = Skin(site="back", age_years=61, sex="male", phototype=5, condition="striae", risks=["eczema"])
    assert Skin.from_dict(skin.to_dict()) == skin
    assert hash(skin) == hash(Skin.from_dict(skin.to_dict()))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"site": "dorsal hand"}, "did you mean 'dorsal_hand'"),
        ({"site": None}, "choose one of forehead"),
        ({"age_years": 4500}, "nearest valid value is 100"),
        ({"age_years": float("nan")}, "not finite"),
        ({"age_years": "45"}, "not a number"),
        ({"sex": "woman"}, "choose one of female, male"),
        ({"phototype": 0}, "nearest valid value is 1"),
        ({"phototype": 2.5}, "not a whole number"),
        ({"phototype": float("nan")}, "not finite"),
        ({"phototype": "III"}, "not a number"),
        ({"phototype": True}, "not a number"),
        ({"condition": "photo aged"}, "did you mean 'photoaged'"),
        ({"risks": "eczema"}, "not a list of names"),
        ({"risks": ["keloid"]}, "did you mean 'keloid_tendency'"),
        ({"risks": [3]}, "choose one of"),
    ],
)
def test_bad_input_gets_one_sentence_that_names_it_and_what_is_valid(bad, says):
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        Skin(**bad)
    assert "\n" not in str(caught.value)
    assert next(iter(bad)).removesuffix("s") in str(caught.value)


def test_unknown_key_of_a_saved_skin_is_named():
    with pytest.raises(InputError, match="did you mean 'age_years'"):
        Skin.from_dict({"age_year": 3})
