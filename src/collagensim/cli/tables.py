"""What can be chosen and what a run rests on, as tables on stdout."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import metadata

from collagensim.cli.text import aligned

Rows = list[tuple[str, ...]]

TABLES = {
    "devices": "devices and their usual needles",
    "sites": "sites and their thicknesses in mm",
    "protocols": "published protocols for --protocol",
    "parameters": "parameters of the model: value, unit, range, status, source",
    "model": "species and reactions of the model",
}


def version() -> str:
    """Return the version of the installed package."""
    try:
        return metadata.version("collagensim")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def run_table(arguments: argparse.Namespace) -> None:
    """Print the table that ``arguments.command`` names."""
    if arguments.command == "model":
        sys.stdout.write(_equations() if arguments.latex else _model())
        return
    rows: dict[str, Callable[[], Rows]] = {
        "devices": _devices,
        "sites": _sites,
        "protocols": _protocols,
        "parameters": _parameters,
    }
    sys.stdout.write(aligned(rows[arguments.command]()) + "\n")


def _sites() -> Rows:
    from collagensim.skin import Skin, sites

    rows: Rows = [("site", "epidermis", "papillary", "upper_reticular", "lower_reticular")]
    for name in sites():
        skin = Skin(site=name)
        thickness = (skin.epidermal_thickness_um / 1000.0, *(layer.thickness_mm for layer in skin.layers))
        rows.append((name, *(f"{value:.3g}" for value in thickness)))
    return rows


def _devices() -> Rows:
    from collagensim.treatment import devices
    from collagensim.treatment.devices import device_table

    rows: Rows = [("device", "quantity", "value", "unit", "range", "status", "source")]
    for name in devices():
        for figure in device_table(name):
            if figure["of"] == name:
                span = f"{figure['low']:g} to {figure['high']:g}"
                about = (str(figure[key]) for key in ("status", "source"))
                rows.append(
                    (name, str(figure["quantity"]), f"{figure['value']:g}", str(figure["unit"]), span, *about)
                )
    return rows


def _protocols() -> Rows:
    from collagensim.treatment import trial, trial_ids

    rows: Rows = [("protocol", "device", "mm", "per_cm2", "sessions", "spacing_days", "assumed", "citation")]
    for name in trial_ids():
        t = trial(name)
        numbers = (f"{value:g}" for value in (t.depth_mm, t.density_per_cm2, t.sessions, t.spacing_days))
        rows.append((t.id, t.device, *numbers, " ".join(t.assumed), t.citation))
    return rows


def _parameters() -> Rows:
    import collagensim as cs

    model = cs.dermal_healing()
    rows: Rows = [("parameter", "value", "unit", "range", "status", "source")]
    for name in model.values:
        p = model.parameter(name)
        rows.append((name, f"{p.value:g}", p.unit, f"{p.low:g} to {p.high:g}", p.status, p.source.key))
    return rows


def _model() -> str:
    import collagensim as cs

    model = cs.dermal_healing()
    species: Rows = [("species", "unit", "kind", "description")]
    species += [(s.name, s.unit, s.kind, s.description) for s in model.species]
    derived: Rows = [("derived", "unit", "description")]
    derived += [(d.name, d.unit, d.description) for d in model.derived]
    reactions: Rows = [("reaction", "per", "changes", "description")]
    for r in model.reactions:
        actor = r.actor.name if r.actor is not None else "volume"
        reactions.append((r.name, actor, ", ".join(s.name for s in r.effect), r.description))
    tables = "\n\n".join(aligned(rows) for rows in (species, derived, reactions))
    return f"{model!r}\n\n{tables}\n"


def _equations() -> str:
    import collagensim as cs
    from collagensim.write import latex

    return str(latex(cs.dermal_healing())) + "\n"
