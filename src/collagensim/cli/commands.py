"""The two commands that compute: one course, and a scan."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collagensim.cli.text import aligned
from collagensim.errors import InputError
from collagensim.notice import NOTICE

if TYPE_CHECKING:
    import pandas as pd

    from collagensim.skin import Skin
    from collagensim.treatment import Protocol

FIGURES = ("png", "pdf", "svg", "jpg", "jpeg")
SCANNED = {
    "depth": "depth_mm",
    "density": "density_per_cm2",
    "spacing": "spacing_days",
    "sessions": "sessions",
}


def run_simulation(arguments: argparse.Namespace) -> None:
    """Simulate one course; endpoints to stdout, figure and file where asked."""
    _check_outputs(arguments)
    for name in SCANNED:
        _single(arguments, name)
    import collagensim as cs
    from collagensim.plot import overview

    skin, protocol = _skin(arguments), _protocol(arguments)
    response = cs.simulate(skin, protocol, days=arguments.days, ageing=arguments.ageing)
    if arguments.save:
        response.save(arguments.save)
    if arguments.figure:
        _draw(overview(response), arguments.figure)
    if arguments.json:
        sys.stdout.write(json.dumps(_record(response), indent=2) + "\n")
    elif not arguments.quiet:
        notes = "".join(f"note: {text}\n" for text in response.provenance.get("assumptions", ()))
        sys.stdout.write(f"{_text(response.summary())}\n{notes}{NOTICE}\n")


def run_scan(arguments: argparse.Namespace) -> None:
    """Scan protocols; a table to stdout when one coordinate is scanned, figure and file where asked."""
    _check_outputs(arguments)
    axes = {
        public: values
        for name, public in SCANNED.items()
        if (values := getattr(arguments, name)) is not None and len(values) > 1
    }
    if not axes:
        raise InputError(
            "nothing to scan: give a range to --depth, --density, --spacing or --sessions, as 0.5:2:0.5"
        )
    if arguments.figure is not None and len(axes) > 2:
        raise InputError(f"--figure shows one or two ranges, got {len(axes)}: keep all with --save instead")
    if "sessions" in axes:
        axes["sessions"] = [_whole(value) for value in axes["sessions"]]
    if arguments.endpoint:
        from collagensim.analysis.endpoints import UNITS
        from collagensim.errors import one_of

        one_of("endpoint", arguments.endpoint, UNITS)
    import collagensim as cs

    scanned = cs.scan(
        _skin(arguments),
        _protocol(arguments),
        days=arguments.days,
        **axes,
        ageing=arguments.ageing,
        threads=arguments.threads,
        progress=not arguments.quiet,
    )
    if arguments.save:
        from collagensim.response import replacing

        with replacing(arguments.save) as temporary:
            scanned.to_netcdf(temporary, engine="h5netcdf")
    if arguments.figure:
        from collagensim import plot

        _draw(plot.scan(scanned, endpoint=arguments.endpoint), arguments.figure)
    if not arguments.quiet:
        sys.stdout.write(_scan_text(scanned, arguments.endpoint) + f"\n{NOTICE}\n")


def _scan_text(scanned: Any, endpoint: str | None) -> str:
    from collagensim.plot.grids import DEFAULT

    name = endpoint or DEFAULT
    table = scanned[name].squeeze(drop=True).to_series()
    shape = table.unstack() if table.index.nlevels == 2 else table
    numbers = shape.to_string(float_format=lambda value: f"{value:.3g}")
    return f"{name} [{scanned[name].attrs['units']}]\n{numbers}"


def _skin(arguments: argparse.Namespace) -> Skin:
    """The skin that the arguments describe; with --protocol the trial's own, changed where they say so."""
    from collagensim.skin import Skin
    from collagensim.treatment import Protocol

    given: dict[str, Any] = {
        "site": arguments.site,
        "age_years": arguments.age,
        "sex": arguments.sex,
        "phototype": arguments.phototype,
        "condition": arguments.condition,
        "risks": tuple(arguments.risk) if arguments.risk else None,
    }
    known = {name: value for name, value in given.items() if value is not None}
    of_trial = Protocol.published(arguments.protocol).skin if arguments.protocol is not None else None
    return replace(of_trial, **known) if of_trial is not None else Skin(**known)


