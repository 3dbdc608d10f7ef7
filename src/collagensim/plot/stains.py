"""The colours in which a section is drawn: what each stain shows, and of what it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# What drawn shapes are.
COLLAGEN, ELASTIC_FIBRE, CLOTTED_FIBRIN = "collagen", "elastic fibre", "fibrin"
CUT_VESSEL, ALONG_VESSEL = "vessel cut across", "vessel lengthwise"


@dataclass(frozen=True)
class Stain:
    """Colours of one stain.

    Attributes
    ----------
    title : its name; says : what its colours mean, for the caption.
    air, ground : beside the tissue and between its fibres.
    collagen_i, collagen_new, collagen_iii : (light, dark) ends between which bundles vary.
    epidermis, corneum, keratinocyte : living epidermis, its horny layer, the borders of its cells.
    nucleus, cytoplasm, fibrin, vessel, blood, elastic : of the rest; an elastic of None is not seen.
    ink : of lines and words on the tissue.
    tube : of vessels along which the section runs; with None they are seen where a cut meets them alone.
    polarised : whether light passes only where bundles turn it; nuclei are then not seen.
    key : words and colours for the legend, and what of `Shapes` each stands for.
    """

    title: str
    says: str
    air: str
    ground: str
    collagen_i: tuple[str, str]
    collagen_new: tuple[str, str]
    collagen_iii: tuple[str, str]
    epidermis: str
    keratinocyte: str
    corneum: str
    nucleus: str
    cytoplasm: str
    fibrin: str
    vessel: str
    blood: str
    elastic: str | None = None
    ink: str = "#1a1a1a"
    tube: str | None = None
    polarised: bool = False
    key: tuple[tuple[str, str, str], ...] = ()


STAINS: Mapping[str, Stain] = MappingProxyType(
    {
        "masson": Stain(
            "Masson's trichrome", "collagen blue; epidermis, cytoplasm and fibrin red; nuclei dark",
            air="#fbfaf8", ground="#e6ebf5", collagen_i=("#a6bde4", "#4d74b9"), collagen_new=("#c3d3ee", "#7f9fd4"),
            collagen_iii=("#c6d6ee", "#86a6d6"), epidermis="#bf5f7b", keratinocyte="#d894a6", corneum="#b8304a",
            nucleus="#35203f", cytoplasm="#cf7f97", fibrin="#d8646a", vessel="#b8486a", blood="#e0622f",
            key=(
                ("collagen", "#6f93cf", COLLAGEN), ("fibrin", "#d8646a", CLOTTED_FIBRIN),
                ("capillary", "#e0622f", CUT_VESSEL),
            ),
        ),
        "picrosirius": Stain(
            "picrosirius red, polarised light",
            "collagen I red to orange, new collagen I yellow, collagen III green; all else dark",
            air="#000000", ground="#050404", collagen_i=("#ff8a2b", "#c8200f"), collagen_new=("#ffd23f", "#f0962a"),
            collagen_iii=("#8fe05a", "#2f9a3c"), epidermis="#130b07", keratinocyte="#1d120b", corneum="#2a1a0e",
            nucleus="#080606", cytoplasm="#0e0908", fibrin="#1c1208", vessel="#0c0807", blood="#1a0d06",
            ink="#f2f2f2", polarised=True,
            key=(
                ("collagen I", "#e2501d", COLLAGEN), ("new collagen I", "#f6b535", COLLAGEN),
                ("collagen III", "#5fb84b", COLLAGEN),
            ),
        ),
        "vvg": Stain(
            "Verhoeff-Van Gieson", "elastic fibres black; collagen red; everything else yellow",
            air="#fbfaf6", ground="#f6ecd9", collagen_i=("#e58a9a", "#c03a58"), collagen_new=("#edaab2", "#d5687c"),
            collagen_iii=("#eeb0b6", "#d87488"), epidermis="#d3a94e", keratinocyte="#e4c67e", corneum="#c08a2c",
            nucleus="#3d2d28", cytoplasm="#d8b25c", fibrin="#d9a63a", vessel="#c99a44", blood="#e0b84c",
            elastic="#15101a",
            key=(
                ("collagen", "#d25f78", COLLAGEN), ("elastic fibre", "#15101a", ELASTIC_FIBRE),
                ("fibrin", "#d9a63a", CLOTTED_FIBRIN), ("capillary", "#e0b84c", CUT_VESSEL),
            ),
        ),
        "cd31": Stain(
            "CD31 with haematoxylin", "vessels brown; nuclei pale blue",
            air="#fbfafa", ground="#f5f2f3", collagen_i=("#efe9ec", "#ddd3da"), collagen_new=("#f2edf0", "#e5dde3"),
            collagen_iii=("#f2edf0", "#e5dde3"), epidermis="#d7d3e6", keratinocyte="#e7e4f0", corneum="#e6dccf",
            nucleus="#7683bb", cytoplasm="#e3dfec", fibrin="#eee0d8", vessel="#7a3b12", blood="#dcbfa6",
            tube="#c49a78",
            key=(
                ("vessel lengthwise", "#c49a78", ALONG_VESSEL), ("vessel cut across", "#7a3b12", CUT_VESSEL),
                ("collagen", "#e5dde2", COLLAGEN), ("fibrin", "#eee0d8", CLOTTED_FIBRIN),
            ),
        ),
    }
)  # fmt: skip
