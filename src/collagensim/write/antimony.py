"""The same exports as Antimony, SBML in words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from collagensim.errors import InputError
from collagensim.model import Model
from collagensim.write.sbml import sbml, write_text


def antimony(
    model: Model,
    path: str | os.PathLike[str] | None = None,
    *,
    inputs: Mapping[str, float] | None = None,
    skin: Any = None,
    protocol: Any = None,
    days: float = 365.0,
    ageing: bool = True,
) -> str:
    """Return what `sbml` returns for these arguments as Antimony text.

    Raises
    ------
    InputError
        Also when the package ``antimony`` is not installed.
    FileError
        When the file cannot be written.

    Examples
    --------
    >>> from collagensim.biology.small import robertson
    >>> "aa' = " in antimony(robertson())
    True
    """
    document = sbml(model, inputs=inputs, skin=skin, protocol=protocol, days=days, ageing=ageing)
    try:
        import antimony as converter
    except ImportError as error:
        raise InputError('Antimony needs a package: pip install "collagensim[sbml]"') from error
    converter.clearPreviousLoads()
    if converter.loadSBMLString(document) < 0:
        raise InputError(f"antimony refuses the model: {converter.getLastError()}")
    text = str(converter.getAntimonyString(converter.getMainModuleName()))
    write_text(text, path)
    return text
