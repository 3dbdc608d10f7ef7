"""What is written from a model's structure, kept between processes: differentiating a model takes longer than a run.

A file in the cache folder holds the texts and the Jacobian's pattern. Its name is made of the model's structure and of
the source files that write them, so an edited law, writer or stepper is noticed without writing anything.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.resources import files

from collagensim.model import Model
from collagensim.solver.cache import cache_folder, keep
from collagensim.write.elimination import write_elimination
from collagensim.write.formulas import write_formulas
from collagensim.write.kernel import write_kernel

# What the texts depend on besides the model; folders stand for every module in them.
LONGEST = 4000  # products of an elimination that is written out: more would take long to compile
WRITERS = ("model/expression.py", "model/laws.py", "write", "kernels", "solver/texts.py")


@dataclass(frozen=True)
class Texts:
    """What a model's structure is written as.

    Attributes
    ----------
    kernel : the straight-line functions that become machine code; formulas : the module of plain formulas.
    pattern : (row, column) of the nonzeros of one block's Jacobian.
    n_parameter_slots, n_input_slots : lengths of what the kernel reads.
    joined : states that links may join; n_factors : numbers that the factors of one
        block take, 0 where the elimination is not written out.
    """

    kernel: str
    formulas: str
    pattern: tuple[tuple[int, int], ...]
    n_parameter_slots: int
    n_input_slots: int
    joined: tuple[int, ...]
    n_factors: int


def texts_of(model: Model) -> Texts:
    """Return what a model is written as, from the cache folder where it is there."""
    key = hashlib.sha256(f"{writers_hash()} {model.structure_hash}".encode()).hexdigest()[:20]
    path = cache_folder() / f"collagensim_{model.name}_{key}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        pattern = tuple((i, j) for i, j in stored["pattern"])
        return Texts(**{**stored, "pattern": pattern, "joined": tuple(stored["joined"])})
    except (OSError, ValueError, KeyError, TypeError):  # absent, or cut short by a full disk: written anew
        texts = _write(model)
        keep(path, json.dumps(asdict(texts)).encode())
        return texts


def _write(model: Model) -> Texts:
    source = write_kernel(model)
    pattern, m = source.lowered.pattern, len(model.species)
    joined = tuple(sorted(model.species.index(transport.species) for transport in model.transports))
    elimination = write_elimination(pattern, m, joined)
    written_out = elimination.n_operations <= LONGEST
    return Texts(
        f"{source.text}\n\n{elimination.text}" if written_out else source.text,
        write_formulas(source.lowered, source.parameter_slots, source.input_slots),
        pattern,
        len(source.parameter_slots),
        len(source.input_slots),
        joined,
        elimination.n_factors if written_out else 0,
    )


@functools.cache
def writers_hash() -> str:
    """Return a hash of the source files that write a model's texts."""
    found = hashlib.sha256()
    for place in WRITERS:
        root = files("collagensim").joinpath(place)
        sources = [root] if root.is_file() else sorted(root.iterdir(), key=lambda file: file.name)
        for source in sources:
            if source.name.endswith(".py"):
                found.update(source.name.encode() + source.read_bytes())
    return found.hexdigest()
