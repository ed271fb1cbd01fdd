"""The shipped job on real MNIST (RS_TEST_DATA names the folder that holds mnist/; skipped without it).

usage: mnist_test.py PROGRAM DIRECTORY [full]

Short: the plan's parameter counts, and a small training that must reach what a linear classifier does not.
full: the whole job as shipped, and with the constant learning rate, against the figures that the project promises.
"""
import json
import os
import sys

import h5py

from harness import Harness

PARAMETERS = {10: 115370, 20: 215370, 50: 515370, 100: 1015370, 200: 2015370, 0: 5012490}


def data_option():
    folder = os.environ.get("RS_TEST_DATA")
    if not folder or not os.path.isdir(f"{folder}/mnist"):
        print("skipped: RS_TEST_DATA names no folder with mnist/")
        sys.exit(77)
    return ["--set", f"data.path={folder}/mnist"]


def check_plan(h, job, data):
    plan = json.loads(h.run("plan", job, "--json", *data).stdout)
    last = {t["settings"]["svd.rank"]: plan["stages"][t["stages"][-1]] for t in plan["trials"]}
    got = {0 if d == "full" else d: int(s["parameters"]) for d, s in last.items()}
    h.check(got == PARAMETERS, f"parameter counts {got}")
    h.check([s["kind"] for s in plan["stages"]].count("mlp-train") == 1, "one training")


def small(h, job, data):
    h.run("run", job, "-n", 2, "-o", "small.h5", *data, "--set", "data.train=15000", "--set", "data.test=2000",
          "--set", "train.epochs=4", "--set", "model.hidden=[256, 256]", timeout=300)
    rows = {row["svd.rank"]: row for row in h.show("small.h5")}
    h.check(rows[0]["test_accuracy"] > 0.92, f"accuracy {rows[0]['test_accuracy']}")
    h.check(rows[50]["test_accuracy"] > rows[0]["test_accuracy"] - 0.03, "most of it is left at D = 50")
    h.check(rows[10]["test_accuracy"] < rows[100]["test_accuracy"], "and less at D = 10")


def last_three(path):
    with h5py.File(path) as f:
        return float(f["metrics"]["test_accuracy"][-3:].mean())


def full(h, job, data):
    h.run("run", job, "-o", "shipped.h5", *data, timeout=3000)
    rows = {row["svd.rank"]: row for row in h.show("shipped.h5")}
    for d, row in sorted(rows.items()):
        print(f"D = {d or 'full'}: accuracy {row['test_accuracy']:.4f}, {row['parameters']} parameters")
    h.check({d: row["parameters"] for d, row in rows.items()} == PARAMETERS, "parameter counts")
    mean = last_three("shipped.h5")
    h.check(mean >= 0.983, f"shipped job: mean test accuracy of the last three epochs {mean:.4f}, expected 0.983")
    top = rows[0]["test_accuracy"]
    h.check(abs(rows[50]["test_accuracy"] - top) <= 0.004, f"D = 50: {rows[50]['test_accuracy']}, full: {top}")
    h.check(rows[20]["test_accuracy"] > 0.90, f"D = 20: {rows[20]['test_accuracy']}")
    h.run("run", job, "-o", "plain.h5", *data, "--set", "train.schedule=constant", "--set", "train.warmup=0",
          "--set", "train.weight_decay=0", "--set", "sweep.space.svd.rank=[50]", timeout=3000)
    mean = last_three("plain.h5")
    h.check(mean >= 0.976, f"plain Adam: mean test accuracy of the last three epochs {mean:.4f}, expected 0.976")
    print(f"shipped {last_three('shipped.h5'):.4f}, plain Adam {mean:.4f}")


def main():
    data = data_option()
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../jobs/mnist-svd-compress.yaml")
    h = Harness()
    job = h.write("job.yaml", open(source, encoding="utf-8").read())
    check_plan(h, job, data)
    (full if "full" in sys.argv[3:] else small)(h, job, data)
    h.finish()


if __name__ == "__main__":
    main()
