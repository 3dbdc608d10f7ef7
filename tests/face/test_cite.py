import pytest

import collagensim as cs
from collagensim.errors import InputError


def test_the_package_is_cited_first():
    assert cs.cite().startswith("@software{collagensim,")
    assert cs.__version__ in cs.cite()


def test_every_source_of_a_run_has_its_entry():
    protocol = cs.Protocol.published("lotfi_2013")
    response = cs.simulate(protocol.skin, protocol, days=120)
    entries = cs.cite(response).splitlines()
    cited = {entry.split("{", 1)[1].split(",", 1)[0] for entry in entries}
    wanted = {row["key"] for row in response.provenance["sources"]} - {"assumption"}
    assert cited == wanted | {"collagensim"}


def test_only_a_response_can_be_cited():
    with pytest.raises(InputError, match="is not a Response"):
        cs.cite("lotfi_2013")
