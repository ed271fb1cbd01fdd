"""/plots as h5web and silx find it: from `default` to `default` down to a signal and its axis.

usage: plots_test.py PROGRAM DIRECTORY
"""
import json
import sys

from harness import Harness

try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

JOB = """name: plotted
experiment: svd-compress
data: {source: digits, train: 400, test: 100}
model: {hidden: [40, 32]}
train: {epochs: 3, batch: 64}
sweep: {space: {svd.rank: [8, 2, full]}, objectives: {test_accuracy: max, parameters: min}}
"""
LOOK = """name: look
experiment: noop-look
look: {images: 7}
sweep: {space: {look.index: [1, 2]}}
"""
MANY = """name: many
experiment: noop
noop: {rows: 2}
sweep: {space: {noop.index: [%s]}}
"""


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def default_plot(f):
    """The NeXus way to what is to be shown first."""
    group = f
    while "default" in group.attrs:
        group = group[group.attrs["default"]]
    return group


def check_nxdata(h, plot):
    """What every NXdata group must have; its signal and axis."""
    where = plot.name
    h.check(plot.attrs.get("NX_class") == "NXdata", f"{where}: NX_class")
    signal, axis = plot[plot.attrs["signal"]], plot[plot.attrs["axes"]]
    h.check(signal.ndim == 1 and signal.shape == axis.shape and len(signal) > 0, f"{where}: lengths")
    for name in plot.attrs.get("auxiliary_signals", ()):
        h.check(plot[text(name)].shape == signal.shape, f"{where}: length of {text(name)}")
    h.check(len(text(plot["title"][()])) > 0, f"{where}: title")
    h.check("long_name" in axis.attrs, f"{where}: long_name of the axis")
    if "SILX_style" in plot.attrs:
        json.loads(plot.attrs["SILX_style"])
    return signal, axis


def check_image(h, plot, packed):
    """An image on its axes; the number of its example."""
    where, example = plot.name, int(plot.name.rsplit("example", 1)[1])
    h.check(plot.attrs["NX_class"] == "NXdata" and plot.attrs["interpretation"] == "image", f"{where}: attributes")
    signal, axes = plot[plot.attrs["signal"]], [plot[text(name)] for name in plot.attrs["axes"]]
    h.check(signal.shape == (5 + example, 7) == tuple(len(axis) for axis in axes), f"{where}: lengths {signal.shape}")
    h.check([axis.name.rsplit("/", 1)[1] for axis in axes] == ["frequency", "time"], f"{where}: {plot.attrs['axes']}")
    h.check([axis.attrs["units"] for axis in axes] == ["Hz", "s"], f"{where}: units of the axes")
    h.check([axis.attrs["long_name"] for axis in axes] == ["Frequency", "Time"], f"{where}: names of the axes")
    h.check(np.allclose(axes[0][:], 125 * np.arange(5 + example)), f"{where}: frequencies")
    scale = 0.01 if where.startswith("/plots/mask") else -1
    h.check(np.allclose(signal[:], scale * np.arange(signal.size).reshape(signal.shape), rtol=1e-6), f"{where}: values")
    h.check(f"of example{example}, look-at, stage" in text(plot["title"][()]), f"{where}: {plot['title'][()]}")
    if packed and scale == -1:
        h.check(signal.attrs["units"] == "dB" and signal.attrs["long_name"] == "Spectrogram", f"{where}: unit of the image")
    link = plot.get(plot.attrs["signal"], getlink=True)
    h.check(isinstance(link, h5py.HardLink if packed else h5py.ExternalLink), f"{where}: {link}")
    return example


def check_images(h):
    """Some of the images of two stages: both of an example, 24 in all; what lacks an axis is left out."""
    h.write("look.yaml", LOOK)
    h.run("run", "look.yaml", "-o", "look.h5", "-n", 1)
    h.run("pack", "look.h5", "-o", "look-packed.h5")
    for path, packed in (("look.h5", False), ("look-packed.h5", True)):
        h.check("24 plotted vectors" in h.run("verify", path).stdout, f"{path}: verify")
        with h5py.File(path) as f:
            masks, spectra = ([f["plots"][n] for n in f["plots"] if n.startswith(p)] for p in ("mask", "spectrogram"))
            h.check(len(masks) == len(spectra) == 12, f"{path}: {list(f['plots'])}")
            h.check(sorted(check_image(h, m, packed) for m in masks) == sorted(check_image(h, s, packed) for s in spectra),
                    f"{path}: both images of each example")
            h.check(default_plot(f).attrs["NX_class"] == "NXdata", f"{path}: one of them is shown")


