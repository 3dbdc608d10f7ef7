import pytest

import collagensim as cs
from collagensim.errors import InputError
from naive.fake_tissue import fake_replicates


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


def test_a_tissue_cites_what_its_cells_are_moved_by_too():
    session = cs.Session(device="pen", depth_mm=0.2)
    tissue = cs.simulate_tissue(
        cs.Skin(), cs.Protocol([(0, session)]), days=0.01, width_mm=0.3, depth_mm=0.2, progress=False
    )
    assert "mcdougall2006" in cs.cite(tissue)
    assert "fibroblast_speed" in set(tissue.sources()["quantity"])


def test_replicates_are_cited_as_one_of_them():
    several = fake_replicates()
    assert "mcdougall2006" in cs.cite(several)
    assert cs.cite(several) == cs.cite(several.tissues[4])


def test_what_cannot_be_cited_is_told_all_that_can():
    with pytest.raises(InputError, match="'lotfi_2013' is not a Response, Ensemble, Tissue or Replicates"):
        cs.cite("lotfi_2013")
