"""What to cite."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collagensim.response import Ensemble, Replicates, Response, Tissue


def cite(response: Response | Ensemble | Tissue | Replicates | None = None) -> str:
    """Return what to cite as BibTeX: this package and, for a response, the publications behind its numbers.

    Parameters
    ----------
    response : Response, Ensemble, Tissue or Replicates, optional
        A result of `simulate`, `simulate_many`, `simulate_tissue` or `simulate_tissues`; its parameters, skin and
        devices name their sources.

    Returns
    -------
    str
        One entry a line, the package first, then the sources by key.

    Raises
    ------
    InputError
        When ``response`` is something else.
    """
    from importlib.resources import files

    from collagensim import __version__
    from collagensim import response as results
    from collagensim.errors import InputError, shown

    lines = [
        f"@software{{collagensim, author = {{{{collagensim developers}}}}, title = {{collagensim}}, "
        f"version = {{{__version__}}}, year = {{2026}}}}"
    ]
    if response is not None:
        if not isinstance(
            response, results.Response | results.Ensemble | results.Tissue | results.Replicates
        ):
            raise InputError(
                f"response {shown(response)} is not a Response, Ensemble, Tissue or Replicates: give what simulate, "
                "simulate_many, simulate_tissue or simulate_tissues returned"
            )
        rows = response.provenance.get("sources", ())
        wanted = {str(row["key"]) for row in rows} - {"assumption"}
        found: dict[str, str] = {}
        for room in ("biology", "skin", "treatment"):
            text = files("collagensim").joinpath(room, "sources.bib").read_text(encoding="utf-8")
            found |= {
                line.split("{", 1)[1].split(",", 1)[0]: line for line in text.splitlines() if line[:1] == "@"
            }
        lines += [found[key] for key in sorted(wanted & found.keys())]
    return "\n".join(lines) + "\n"
