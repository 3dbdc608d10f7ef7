"""The folder of generated files, and how they get there and back."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import py_compile
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


def keep(path: Path, content: bytes) -> None:
    """Write a file in one step, unless it already holds that: a reader sees the whole of it or nothing."""
    if path.exists() and path.read_bytes() == content:
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(temporary, path)


def keep_code(path: Path, code: bytes) -> None:
    """Write a file of machine code, its checksum first."""
    keep(path, hashlib.sha256(code).digest() + code)


def kept_code(path: Path) -> bytes | None:
    """Return the machine code in a file; None where there is none, or where the file is not whole."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    size = hashlib.sha256().digest_size
    code = content[size:]
    return code if hashlib.sha256(code).digest() == content[:size] else None


def _keep_byte_code(path: Path) -> None:
    """Keep the byte code too, even where Python is told to leave none: reading the text again takes a run's time."""
    if not Path(importlib.util.cache_from_source(str(path))).exists():
        with contextlib.suppress(OSError):  # another folder for byte code, which cannot be written
            py_compile.compile(str(path), doraise=True)


def load_module(name: str, text: str) -> ModuleType:
    """Return the module of that name and text, kept in the cache folder; threads that ask together share it, whole."""
    with _loading:
        if name not in sys.modules:
            path = cache_folder() / f"{name}.py"
            keep(path, text.encode())
            _keep_byte_code(path)
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
