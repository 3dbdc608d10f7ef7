"""Draws the figures of README and docs: ``python docs/figures/make_figures.py``."""

from pathlib import Path

import collagensim as cs

HERE = Path(__file__).parent


def main() -> None:
    skin = cs.Skin(site="cheek", age_years=45, sex="female")
    session = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
    protocol = cs.Protocol.series(session, sessions=5, spacing_days=30)
    response = cs.simulate(skin, protocol, days=365)
    cs.plot.overview(response).savefig(HERE / "overview.png", dpi=110)
    cs.plot.injury(skin, session, seed=1).savefig(HERE / "injury.png", dpi=110)
    scanned = cs.scan(
        skin,
        protocol,
        days=365,
        depth_mm=[0.25 * k for k in range(1, 13)],
        spacing_days=[7 * k for k in range(1, 9)],
    )
    cs.plot.scan(scanned, endpoint="collagen_mass_change").savefig(HERE / "scan_map.png", dpi=110)


if __name__ == "__main__":
    main()
