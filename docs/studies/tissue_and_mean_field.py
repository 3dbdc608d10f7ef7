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
roots (`tests/agreement/test_tissue_and_mean_field.py`). Around channels:
"""

AFTER = """
Papillary dermis, change from baseline of numbers per mm3 (of capillaries per mm2, of collagen mg/mL); for the tissue
mean and standard error over the seeds, and the tissue's change over the mean field's. The killed share of the
papillary dermis is what the seeds drew, beside its expectation.

Inflammation and cells go the same way. Their ratios lie between 0.4 and 1.4, those of the killed share between 0.85
and 1.3; beyond are macrophages of the block on day 7, at 2.4, and on day 14, when they are near rest and their row is
mostly chance. **Collagen does not.** By then the mean field has made good nearly all that the session broke, the
tissue hardly any. A likely reason, not yet proven, is the law of induced synthesis: it needs ED-A fibronectin, which
is laid on fibrin, and fibrin lies in the tracks, where most fibroblasts were killed. The mean field lets every
fibroblast of the zone, 250 um around a channel, feel the zone's average of fibronectin. So the tissue speaks against
the collagen gain of the shipped closure (see [closure](closure.md)), or for a synthesis that answers further from the
track than fibronectin lies; which of the two is not settled, and neither is mended yet. A slice makes of each channel
a slot without end in y, which the block does not.

What macrophages climb matters as much: where they climbed TGF-beta and PDGF, which they make themselves, they clumped
and stayed at three times the mean field's number on day 10 ([card](tissue_card.md#known-faults)).
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
