"""The folder of generated files, and how they get there and back."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType

_loading = threading.RLock()


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


def keep(path: Path, text: str) -> None:
    """Write a file in one step, unless it already holds that text: a reader sees the whole of it or nothing."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def load_module(name: str, text: str) -> ModuleType:
    """Return the module of that name and text, kept in the cache folder; threads that ask together share it, whole."""
    with _loading:
        if name not in sys.modules:
            path = cache_folder() / f"{name}.py"
            keep(path, text)
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            # Numba finds the home of what it compiles, and later of what it kept, by name.
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
        return sys.modules[name]
