"""How much memory there is to be had: the least of machine, container and address space."""

import subprocess
import sys

import pytest

from collagensim.analysis import memory


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_a_container_leaves_its_limit_less_what_is_taken_but_for_old_file_pages(tmp_path):
    stat = "anon 700\ninactive_file 50\nactive_file 9\n"
    write(tmp_path, memory__max="1000\n", memory__current="800\n", memory__stat=stat)
    assert memory._container_room(tmp_path) == 250.0


def test_the_older_kind_of_container_is_read_too(tmp_path):
    stat = "inactive_file 1\ntotal_inactive_file 20\n"
    files = {"memory__limit_in_bytes": "1000\n", "memory__usage_in_bytes": "900\n", "memory__stat": stat}
    write(tmp_path / "memory", **files)
    assert memory._container_room(tmp_path) == 120.0


def test_no_container_and_no_limit_leave_the_machine_alone(tmp_path, monkeypatch):
    assert memory._container_room(tmp_path) is None
    write(tmp_path, memory__max="max\n", memory__current="800\n", memory__stat="inactive_file 5\n")
    assert memory._container_room(tmp_path) is None
    for name, room in (("_machine_room", 7.0), ("_container_room", None), ("_address_room", 5.0)):
        monkeypatch.setattr(memory, name, lambda room=room: room)
    assert memory.free_bytes() == 5.0


LIMITED = """
import resource
most = 8 * 1024**3
resource.setrlimit(resource.RLIMIT_AS, (most, most))
from collagensim.analysis import memory
room = memory._address_room()
print(0 < room < most, memory.free_bytes() <= room)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="addresses are limited and told so on Linux")
def test_a_limit_of_addresses_counts():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True True\n"
