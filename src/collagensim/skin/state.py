"""From a person and a site to numbers: site figure times condition times age."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from collagensim.skin import ageing
from collagensim.skin.anatomy import LAYERS, condition_figure, site_figure
from collagensim.skin.figures import Figure

Layered = NDArray[np.float64]


class State:
    """Figures of one skin, remembering in ``used`` which rows of the data files they came from."""

    def __init__(
        self, site: str, age_years: float, sex: str, phototype: int, condition: str, risks: tuple[str, ...]
    ) -> None:
        self.site, self.age_years, self.sex = site, age_years, sex
        self.phototype, self.condition, self.risks = phototype, condition, risks
        self.used: list[Figure] = []
        # Their identities: the tables hold each figure once, and equality takes longer.
        self._seen: set[int] = set()

    def inputs(self) -> dict[str, NDArray[np.float64]]:
        """Return every ``skin.*`` input of the model."""
        values: dict[str, object] = {
            "layer_thickness": self.layer_thickness(),
            "fibroblast_density": self._layered("fibroblast_density")
            * self._left("fibroblast_loss", "cell_reference_age"),
            "resident_macrophage_density": self._layered("resident_macrophage_density"),
            "collagen_total": self._layered("collagen_total"),
            "collagen_iii_share": self._layered("collagen_iii_share")
            * self._left("collagen_iii_loss", "cell_reference_age"),
            "elastin": self._layered("elastin") * self._elastin_left(),
            "capillary_density": self._layered("capillary_density") * self._capillaries_left(),
            "oxygen": self._layered("oxygen"),
            "fibre_alignment": self._layered("fibre_alignment"),
            "cross_linking": self._layered("cross_linking"),
            "papillary_character": self._layered("papillary_character"),
            "epidermal_thickness": self.epidermal_thickness(),
            "melanin": self._of_site(f"melanin.{self.phototype}"),
            "pigment_reactivity": self._of_site(f"pigment_reactivity.{self.phototype}"),
            "scar_tendency": self._scar_tendency(),
            "age": self.age_years,
        }
        return {f"skin.{name}": np.asarray(value, dtype=np.float64) for name, value in values.items()}

    def layer_thickness(self) -> Layered:
        """Return the thickness of each layer [mm], (3,); dermal mass is lost as thickness."""
        left = self._left("dermal_loss", "anatomy_reference_age")
        dermis = self._of_site("dermal_thickness") * self._of_condition("dermal_thickness") * left
        papillary = min(self._of_site("papillary_share") * dermis, self._of_site("papillary_thickness_cap"))
        upper = self._of_site("upper_reticular_share") * (dermis - papillary)
        return np.array([papillary, upper, dermis - papillary - upper])

    def epidermal_thickness(self) -> float:
        """Return the thickness of the epidermis with its corneum [um]."""
        return self._of_site("epidermal_thickness") * self._left("epidermal_loss", "anatomy_reference_age")

    def _left(self, loss: str, reference_age: str) -> float:
        """Return what age has left of an amount, over that at the age of the people measured [1]."""
        return ageing.relative_loss(
            self.age_years,
            self._of_site(loss),
            adult_age=self._of_site("adult_age"),
            reference_age=self._of_site(reference_age),
        )

    def _elastin_left(self) -> float:
        return ageing.remaining_elastin(
            self.age_years,
            self._of_site("elastin_residence"),
            reference_age=self._of_site("cell_reference_age"),
        )

    def _capillaries_left(self) -> Layered:
        papillary = ageing.papillary_capillary_fraction(
            self.age_years, *(self._of_site(f"capillary_fraction_at_{age}") for age in (70, 80, 90))
        )
        return np.array([papillary, 1.0, 1.0])

    def _scar_tendency(self) -> float:
        keloid = "keloid_scar_tendency" if "keloid_tendency" in self.risks else "scar_tendency"
        return self._of_site(keloid) * self._of_condition("scar_tendency")

    def _layered(self, quantity: str) -> Layered:
        return np.array(
            [self._of_site(quantity, layer) * self._of_condition(quantity, layer) for layer in LAYERS]
        )

    def _of_site(self, quantity: str, layer: str = "") -> float:
        return self._use(site_figure(quantity, self.site, self.sex, layer))

    def _of_condition(self, quantity: str, layer: str = "") -> float:
        figure = condition_figure(quantity, self.condition, layer)
        return 1.0 if figure is None else self._use(figure)

    def _use(self, figure: Figure) -> float:
        if id(figure) not in self._seen:
            self._seen.add(id(figure))
            self.used.append(figure)
        return figure.value
