"""Models and whole courses as SBML, which other simulators read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collagensim.errors import FileError, InputError, instance, shown
from collagensim.model import Model
from collagensim.write.sbml_document import document
from collagensim.write.sbml_system import System, one_block


def sbml(
    model: Model,
    path: str | os.PathLike[str] | None = None,
    *,
    inputs: Mapping[str, float] | None = None,
    skin: Any = None,
    protocol: Any = None,
    days: float = 365.0,
    ageing: bool = True,
) -> str:
    """Return a model, or a whole course of treatment, as SBML Level 3 Version 2.

    Without ``skin`` and ``protocol`` the model is one well-mixed block that starts at rest, its basal rates solved by
    initial assignments. With them it is the course that `collagensim.simulate` runs: every layer with its zone and the
    tissue between, the exchange between them, and each session and change of aftercare as an event.

    Parameters
    ----------
    model : Model
    path : path, optional
        Where to write the text as well.
    inputs : mapping, optional
        Input name -> value of the one block; the others keep their default, or no value where they have none.
    skin : Skin, optional
        Default, when there is a protocol: the skin that the protocol was done on.
    protocol : Protocol, optional
        Default, when there is a skin: no session.
    days : float
        Length of the course [day]: what would happen later is left out.
    ageing : bool
        Whether untreated collagen is slowly lost.

    Returns
    -------
    str
        The document, the same for the same arguments.

    Raises
    ------
    InputError
        For anything in the call that is not valid.
    FileError
        When the file cannot be written.

    Examples
    --------
    >>> from collagensim.biology.small import robertson
    >>> sbml(robertson()).count("<rateRule")
    3
    """
    text = document(_system(model, inputs, skin, protocol, days, ageing))
    write_text(text, path)
    return text


def _system(
    model: Model, inputs: Mapping[str, float] | None, skin: Any, protocol: Any, days: float, ageing: bool
) -> System:
    instance("model", model, Model, "for example dermal_healing()")
    if skin is None and protocol is None:
        return one_block(model, inputs)
    if inputs is not None:
        raise InputError(
            f"inputs {shown(inputs)} are for one block: a course takes them from skin and protocol"
        )
    return _course(model, skin, protocol, days, ageing)


def _course(model: Model, skin: Any, protocol: Any, days: float, ageing: bool) -> System:
    from collagensim.solver.interchange import course

    return course(model, skin, protocol, days=days, ageing=ageing)


def write_text(text: str, path: str | os.PathLike[str] | None) -> None:
    """Write a text to a file, when there is one to write to."""
    if path is None:
        return
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"path {shown(path)} is no file name: give for example 'course.xml'")
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"cannot write {Path(path)}: {error.strerror or error}") from error
