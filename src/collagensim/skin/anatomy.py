"""What the data files say of a site and a condition, with the nearest figure where there is no own one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from collagensim.skin.figures import Figure, index, read_figures

LAYERS = ("papillary", "upper_reticular", "lower_reticular")


@cache
def anatomy() -> dict[tuple[str, str, str], Figure]:
    """Return the figures of ``anatomy.csv`` by (site, quantity, sex)."""
    return index(read_figures(files(__package__).joinpath("anatomy.csv"), "site"))


@cache
def conditions_table() -> dict[tuple[str, str, str], Figure]:
    """Return the figures of ``conditions.csv``, factors on healthy skin, by (condition, quantity, sex)."""
    return index(read_figures(files(__package__).joinpath("conditions.csv"), "condition"))


@cache
def sites() -> tuple[str, ...]:
    """Return the names of the body sites that are known, in the order of the data file."""
    return tuple(dict.fromkeys(site for site, _, _ in anatomy() if site != "all"))


@cache
def conditions() -> tuple[str, ...]:
    """Return the names of the skin conditions that are known, ``"healthy"`` first."""
    return ("healthy", *dict.fromkeys(name for name, _, _ in conditions_table()))


def site_figure(quantity: str, site: str, sex: str, layer: str = "") -> Figure:
    """Return the most specific figure: of the site before all sites, of the layer before all layers, of the sex."""
    names = (f"{quantity}.{layer}", quantity) if layer else (quantity,)
    for name in names:
        for of in (site, "all"):
            for whose in (sex, "any"):
                figure = anatomy().get((of, name, whose))
                if figure is not None:
                    return figure
    raise LookupError(f"no figure for {quantity} {layer} of {site}")


def condition_figure(quantity: str, condition: str, layer: str = "") -> Figure | None:
    """Return the factor by which a condition changes a quantity, or None where it leaves it alone."""
    table = conditions_table()
    own = table.get((condition, f"{quantity}.{layer}", "any")) if layer else None
    return own or table.get((condition, quantity, "any"))