def check_trials(h, f):
    plot = default_plot(f)
    h.check(plot.name == "/plots/test_accuracy_against_parameters", f"the default plot is {plot.name}")
    signal, axis = check_nxdata(h, plot)
    trials = np.sort(f["trials"][:], order="parameters")
    h.check(np.array_equal(axis[:], trials["parameters"]) and np.all(np.diff(axis[:]) > 0), "parameters ascend")
    h.check(np.array_equal(signal[:], trials["test_accuracy"]), "accuracies of these trials")
    h.check(np.array_equal(plot["trial"][:], trials["trial"]), "and their numbers")


def check_curves(h, f):
    curves = [name for name in f["plots"] if name.startswith("learning_curve")]
    h.check(curves == ["learning_curve_stage_0"], f"a curve a training: {curves}")
    plot = f["plots"][curves[0]]
    signal, axis = check_nxdata(h, plot)
    metrics = f["metrics"][:]
    h.check(plot.attrs["signal"] == "test_loss" and signal.attrs["units"] == "nat", "the test loss in its unit")
    h.check(np.array_equal(axis[:], [1, 2, 3]) and axis.attrs["units"] == "epochs", "over epochs")
    names = [plot.attrs["signal"], *map(text, plot.attrs["auxiliary_signals"])]
    h.check(len(names) == len(set(names)) == 5, f"all metrics: {names}")
    h.check(all(np.array_equal(plot[name][:], metrics[name]) for name in names), "values of /metrics")


def check_vectors(h, f, packed):
    names = [name for name in f["plots"] if name.startswith("singular_values")]
    h.check(names == ["singular_values_stage_1_dense1", "singular_values_stage_1_dense2"], f"a plot a layer: {names}")
    for name, width in zip(names, (40, 32)):
        plot = f["plots"][name]
        signal, axis = check_nxdata(h, plot)
        h.check(np.array_equal(axis[:], np.arange(1, width + 1)), f"{name}: the index counts from 1")
        full = f["models/2"][f"{name.rsplit('_', 1)[1]}/kernel"][:]
        expected = np.linalg.svd(full, compute_uv=False)
        h.check(np.allclose(signal[:], expected, atol=1e-4), f"{name}: the singular values of the kernel")
        link = plot.get("singular_values", getlink=True)
        h.check(isinstance(link, h5py.HardLink if packed else h5py.ExternalLink), f"{name}: {link}")
        h.check(packed or not link.filename.startswith("/"), f"{name}: a relative name")


def check_file(h, path, packed):
    with h5py.File(path) as f:
        h.check(f.attrs["NX_class"] == "NXroot" and f["plots"].attrs["NX_class"] == "NXentry", "NXroot, NXentry")
        check_trials(h, f)
        check_curves(h, f)
        check_vectors(h, f, packed)


def check_many(h):
    """Not every stage gets a curve, and the file says what is shown first all the same."""
    h.write("many.yaml", MANY % ", ".join(map(str, range(130))))
    h.run("run", "many.yaml", "-o", "many.h5", "-n", 1)
    with h5py.File("many.h5") as f:
        curves = [name for name in f["plots"] if name.startswith("learning_curve")]
        h.check(len(curves) == 100 and "learning_curve_stage_99" in curves, f"{len(curves)} curves")
        signal, _ = check_nxdata(h, default_plot(f))
        h.check(np.allclose(signal[:], [1, 0.5]), "the first stage is shown")


def main():
    h = Harness()
    h.write("job.yaml", JOB)
    h.run("run", "job.yaml", "-o", "r.h5", "-n", 1)
    check_file(h, "r.h5", False)
    h.run("pack", "r.h5", "-o", "packed.h5")
    check_file(h, "packed.h5", True)
    check_images(h)
    check_many(h)
    h.finish()


if __name__ == "__main__":
    main()
