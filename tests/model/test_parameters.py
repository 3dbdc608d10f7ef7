import pytest

from collagensim.errors import ModelError
from collagensim.model import read_parameters
from collagensim.model.parameters import COLUMNS

ROW = "loss,k,0.5,1/day,0.1,2,assumed,nobody,,how fast it goes"


def write(path, *rows, columns=COLUMNS):
    path.write_text("\n".join([",".join(columns), *rows]) + "\n", encoding="utf-8")
    return path


def test_a_table_becomes_parameters_by_name(tmp_path):
    loss = read_parameters(write(tmp_path / "p.csv", ROW)).loss
    assert (loss.value, loss.unit, loss.status, loss.source.key) == (0.5, "1/day", "assumed", "nobody")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((ROW, ROW), "line 3 gives 'loss' a second time"),
        ((ROW.replace("0.5", "half"),), "line 2: value, low and high must be numbers"),
        ((ROW.replace("0.5", "5"),), "outside its range"),
        ((ROW.replace("assumed", "guessed"),), "status of parameter 'loss' 'guessed' is not known"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, rows, message):
    with pytest.raises(Exception, match=message):
        read_parameters(write(tmp_path / "p.csv", *rows))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(ModelError, match="lacks the columns status"):
        read_parameters(write(tmp_path / "p.csv", columns=[c for c in COLUMNS if c != "status"]))
