"""One session in the tissue of single cells and in the mean field: changes from baseline, side by side.

``python docs/studies/tissue_and_mean_field.py > docs/tissue_and_mean_field.md`` makes the page, in some minutes.
"""

import numpy as np

import collagensim as cs
from collagensim.treatment import injure

PAGE = """# The tissue and the mean field

The same session (pen, 1 mm, 1000 channels/cm2, default skin) in the tissue of single cells and in the mean field with
its zone and between. Both run the same reactions. Where nothing depends on place they agree: after a punch, which
hits every voxel alike, with fields that level at once, numbers of cells scatter about the mean field's by their own
roots (`tests/agreement/test_tissue_and_mean_field.py`). Around channels they do not:
"""

AFTER = """
Papillary dermis, change from baseline of numbers per mm3 (of capillaries per mm2, of collagen mg/mL); for the tissue
mean and standard error over the seeds named, and the tissue's change over the mean field's. The killed share of the
papillary dermis is what the seeds drew, beside its expectation in the mean field.

What makes the difference: in the tissue clot, debris and dead cells lie in the tracks themselves, some 100 um wide,
at full strength; the mean field spreads them over the zone of 250 um and feels their average. Laws that saturate (a
wound's cue, the attraction of monocytes) answer to a concentrated wound less at first and for longer. A slice makes
of each channel a slot without end in y, which the block does not; the two lie nearer to each other than either to the
mean field. Cells walk in the tissue and stay in the mean field; with speeds of zero the difference is smaller but
does not go away. So neither is a check on the other's numbers around channels: it is the closure that is at stake
([closure](closure.md)), and what it predicts of macrophages after day 3 should be read with this table beside it. Not
yet mended in the mean field.
Made by `docs/studies/tissue_and_mean_field.py`.
"""

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=1.0, density_per_cm2=1000)
PROTOCOL = cs.Protocol([(0, SESSION)])
DAYS = [0.0, 1.0, 3.0, 7.0, 14.0]
SHOWN = [
    ("neutrophils", 1.0), ("macrophages", 3.0), ("macrophages", 7.0), ("macrophages", 14.0), ("fibroblasts", 7.0),
    ("fibroblasts", 14.0), ("myofibroblasts", 14.0), ("capillary_density", 14.0), ("collagen_total", 14.0),
]  # fmt: skip
SLICES = {"slice": {"width_mm": 2.0, "slab_um": 300.0}, "block": {"width_mm": 0.64, "breadth_mm": 0.64}}
SEEDS = {"slice": range(6), "block": range(3)}


def changes(data):
    """Change from the first row of what is shown, papillary."""
    return np.array([float(data[name].sel(time=day)[0] - data[name].isel(time=0)[0]) for name, day in SHOWN])


def killed(tissue):
    """Share of the papillary dermis that the session killed, by the channels that were drawn."""
    fields = tissue.fields(1.0)
    matrix = fields["collagen_mature"].values
    top = matrix[fields["layer"].values == 0]
    return float((top < 0.97 * np.median(top)).mean())


def main():
    """Print the page."""
    expected = changes(cs.simulate(SKIN, PROTOCOL, days=14, output_days=DAYS).data)
    found, shares = {}, {}
    for name, piece in SLICES.items():
        runs = [
            cs.simulate_tissue(SKIN, PROTOCOL, days=14, seed=s, output_days=DAYS, **piece)
            for s in SEEDS[name]
        ]
        found[name] = np.array([changes(run.data) for run in runs])
        shares[name] = [killed(run) for run in runs]
    print(PAGE)
    print("| | day | mean field | slice, 6 seeds | ratio | block, 3 seeds | ratio |")
    print("|---|---|---|---|---|---|---|")
    for k, (name, day) in enumerate(SHOWN):
        cells = []
        for values in found.values():
            mean, error = values[:, k].mean(), values[:, k].std(ddof=1) / np.sqrt(len(values))
            cells += [f"{mean:.3g} ± {error:.2g}", f"{mean / expected[k]:.2f}"]
        print(f"| {name} | {day:g} | {expected[k]:.3g} | {' | '.join(cells)} |")
    mean_share = injure(SKIN, SESSION).killed_mean[0]
    drawn = " | ".join(
        f"{np.mean(values):.2f} | {np.mean(values) / mean_share:.2f}" for values in shares.values()
    )
    print(f"| killed share | 0 | {mean_share:.2f} | {drawn} |")
    print(AFTER)


if __name__ == "__main__":
    main()
