"""Results on disk: netCDF with the provenance as JSON; whole or not at all; nothing in a file is executed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from collagensim.errors import FileError, shown

if TYPE_CHECKING:
    from collagensim.response.ensemble import Ensemble
    from collagensim.response.replicates import Replicates
    from collagensim.response.result import Response
    from collagensim.response.tissue import Tissue

FORMAT, ENSEMBLE_FORMAT = "collagensim response 1", "collagensim ensemble 1"
TISSUE_FORMAT, REPLICATES_FORMAT = "collagensim tissue 1", "collagensim replicates 1"
GROUPS = ("data", "zone", "between")
RECORDS = {
    FORMAT: ("provenance", "statistics"),
    ENSEMBLE_FORMAT: ("provenance", "statistics", "failures"),
    TISSUE_FORMAT: ("provenance", "statistics", "moments"),
    REPLICATES_FORMAT: ("tissues", "failures"),
}


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` when the block ends well, else delete it.

    Raises
    ------
    FileError
        When the folder is missing or cannot be written; an existing file is then left as it was.
    """
    target = check_writable(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        with temporary.open("rb+") as handle:  # the rename must not overtake the bytes
            os.fsync(handle.fileno())
        os.replace(temporary, target)
    except OSError as error:  # the HDF5 library's own text is a paragraph
        raise FileError(
            f"cannot write {target}: {os.strerror(error.errno) if error.errno else error}"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` when a file can be made or replaced there; FileError otherwise."""
    target = _path(path)
    if target.is_dir():
        raise FileError(f"cannot write {target}: it is a folder, a file name is needed")
    if target.exists() and not target.is_file():  # renaming onto a device such as /dev/null would replace it
        raise FileError(f"cannot write {target}: it is no ordinary file")
    if not target.parent.is_dir():
        raise FileError(f"cannot write {target}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK) or (target.exists() and not os.access(target, os.W_OK)):
        raise FileError(f"cannot write {target}: permission denied")
    return target


def _path(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` with ``~`` expanded; FileError when no file can have that name."""
    try:
        target = Path(path).expanduser()
        if not str(path) or "\0" in str(path):
            raise ValueError
        target.exists()
    except (TypeError, ValueError, RuntimeError):  # no text, empty or with a null byte, the home of nobody
        raise FileError(f"{shown(path)} is not a path: give a file name such as 'run.nc'") from None
    except OSError as error:
        raise FileError(f"{shown(path)} cannot be a file: {error.strerror}") from None
    return target


def save(response: Response, path: str | os.PathLike[str]) -> Path:
    """Write ``response`` to a netCDF-4 file and return its path; the file is whole or absent."""
    groups = {name: getattr(response, name) for name in GROUPS}
    return _write(FORMAT, groups, _records(response), path)


def save_ensemble(ensemble: Ensemble, path: str | os.PathLike[str]) -> Path:
    """Write ``ensemble`` to a netCDF-4 file and return its path; the file is whole or absent."""
    from collagensim.response.ensemble import FAILURE_COLUMNS

    groups = {name: getattr(ensemble, name) for name in ("data", "baseline", "endpoints")}
    columns = {str(name): ("member", column.to_numpy()) for name, column in ensemble.parameters.items()}
    groups["parameters"] = xr.Dataset(columns, coords={"member": ensemble.data["member"].values})
    failures = {name: ensemble.failures[name].tolist() for name in FAILURE_COLUMNS}
    texts = {**_records(ensemble), "failures": to_json(failures)}
    return _write(ENSEMBLE_FORMAT, groups, texts, path)


def save_tissue(tissue: Tissue, path: str | os.PathLike[str]) -> Path:
    """Write ``tissue`` to a netCDF-4 file and return its path; the file is whole or absent."""
    from collagensim.response.tissue_files import groups_of, record_of

    texts = {name: to_json(record) for name, record in record_of(tissue).items()}
    return _write(TISSUE_FORMAT, groups_of(tissue), texts, path)


def save_replicates(replicates: Replicates, path: str | os.PathLike[str]) -> Path:
    """Write ``replicates`` to a netCDF-4 file and return its path; the file is whole or absent."""
    from collagensim.response.tissue_files import groups_of, record_of

    groups = {
        f"{_of_seed(seed)}{name}": data
        for seed, tissue in replicates.tissues.items()
        for name, data in groups_of(tissue).items()
    }
    records = {str(seed): record_of(tissue) for seed, tissue in replicates.tissues.items()}
    failures = {str(seed): reason for seed, reason in replicates.failures.items()}
    return _write(
        REPLICATES_FORMAT, groups, {"tissues": to_json(records), "failures": to_json(failures)}, path
    )


def _of_seed(seed: int | str) -> str:
    """With what the names of a seed's groups begin."""
    return f"seed_{seed}."


def _records(result: Response | Ensemble) -> dict[str, str]:
    return {"provenance": to_json(result.provenance), "statistics": to_json(result.statistics)}


def _write(
    mark: str, groups: Mapping[str, xr.Dataset | None], texts: Mapping[str, str], path: str | os.PathLike[str]
) -> Path:
    present = {name: data for name, data in groups.items() if data is not None}
    head = xr.Dataset(attrs={"format": mark, **texts, "checksum": _checksum(present, texts)})
    tree = xr.DataTree.from_dict({"/": head, **{f"/{name}": data for name, data in present.items()}})
    with replacing(path) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")
    return _path(path)


def load(path: str | os.PathLike[str]) -> Response | Ensemble | Tissue | Replicates:
    """Return the `Response`, `Ensemble`, `Tissue` or `Replicates` whose ``save`` wrote ``path``, every bit equal.

    Raises
    ------
    FileError
        When the file is missing, damaged, or not one of ours; the sentence says which.
    """
    source = _path(path)
    head, present = _read(source)
    mark = head.get("format")
    if mark not in RECORDS:
        held = f"it holds {shown(mark)}" if mark else "it has no format mark of ours"
        raise FileError(f"cannot read {source}: {held}; this version reads {', '.join(map(repr, RECORDS))}")
    texts = {name: str(head.get(name, "")) for name in RECORDS[mark]}
    if head.get("checksum") != _checksum(present, texts):
        raise FileError(f"cannot read {source}: it is damaged (its contents do not match its checksum)")
    records = {name: json.loads(text) for name, text in texts.items()}
    make: dict[str, Callable[..., Response | Ensemble | Tissue | Replicates]] = {
        FORMAT: _response, ENSEMBLE_FORMAT: _ensemble, TISSUE_FORMAT: _tissue, REPLICATES_FORMAT: _replicates,
    }  # fmt: skip
    return make[mark](present, records)


def _read(source: Path) -> tuple[dict[str, Any], dict[str, xr.Dataset]]:
    """Attributes and groups of a file."""
    if not source.is_file():
        raise FileError(
            f"cannot read {source}: {'it is a folder' if source.is_dir() else 'there is no such file'}"
        )
    try:
        with xr.open_datatree(source, engine="h5netcdf") as tree:
            head = {str(name): value for name, value in tree.attrs.items()}
            return head, {name: _restored(group.to_dataset()) for name, group in tree.children.items()}
    except PermissionError:
        raise FileError(f"cannot read {source}: permission denied") from None
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail anywhere inside the HDF5 stack
        raise FileError(f"cannot read {source}: it is damaged or not a collagensim result file") from error


def _response(groups: Mapping[str, xr.Dataset], records: Mapping[str, Any]) -> Response:
    from collagensim.response.result import Response

    return Response(groups["data"], zone=groups.get("zone"), between=groups.get("between"), **records)


def _ensemble(groups: Mapping[str, xr.Dataset], records: Mapping[str, Any]) -> Ensemble:
    from collagensim.response.ensemble import FAILURE_COLUMNS, Ensemble, with_parameters

    columns = {str(name): values.values for name, values in groups["parameters"].data_vars.items()}
    parameters = pd.DataFrame(columns, index=pd.RangeIndex(groups["data"].sizes["member"], name="member"))
    failures = pd.DataFrame(records["failures"], columns=list(FAILURE_COLUMNS))
    return Ensemble(
        groups["data"], baseline=groups["baseline"], endpoints=groups["endpoints"], parameters=parameters,
        failures=with_parameters(failures, parameters), provenance=records["provenance"],
        statistics=records["statistics"],
    )  # fmt: skip


def _tissue(groups: Mapping[str, xr.Dataset], records: Mapping[str, Any]) -> Tissue:
    from collagensim.response.tissue_files import tissue_of

    return tissue_of(groups, records)


def _replicates(groups: Mapping[str, xr.Dataset], records: Mapping[str, Any]) -> Replicates:
    from collagensim.response.replicates import Replicates

    tissues = {}
    for seed, told in records["tissues"].items():
        begin = _of_seed(seed)
        own = {name.removeprefix(begin): data for name, data in groups.items() if name.startswith(begin)}
        tissues[int(seed)] = _tissue(own, told)
    return Replicates(tissues, {int(seed): reason for seed, reason in records["failures"].items()})


def to_json(record: Mapping[str, Any]) -> str:
    """Return ``record`` as JSON text; numpy numbers and arrays become plain numbers and lists."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, set | frozenset):
            return sorted(value)
        raise TypeError(f"{type(value).__name__} {value!r} cannot be kept in a result file")

    return json.dumps(record, default=plain, ensure_ascii=False)


def _restored(data: xr.Dataset) -> xr.Dataset:
    """Undo what netCDF does to attributes: lists come back as arrays, one-number lists as numbers."""
    data = data.load()
    for variable in data.variables.values():
        variable.encoding.clear()
        for name, value in variable.attrs.items():
            layered = name == "baseline" and "layer" in variable.dims
            plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
            variable.attrs[name] = [plain] if layered and not isinstance(plain, list) else plain
    return data


def _checksum(groups: Mapping[str, xr.Dataset], texts: Mapping[str, str]) -> str:
    """SHA-256 over every name, unit and bit that a reader would use."""
    digest = hashlib.sha256(json.dumps(dict(texts), sort_keys=True).encode())
    for group, data in sorted(groups.items()):
        for name, variable in sorted(data.variables.items(), key=lambda item: str(item[0])):
            attributes = json.dumps(variable.attrs, sort_keys=True)
            digest.update(f"{group}/{name}{variable.dims}{attributes}".encode())
            values = variable.values
            numeric = values.dtype.kind in "fiub"
            digest.update(
                np.ascontiguousarray(values).tobytes() if numeric else json.dumps(values.tolist()).encode()
            )
    return digest.hexdigest()
