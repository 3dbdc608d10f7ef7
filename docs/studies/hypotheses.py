"""What the uncalibrated model says of depth, density, sessions, spacing, age and predisposition.

``python docs/studies/hypotheses.py > docs/hypotheses.md`` makes the page. Nothing in it is asserted anywhere: these
are predictions of literature values and marked guesses.
"""

import dataclasses
import warnings

import collagensim as cs

PAGE = """# What the model says, uncalibrated

Predictions of the shipped parameters (literature values and marked guesses), not findings, and no advice. No trial is
known that compares spacings, numbers of sessions or densities with a dermal endpoint in man, so none of these can be
checked today. Unless a row says otherwise: cheek, woman of 45, healthy skin, pen 1.5 mm, 250 channels/cm2, five
sessions 30 days apart, read one year after the first, ageing off. Made by `docs/studies/hypotheses.py`.

What stands out:

- **Where a layer is injured without much signal, it loses collagen**: reticular layers lose some 0.5-1 % a session, and
  below about 1 mm or 250 channels/cm2 the papillary layer barely gains. The gain needs enough overlap of signal.
- **Deeper** gains in the papillary dermis and saturates at about 2 mm; the mass of the whole dermis falls with depth.
- **Denser** is steep: 250 channels/cm2 gain a little, 1000 much, with myofibroblasts and aligned, scar-like fibres.
- **Closer** sessions leave more collagen, with up to a hundred times the myofibroblasts; wider ones leave less of both.
- **Older** skin gains less and, somewhere between 65 and 85 years, begins to lose.
- **Keloid tendency** changes nothing at these doses: its loop runs through myofibroblasts, which needling hardly calls.
"""

SKIN = cs.Skin(site="cheek", age_years=45, sex="female")
SESSION = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
DAYS = 365.0


def endpoints(skin=SKIN, session=SESSION, sessions=5, spacing_days=30.0, model=None):
    protocol = cs.Protocol.series(session, sessions=sessions, spacing_days=spacing_days)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cs.ContraindicationWarning)
        response = cs.simulate(skin, protocol, days=DAYS, ageing=False, model=model)
    table = response.summary()["value"]
    return (
        f"{table['collagen_papillary_change']:+.1f} % | {table['collagen_mass_change']:+.1f} % | "
        f"{table['collagen_iii_share']:.3f} | {table['myofibroblasts_peak']:.2f} | "
        f"{table['fibre_alignment_change']:+.4f} | {table['melanin_peak_fold']:.2f}"
    )


def show(title, rows):
    print(f"\n## {title}\n")
    columns = (
        "papillary collagen",
        "dermal collagen mass",
        "III share",
        "myofibroblasts, peak /mm3",
        "alignment",
    )
    print("| | " + " | ".join(columns) + " | melanin, peak fold |")
    print("|---" * (len(columns) + 2) + "|")
    for name, options in rows.items():
        print(f"| {name} | {endpoints(**options)} |")


def main():
    print(PAGE, end="")
    change = dataclasses.replace
    show(
        "Depth",
        {f"{d} mm": {"session": change(SESSION, depth_mm=d)} for d in (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)},
    )
    abdomen = change(SKIN, site="abdomen")
    show(
        "Depth in thick skin (abdomen)",
        {
            f"{d} mm": {"session": change(SESSION, depth_mm=d), "skin": abdomen}
            for d in (0.5, 1.0, 1.5, 2.0, 3.0)
        },
    )
    densities = (50, 100, 250, 500, 1000)
    show("Density", {f"{n} /cm2": {"session": change(SESSION, density_per_cm2=n)} for n in densities})
    show("Sessions, 30 days apart", {f"{n}": {"sessions": n} for n in (1, 2, 3, 4, 5, 8)})
    show("Spacing of five sessions", {f"{d} d": {"spacing_days": d} for d in (3, 7, 14, 21, 30, 42, 56)})
    show("Age", {f"{a} years": {"skin": change(SKIN, age_years=a)} for a in (25, 45, 65, 85)})
    keloid = change(SKIN, risks=("keloid_tendency",))
    show(
        "Keloid tendency",
        {f"{name}, {d} d": {"skin": skin, "spacing_days": d}
         for name, skin in (("ordinary", SKIN), ("keloid-prone", keloid)) for d in (7, 14, 30)},
    )  # fmt: skip


if __name__ == "__main__":
    main()
