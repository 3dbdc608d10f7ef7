"""What the command line accepts."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from typing import NoReturn

from collagensim.cli import commands, tables
from collagensim.errors import InputError, nearest
from collagensim.notice import NOTICE

DEFAULTS = {"device": "roller", "depth": [1.5], "sessions": [5], "spacing": [30.0]}


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours: one sentence, no usage text around it."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def read(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments of one command; an option it does not have is answered with the nearest one."""
    found, unknown = parser().parse_known_args(argv)
    if unknown:
        options = re.findall(r"--[a-z-]+", found.parser.format_usage())
        found.parser.error(f"{unknown[0]!r} is no argument of {found.command}{nearest(unknown[0], options)}")
    return found


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; ``run`` of the result does the work."""
    top = _Parser(
        prog="collagensim",
        allow_abbrev=False,
        description=f"From a needling protocol to the collagen response. {NOTICE}",
    )
    top.add_argument("--version", action="version", version=f"collagensim {tables.version()}")
    kinds = top.add_subparsers(dest="command", required=True, parser_class=_Parser, metavar="command")

    one = kinds.add_parser(
        "simulate",
        allow_abbrev=False,
        help="simulate one course",
        description=f"Simulate one course. {NOTICE}",
    )
    _skin(one)
    _protocol(one, scanned=False)
    _engine(one)
    one.add_argument(
        "--figure", metavar="FILE", help="draw the course; the name ends in .png, .pdf, .svg or .jpg"
    )
    one.add_argument("--save", metavar="FILE.nc", help="keep the result as netCDF")
    one.add_argument("--json", action="store_true", help="print the endpoints as JSON instead of a table")
    one.set_defaults(run=commands.run_simulation, parser=one)

    many = kinds.add_parser(
        "scan",
        allow_abbrev=False,
        help="endpoints over a grid of protocols",
        description="Endpoints over depth, density, spacing and number of sessions. A range is "
        f"start:stop:step (both ends included) or a list 0.5,1,2; one number is not scanned. {NOTICE}",
    )
    _skin(many)
    _protocol(many, scanned=True)
    _engine(many)
    many.add_argument(
        "--figure", metavar="FILE", help="draw a curve (one range) or a map (two); .png, .pdf, .svg or .jpg"
    )
    many.add_argument("--endpoint", metavar="NAME", help="what to draw (default: collagen_mass_change)")
    many.add_argument("--save", metavar="FILE.nc", help="keep every endpoint as netCDF")
    many.add_argument("--threads", type=_whole, metavar="N", help="courses at a time (default: all cores)")
    many.set_defaults(run=commands.run_scan, parser=many)

    for name, help_text in tables.TABLES.items():
        table = kinds.add_parser(name, allow_abbrev=False, help=help_text, description=help_text)
        if name == "model":
            table.add_argument("--latex", action="store_true", help="print the equations as LaTeX")
        table.set_defaults(run=tables.run_table, parser=table)
    return top


def _skin(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("skin")
    group.add_argument("--site", metavar="WORD", help="see: collagensim sites (default: cheek)")
    group.add_argument("--age", type=_number, metavar="YEARS", help="18 to 100 (default: 45)")
    group.add_argument("--sex", metavar="WORD", help="female or male (default: female)")
    group.add_argument("--phototype", type=_whole, metavar="1-6", help="Fitzpatrick's (default: 3)")
    group.add_argument(
        "--condition",
        metavar="WORD",
        help="healthy, photoaged, atrophic_acne_scar, striae or hypertrophic_scar (default: healthy)",
    )
    group.add_argument(
        "--risk",
        action="append",
        metavar="WORD",
        help="what speaks against needling: active_infection, active_acne, eczema, keloid_tendency or "
        "bleeding_disorder; repeatable (default: none)",
    )


def _protocol(command: argparse.ArgumentParser, *, scanned: bool) -> None:
    group = command.add_argument_group("protocol")
    group.add_argument("--protocol", metavar="ID", help="a published protocol, see: collagensim protocols")
    group.add_argument(
        "--device", metavar="WORD", help=f"see: collagensim devices (default: {DEFAULTS['device']})"
    )
    several = " (or a range)" if scanned else ""
    group.add_argument(
        "--depth",
        type=_numbers,
        metavar="MM",
        help=f"needle length or setting{several}, 0 to 3.5 (default: 1.5)",
    )
    group.add_argument(
        "--density",
        type=_numbers,
        metavar="PER_CM2",
        help=f"channels per cm2 and session{several} (default: by --passes)",
    )
    group.add_argument(
        "--passes", type=_number, metavar="N", help="instead of --density (default: usual for the device)"
    )
    group.add_argument(
        "--sessions", type=_numbers, metavar="N", help=f"number of sessions{several} (default: 5)"
    )
    group.add_argument(
        "--spacing", type=_numbers, metavar="DAYS", help=f"days between sessions{several} (default: 30)"
    )
    group.add_argument(
        "--days", type=_number, default=365.0, metavar="DAYS", help="length of the course (default: 365)"
    )


def _engine(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("run")
    group.add_argument(
        "--no-ageing", dest="ageing", action="store_false", help="skin does not age during the course"
    )
    group.add_argument("--quiet", action="store_true", help="no progress and no table")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _whole(text: str) -> int:
    value = _number(text)
    if not math.isfinite(value) or value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(value)


def _numbers(text: str) -> list[float]:
    """Read ``1.5``, ``0.5,1,2`` or ``start:stop:step`` with both ends included."""
    complaint = argparse.ArgumentTypeError(
        f"{text!r} is not a number, a list 0.5,1,2 or a range start:stop:step"
    )
    try:
        parts = [float(part) for part in text.split(":" if ":" in text else ",")]
    except ValueError:
        raise complaint from None
    if ":" not in text:
        return parts
    if len(parts) != 3 or not all(math.isfinite(part) for part in parts):
        raise complaint
    start, stop, step = parts
    n_steps = (stop - start) / step if step > 0 else -1.0
    if n_steps < 0:
        raise argparse.ArgumentTypeError(f"{text!r} holds no values: needs start <= stop and step > 0")
    if n_steps > 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} holds {n_steps:.0f} values: give 10000 or fewer")
    # Decimal steps add up to 0.30000000000000004: twelve digits give back what was typed.
    return [round(start + i * step, 12) for i in range(math.floor(n_steps + 1e-9) + 1)]
