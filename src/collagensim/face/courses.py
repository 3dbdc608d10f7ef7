"""The mean field's calls, with the shipped biology where no model is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import ArrayLike

    from collagensim.model import Model
    from collagensim.response import Ensemble, Response
    from collagensim.skin import Skin
    from collagensim.treatment import Protocol


def simulate(
    skin: Skin,
    protocol: Protocol,
    *,
    days: float = 365.0,
    ageing: bool = True,
    model: Model | None = None,
    output_days: Iterable[float] | None = None,
    rtol: float = 1e-6,
    method: str = "rodas5p",
    deadline_s: float = 600.0,
) -> Response:
    """Return the mean-field response of a skin to a needling protocol.

    Parameters
    ----------
    skin : Skin
    protocol : Protocol
    days : float
        Length of the course [day], 0 to 36525; no session may come later.
    ageing : bool
        Whether untreated collagen is slowly lost, about 1 % a year.
    model : Model, optional
        Another biology, or ``dermal_healing()`` with other parameter values.
    output_days : iterable of float, optional
        Increasing days within [0, days]; default daily, and denser in the two days after each session. The grid
        does not touch the solution.
    rtol : float
        Relative tolerance of the solver, 1e-12 to 0.01.
    method : {"rodas5p", "LSODA", "BDF", "Radau"}
        The package's own stepper, or SciPy's on the same right side, as a second opinion.
    deadline_s : float
        Wall seconds after which the solve ends with an error.

    Returns
    -------
    Response
        ``data`` over ``time`` [day] and ``layer``; on the day of a session the state just before it.

    Raises
    ------
    InputError
        For anything in the call that is not valid.
    SolveError
        When the solve ends early; ``status`` says how, ``finished`` is the `Course` up to there.
    SolveInterrupted
        Of Ctrl-C, a `KeyboardInterrupt`; ``partial`` is the `Course` up to there.

    Warns
    -----
    ContraindicationWarning
        When the skin carries a risk for which needling is advised against.

    Examples
    --------
    >>> import collagensim as cs
    >>> protocol = cs.Protocol.series(cs.Session(device="pen", depth_mm=1.0), sessions=2, spacing_days=28)
    >>> response = cs.simulate(cs.Skin(site="cheek", age_years=40), protocol, days=90)
    >>> response.data["collagen_total"].dims
    ('time', 'layer')
    """
    from collagensim.biology import dermal_healing
    from collagensim.solver.simulate import simulate as run

    return run(
        dermal_healing() if model is None else model, skin, protocol, days=days, ageing=ageing,
        output_days=output_days, rtol=rtol, method=method, deadline_s=deadline_s,
    )  # fmt: skip


def simulate_many(
    skins: Skin | Sequence[Skin],
    protocols: Protocol | Sequence[Protocol],
    *,
    parameters: Mapping[str, ArrayLike] | Sequence[Mapping[str, float]] | pd.DataFrame | None = None,
    days: float = 365.0,
    ageing: bool = True,
    output: str = "summary",
    output_days: Iterable[float] | None = None,
    endpoints: bool = True,
    variables: Sequence[str] | None = None,
    rtol: float = 1e-5,
    threads: int | None = None,
    progress: bool | None = None,
    model: Model | None = None,
    deadline_s: float | None = None,
) -> Ensemble:
    """Return the responses of many members - skins, protocols and parameter sets - that are simulated together.

    Skins, protocols and parameters are paired, not crossed: each is one for all members, or one for each of them. A
    member's numbers are the same, bit for bit, whoever is simulated with it and on however many threads.

    Parameters
    ----------
    skins, protocols : one, or n of them
    parameters : mapping, DataFrame or sequence of mappings, optional
        Parameter name -> one value or (n,) values, in the parameter's unit; or one such mapping a member, where what
        is left out takes the model's value.
    days : float
        Length of every course [day]; no session may come later.
    ageing : bool
        As in `simulate`.
    output : {"summary", "full"}
        What is kept of a course: a few variables on a few days, or every variable on every day. The memory of "full"
        grows with members times days; what cannot fit is refused before it starts.
    output_days : iterable of float, optional
        Increasing days within [0, days]; default 0, 1, 3, 7, 14, 28, 56, 90, 180 and the end, or daily.
    endpoints : bool
        Whether to compute the endpoints, on the grid of `simulate` whatever the output days.
    variables : sequence of str, optional
        What to keep; default the ones most asked for, or all.
    rtol : float
        Relative tolerance of the solver; wider than in `simulate`, since endpoints are read to three digits.
    threads : int, optional
        Default: all cores this process may use.
    progress : bool, optional
        Whether to draw a bar on stderr; default in a terminal or notebook, when it takes more than two seconds.
    model : Model, optional
        Another biology, or ``dermal_healing()`` with other parameter values.
    deadline_s : float, optional
        Wall seconds after which the members not yet done fail with status "deadline"; default no limit.

    Returns
    -------
    Ensemble
        ``data``, ``baseline`` and ``endpoints`` over ``member``, ``failures``, ``parameters`` and ``quantiles()``.

    Raises
    ------
    InputError
        For what is wrong with the call: lengths that do not pair, an unknown name, too much memory. What is wrong with
        one member - a value outside its parameter's range, a course that cannot be solved - fails that member alone.

    Warns
    -----
    RuntimeWarning
        When members failed; they are NaN, and listed with their reason in ``failures``.
    ContraindicationWarning
        As in `simulate`, once for each reason.

    Examples
    --------
    >>> import collagensim as cs
    >>> skins = [cs.Skin(site="cheek", age_years=age) for age in (30, 50, 70)]
    >>> protocol = cs.Protocol.series(cs.Session(device="pen", depth_mm=1.0), sessions=2, spacing_days=28)
    >>> ensemble = cs.simulate_many(skins, protocol, days=90)
    >>> ensemble.data["collagen_total"].dims
    ('member', 'time', 'layer')
    """
    from collagensim.analysis.many import simulate_many as run
    from collagensim.biology import dermal_healing

    return run(
        dermal_healing() if model is None else model, skins, protocols, parameters=parameters, days=days,
        ageing=ageing, output=output, output_days=output_days, endpoints=endpoints, variables=variables, rtol=rtol,
        threads=threads, progress=progress, deadline_s=deadline_s,
    )  # fmt: skip


def scan(
    skin: Skin,
    protocol: Protocol,
    *,
    days: float = 365.0,
    depth_mm: Sequence[float] | None = None,
    density_per_cm2: Sequence[float] | None = None,
    spacing_days: Sequence[float] | None = None,
    sessions: Sequence[int] | None = None,
    ageing: bool = True,
    model: Model | None = None,
    progress: bool = True,
    threads: int | None = None,
    rtol: float = 1e-5,
) -> xr.Dataset:
    """Return every endpoint over a grid of protocols: depth, density, spacing and number of sessions.

    Parameters
    ----------
    skin : Skin
    protocol : Protocol
        What is not scanned is taken from it; its first session is the one that is repeated.
    days : float
        Length of every course [day].
    depth_mm, density_per_cm2, spacing_days, sessions : increasing numbers
        What to scan [mm, 1/cm^2, day, 1]; at least one.
    ageing, model, rtol
        As in `simulate`; the default tolerance is wider, since endpoints are read to three digits.
    progress : bool
        Whether to draw a bar on stderr.
    threads : int, optional
        Default: all cores this process may use.

    Returns
    -------
    xarray.Dataset
        One variable an endpoint over the scanned coordinates, and ``status``.

    Raises
    ------
    InputError, SolveError
    """
    from collagensim.analysis.scan import scan as over_grid
    from collagensim.biology import dermal_healing
    from collagensim.solver.simulate import check, warn

    chosen = dermal_healing() if model is None else model
    span = check(chosen, skin, protocol, days=days, ageing=ageing, rtol=rtol)
    warn(skin, protocol)
    return over_grid(
        chosen, skin, protocol, days=span, ageing=ageing, rtol=rtol, depth_mm=depth_mm,
        density_per_cm2=density_per_cm2, spacing_days=spacing_days, sessions=sessions, progress=progress,
        threads=threads,
    )  # fmt: skip


def sensitivities(
    skin: Skin,
    protocol: Protocol,
    parameters: Sequence[str] | None = None,
    *,
    days: float = 365.0,
    ageing: bool = True,
    variables: Sequence[str] | None = None,
    output_days: Sequence[float] | None = None,
    rtol: float = 1e-6,
    threads: int = 1,
    model: Model | None = None,
) -> xr.Dataset:
    """Return how much each variable of a course moves with each parameter, as exact derivatives.

    Baseline, sessions and stepper carry the derivative along with the value, so that no two courses are subtracted.

    Parameters
    ----------
    skin, protocol, days, ageing, rtol, model
        As in `simulate`.
    parameters : sequence of str, optional
        Names; default all but the zone radius, which shapes the zones themselves.
    variables : sequence of str, optional
        Species and derived quantities; default the collagens, elastin, cells, capillaries, redness and epidermis.
    output_days : sequence of float, optional
        Increasing days; default 1, 3, 7, 14, 28, 56, 90, 180 and 365 within the course, and its last day.
    threads : int
        Parameters are shared out among that many.

    Returns
    -------
    xarray.Dataset
        d variable / d ln parameter, in the variable's unit, over ``parameter``, ``time`` [day] and ``layer``: a
        parameter higher by one percent moves the variable by a hundredth of it.

    Raises
    ------
    InputError, ModelError, SolveError

    Examples
    --------
    >>> import collagensim as cs
    >>> session = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
    >>> moved = cs.sensitivities(cs.Skin(), cs.Protocol([(0, session)]), ["debris_clearance"], days=7)
    >>> moved["fibroblasts"].dims
    ('parameter', 'time', 'layer')
    """
    from collagensim.analysis.sensitivities import sensitivities as derivatives
    from collagensim.biology import dermal_healing

    return derivatives(
        dermal_healing() if model is None else model, skin, protocol, parameters, days=days, ageing=ageing,
        variables=variables, output_days=output_days, rtol=rtol, threads=threads,
    )  # fmt: skip
