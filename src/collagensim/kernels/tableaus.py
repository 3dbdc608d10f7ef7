"""Coefficients of the implicit methods, as data."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Tableau:
    """A Rosenbrock method for autonomous systems y' = f(y), in the form that needs no product with the Jacobian.

    With W = I/(h gamma) - J, stage s solves  W k_s = f(y + sum_j combine[s, j] k_j) + sum_j couple[s, j] k_j / h.
    The last stage point plus its k is the new state, and that k is the error estimate (stiffly accurate pair).
    Between steps  y(theta) = (1 - theta) y0 + theta (y1 + (1 - theta) (K0 + theta (K1 + theta K2)))  with
    K_d = sum_s dense[d, s] k_s.

    Attributes
    ----------
    name : str
    order : int
        Of the new state; the embedded one has an order less.
    dense_order : int
        Of the interpolant.
    gamma : float
    combine, couple : numpy.ndarray
        (n_stages, n_stages), strictly lower triangular.
    dense : numpy.ndarray
        (3, n_stages).
    source : str
        Where the coefficients were published.
    """

    name: str
    order: int
    dense_order: int
    gamma: float
    combine: npt.NDArray[np.float64]
    couple: npt.NDArray[np.float64]
    dense: npt.NDArray[np.float64]
    source: str

    @functools.cached_property
    def coefficients(self) -> npt.NDArray[np.float64]:
        """Combine, couple, dense, gamma and `grown` in one array, as the kernels take them."""
        parts = self.combine.ravel(), self.couple.ravel(), self.dense.ravel(), [self.gamma], self.grown
        return np.concatenate(parts)

    @property
    def grown(self) -> npt.NDArray[np.float64]:
        """Terms of each stage's point that the point of the stage before has already, all of them or none."""
        rows = self.combine
        return np.array(
            [
                s - 1 if s > 1 and np.array_equal(rows[s, : s - 1], rows[s - 1, : s - 1]) else 0
                for s in range(len(rows))
            ]
        )


def _lower(rows: list[list[float]], n: int) -> npt.NDArray[np.float64]:
    matrix = np.zeros((n, n))
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix


_SIX = [
    -7.502846399306121,
    2.561846144803919,
    -11.627539656261098,
    -0.18268767659942256,
    0.030198172008377946,
]

RODAS5P = Tableau(
    name="RODAS5P",
    order=5,
    dense_order=4,
    gamma=0.21193756319429014,
    combine=_lower(
        [
            [],
            [3.0],
            [2.849394379747939, 0.45842242204463923],
            [-6.954028509809101, 2.489845061869568, -10.358996098473584],
            [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
            _SIX,
            [*_SIX, 1.0],
            [*_SIX, 1.0, 1.0],
        ],
        8,
    ),
    couple=_lower(
        [
            [],
            [-14.155112264123755],
            [-17.97296035885952, -2.859693295451294],
            [147.12150275711716, -1.41221402718213, 71.68940251302358],
            [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
            [
                24.854864614690072,
                -3.0009227002832186,
                47.4931110020768,
                5.5814197821558125,
                -0.6610691825249471,
            ],
            [
                30.91273214028599,
                -3.1208243349937974,
                77.79954646070892,
                34.28646028294783,
                -19.097331116725623,
                -28.087943162872662,
            ],
            [
                37.80277123390563,
                -3.2571969029072276,
                112.26918849496327,
                66.9347231244047,
                -40.06618937091002,
                -54.66780262877968,
                -9.48861652309627,
            ],
        ],
        8,
    ),
    dense=np.array(
        [
            [
                25.948786856663858,
                -2.5579724845846235,
                10.433815404888879,
                -2.3679251022685204,
                0.524948541321073,
                1.1241088310450404,
                0.4272876194431874,
                -0.17202221070155493,
            ],
            [
                -9.91568850695171,
                -0.9689944594115154,
                3.0438037242978453,
                -24.495224566215796,
                20.176138334709044,
                15.98066361424651,
                -6.789040303419874,
                -6.710236069923372,
            ],
            [
                11.419903575922262,
                2.8879645146136994,
                72.92137995996029,
                80.12511834622643,
                -52.072871366152654,
                -59.78993625266729,
                -0.15582684282751913,
                4.883087185713722,
            ],
        ]
    ),
    source="Steinebach 2023, Construction of Rosenbrock-Wanner method Rodas5P, BIT Numer. Math. 63, 27",
)

# Conditions as those of RODAS5P, which leave eight numbers free; docs/solver.md tells how they were chosen.
_FIVE = [-6.158581989640744, 7.09767362604935, -12.884380386280487, -0.04353351987351385, 0.0055436656405112]

RODAS5D = Tableau(
    name="RODAS5D",
    order=5,
    dense_order=4,
    gamma=0.2029552231729451,
    combine=_lower(
        [
            [],
            [3.000000000000295],
            [3.0454876907093524, 0.3080672780077345],
            [-6.086075266806257, 6.959830741999662, -12.512640288299027],
            [3.32182362050107, 0.028233534351483517, 0.08527437736000298, -0.040281751106464786],
            _FIVE,
            [*_FIVE, 1.0],
            [*_FIVE, 1.0, 1.0],
        ],
        8,
    ),
    couple=_lower(
        [
            [],
            [-14.781585578826753],
            [-19.00054039133075, -2.1324965469180497],
            [163.64926397201282, -32.58500572614736, 91.4257150525718],
            [227.85337707856831, -10.533639535285475, 50.53930501193327, -6.976426418640113],
            [
                22.571842722891425,
                -27.024586478484103,
                62.89504438805035,
                4.415516873708083,
                -0.1676526230424498,
            ],
            [
                23.1890125286018,
                -3.4674859975027927,
                92.78674486147901,
                83.41073099717121,
                -44.75536815296492,
                -80.17994510521945,
            ],
            [
                23.78189381595203,
                19.206299616519704,
                121.58716637558796,
                159.4732644992445,
                -87.68650696245096,
                -152.62083367007094,
                -9.720867827838065,
            ],
        ],
        8,
    ),
    dense=np.array(
        [
            [
                24.443366015430545,
                -5.671251744692293,
                14.72884103120812,
                3.635089460224023,
                -2.750693154768275,
                -4.346822307663484,
                0.0388265461394621,
                0.6156039215647157,
            ],
            [
                -8.550657617688454,
                -46.617315847993275,
                -14.220089363547133,
                -116.17001799284301,
                68.21331641012186,
                106.61632462529883,
                -4.210994591734265,
                -11.98281461082555,
            ],
            [
                1.5391962624053122,
                71.27248344230566,
                98.89603962356523,
                247.40845526067307,
                -139.28359839756746,
                -230.50335196492156,
                -3.0010994208430595,
                10.973885966257324,
            ],
        ]
    ),
    source=(
        "chosen here, for small errors of and inside the steps, among the methods that meet every condition of RODAS5P "
        "(Steinebach 2023, BIT Numer. Math. 63, 27); see docs/solver.md"
    ),
)