def _protocol(arguments: argparse.Namespace) -> Protocol:
    """The protocol that the arguments describe; of a range its first value, of --sessions its last."""
    from collagensim.cli.arguments import DEFAULTS
    from collagensim.treatment import Protocol, Session

    given = {
        name: getattr(arguments, name)
        for name in ("device", "depth", "density", "passes", "sessions", "spacing")
        if getattr(arguments, name) is not None
    }
    fixed = [name for name, value in given.items() if not (isinstance(value, list) and len(value) > 1)]
    if arguments.protocol is not None:
        if fixed:
            raise InputError(f"--protocol already says what --{fixed[0]} is: leave one of them out")
        return Protocol.published(arguments.protocol)
    chosen = {**DEFAULTS, **given}
    doses = {"density_per_cm2": chosen["density"][0]} if "density" in chosen else {}
    if "passes" in chosen:
        doses["passes"] = chosen["passes"]
    session = Session(device=chosen["device"], depth_mm=chosen["depth"][0], **doses)
    # Only two sessions or more have a spacing, and a scan over their number keeps that of the protocol.
    return Protocol.series(
        session, sessions=_whole(chosen["sessions"][-1]), spacing_days=chosen["spacing"][0]
    )


def _single(arguments: argparse.Namespace, name: str) -> None:
    values = getattr(arguments, name)
    if values is not None and len(values) > 1:
        raise InputError(
            f"--{name} has {len(values)} values: give one (decimals with a point, as 1.5), or use collagensim scan"
        )


def _whole(value: float) -> int:
    if not math.isfinite(value) or value != int(value):
        raise InputError(f"--sessions {value:g} is not a whole number")
    return int(value)


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse a file that could not be written before anything is computed."""
    from collagensim.response.files import check_writable

    if arguments.figure is not None:
        _figure_format(arguments.figure)
        check_writable(arguments.figure)
    if arguments.save is not None:
        if Path(arguments.save).suffix.lower() != ".nc":
            raise InputError(f"--save {arguments.save!r} needs a name that ends in .nc, such as run.nc")
        check_writable(arguments.save)


def _figure_format(name: str) -> str:
    ending = Path(name).suffix.lower().lstrip(".")
    if ending not in FIGURES:
        raise InputError(
            f"--figure {name!r} has {f'the ending {ending!r}' if ending else 'no ending'}: "
            f"choose one of {', '.join(FIGURES)}"
        )
    return ending


def _draw(figure: Any, name: str) -> None:
    from collagensim.response import replacing

    with replacing(name) as temporary:
        figure.savefig(temporary, format=_figure_format(name), dpi=150)


def _text(table: pd.DataFrame) -> str:
    """Endpoints as aligned text: name, value, unit, place, note."""
    rows = [
        (
            str(name),
            "-" if math.isnan(row["value"]) else f"{row['value']:.4g}",
            row["unit"],
            row["place"],
            row["note"],
        )
        for name, row in table.iterrows()
    ]
    return aligned([("endpoint", "value", "unit", "place", ""), *rows], right=1)


def _record(response: Any) -> dict[str, Any]:
    """Endpoints and what made them, as JSON; what is not finite, which JSON has not, becomes null."""
    table = response.summary()
    endpoints = {
        str(name): {"value": row["value"] if math.isfinite(row["value"]) else None, "unit": row["unit"],
                    "place": row["place"], "definition": row["definition"]}
        for name, row in table.iterrows()
    }  # fmt: skip
    kept = ("model", "model_hash", "skin", "protocol", "options", "versions", "status", "assumptions")
    about = {name: response.provenance[name] for name in kept if name in response.provenance}
    return {"endpoints": endpoints, **about, "notice": NOTICE}
