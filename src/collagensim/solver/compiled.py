"""Generated modules: written once per model structure, compiled by numba, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from collagensim.kernels import assemble
from collagensim.model import Model
from collagensim.solver.factorization import Plan, plan
from collagensim.write.kernel import KernelSource, write_kernel

GENERATOR = 1  # counts changes of the text around the kernels that their own hash would not show
Integers = npt.NDArray[np.int64]
_known: dict[str, Compiled] = {}
_loading = threading.Lock()


@dataclass(frozen=True, eq=False)
class Compiled:
    """A model structure ready to run: its text, its module and the pattern of its Jacobian."""

    source: KernelSource
    text: str
    module_name: str
    local_row: Integers
    local_column: Integers
    _plans: dict[bytes, Plan]

    @property
    def module(self) -> ModuleType:
        """The module whose kernels numba compiles on their first call."""
        return _load(self.module_name, self.text)

    @property
    def m(self) -> int:
        """States of one block."""
        return len(self.source.lowered.rates)

    @property
    def source_nonzeros(self) -> int:
        """Nonzeros of one block's Jacobian."""
        return int(self.local_row.size)

    def plan(self, link_to: Integers, link_from: Integers, n_blocks: int) -> Plan:
        """Elimination plan for that many blocks with those links."""
        key = link_to.tobytes() + link_from.tobytes() + str(n_blocks).encode()
        if key not in self._plans:
            self._plans[key] = plan(
                self.local_row, self.local_column, link_to, link_from, m=self.m, n_blocks=n_blocks
            )
        return self._plans[key]


def compiled(model: Model) -> Compiled:
    """Return the compiled form of a model's structure; parameter values do not enter it."""
    key = model.structure_hash
    if key not in _known:
        source = write_kernel(model)
        text = assemble(source.text)
        pattern = np.array(source.lowered.pattern, dtype=np.int64).reshape(-1, 2)
        _known[key] = Compiled(
            source,
            text,
            f"collagensim_{model.name}_{_digest(text)}",
            pattern[:, 0].copy(),
            pattern[:, 1].copy(),
            {},
        )
    return _known[key]


def _digest(text: str) -> str:
    import numba

    return hashlib.sha256(f"{GENERATOR} {numba.__version__} {sys.version}\n{text}".encode()).hexdigest()[:20]


def cache_folder() -> Path:
    """Return the folder of generated modules: ``COLLAGENSIM_CACHE``, else the user's cache folder.

    It is readable by its owner only, because compiled code in it is executed.
    """
    chosen = os.environ.get("COLLAGENSIM_CACHE")
    if chosen:
        folder = Path(chosen).expanduser()
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA", Path.home())) / "collagensim" / "cache"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "collagensim"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "collagensim"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not chosen:
            folder.chmod(0o700)  # an older folder may be open to others
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        # A read-only home must not stop a run: this process then compiles for itself.
        folder = Path(tempfile.mkdtemp(prefix="collagensim-"))
        os.environ["COLLAGENSIM_CACHE"] = str(folder)
    return folder


def _load(name: str, text: str) -> ModuleType:
    """Return the module of that name; threads that ask together get the same one, whole."""
    with _loading:
        if name not in sys.modules:
            sys.modules[name] = _import(name, text)
        return sys.modules[name]


def _import(name: str, text: str) -> ModuleType:
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    if not any(path.parent.glob(f"__pycache__/{name}.advance-*.nbi")):
        sys.stderr.write("collagensim: compiling this model once (about 10 s); later runs start at once\n")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
