"""What an exported model says of itself: notes, licence, hash, and where its numbers and processes come from."""

from __future__ import annotations

import functools
import html
import importlib.metadata
import re
from importlib.resources import files

from collagensim.model import Model, Parameter, Source
from collagensim.notice import NOTICE
from collagensim.write.sbml_text import element

LICENCE = "BSD-3-Clause"
_RDF = {
    "xmlns_rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmlns_bqbiol": "http://biomodels.net/biology-qualifiers/",
    "xmlns_bqmodel": "http://biomodels.net/model-qualifiers/",
    "xmlns_dcterms": "http://purl.org/dc/terms/",
}
_CREATOR = (
    '<dcterms:creator><rdf:Bag><rdf:li rdf:parseType="Resource">'
    '<vCard4:organization-name xmlns:vCard4="http://www.w3.org/2006/vcard/ns#">collagensim developers'
    "</vCard4:organization-name></rdf:li></rdf:Bag></dcterms:creator>"
)
# Rooms with a bibliography; read as data, so that the writer knows no biology.
_BIBLIOGRAPHIES = ("biology", "skin", "treatment")
# How a bibliography names a publication or model -> the collection that identifiers.org knows it by.
_IDENTIFIERS = (
    (re.compile(r"doi = \{(10\.[^}]+)\}"), "https://identifiers.org/doi:{}"),
    (re.compile(r"\bPMID (\d+)"), "https://identifiers.org/pubmed:{}"),
    (re.compile(r"\b(PMC\d+)"), "https://identifiers.org/pmc:{}"),
    (re.compile(r"\b(BIOMD\d+)"), "https://identifiers.org/biomodels.db:{}"),
)


@functools.cache
def _bibliography() -> dict[str, str]:
    """Return key -> entry of every bibliography of the package."""
    lines = [
        line
        for room in _BIBLIOGRAPHIES
        for line in files("collagensim")
        .joinpath(room, "sources.bib")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    return {line.split("{", 1)[1].split(",", 1)[0]: line for line in lines if line.startswith("@")}


def identifiers(source: Source) -> list[str]:
    """Return the addresses at identifiers.org of a source; none when it has no public identifier."""
    text = f"{_bibliography().get(source.key, '')} {source.where}"
    found = (pattern.search(text) for pattern, _ in _IDENTIFIERS)
    return [
        address.format(match[1])
        for match, (_, address) in zip(found, _IDENTIFIERS, strict=True)
        if match is not None
    ]


def paragraphs(*sentences: str) -> str:
    """Return notes of one paragraph a sentence, empty ones left out."""
    inside = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences if sentence)
    body = f'<body xmlns="http://www.w3.org/1999/xhtml">{inside}</body>'
    return element("notes", body) if inside else ""


def described_by(meta_id: str, sources: list[Source], relation: str = "bqbiol:isDescribedBy") -> str:
    """Return an annotation that names where something is described; nothing when no source has an identifier."""
    addresses = dict.fromkeys(address for source in sources for address in identifiers(source))
    return element("annotation", _description(meta_id, _bag(relation, list(addresses)))) if addresses else ""


def _bag(relation: str, addresses: list[str]) -> str:
    items = "".join(f'<rdf:li rdf:resource="{html.escape(address)}"/>' for address in addresses)
    return f"<{relation}><rdf:Bag>{items}</rdf:Bag></{relation}>"


def _description(meta_id: str, inside: str) -> str:
    spaces = " ".join(f'{name.replace("_", ":")}="{value}"' for name, value in _RDF.items())
    return f'<rdf:RDF {spaces}><rdf:Description rdf:about="#{meta_id}">{inside}</rdf:Description></rdf:RDF>'


def about_model(model: Model, meta_id: str, title: str, remarks: tuple[str, ...]) -> str:
    """Return notes and annotation of a whole model: what it is, its publications, hash, version and licence."""
    version = _version()
    changed = ", ".join(f"{name} = {value!r}" for name, value in model.changed.items())
    notes = paragraphs(
        f"{title}. {model.description}".strip(),
        "Processes are named rates (rate_of_...); the rate rule of a state adds them with coefficients free of state.",
        *remarks,
        f"Parameters changed from their declared values: {changed}." if changed else "",
        f"Written by collagensim {version} from {model.name} {model.hash}. Licence: {LICENCE}. {NOTICE}",
    )
    own = (
        f'<collagensim:export xmlns:collagensim="urn:collagensim:export" version="{version}" '
        f'model="{model.name}" model_hash="{model.hash}" licence="{LICENCE}"/>'
    )
    sources = [r.source for r in model.reactions if r.source is not None]
    sources += [model.parameter(name).source for name in model.values]
    addresses = list(dict.fromkeys(address for source in sources for address in identifiers(source)))
    inside = _CREATOR + (_bag("bqmodel:isDescribedBy", addresses) if addresses else "")
    return notes + element("annotation", own, _description(meta_id, inside))


def _version() -> str:
    try:
        return importlib.metadata.version("collagensim")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def about_parameter(parameter: Parameter, meta_id: str) -> str:
    """Return notes and annotation of a parameter: meaning, range, status and source."""
    source = parameter.source
    where = f"{source.key}, {source.where}" if source.where else source.key
    span = (
        f"range {parameter.low!r} to {parameter.high!r} {parameter.unit}, {parameter.status}, source: {where}"
    )
    return paragraphs(parameter.description, span) + described_by(meta_id, [source])
