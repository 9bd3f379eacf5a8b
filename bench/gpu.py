#!/usr/bin/env python3
"""What only a GPU can tell; bench/gpu.sh starts it.

Checks: every op against its CPU twin on fresh random numbers; a run that is done twice gives the same
bytes; the demo's loss curve in f32 is the CPU's. Measures: the step of configs/dit-1.3b.yaml, its
products alone, sampling. Each check is a line; a failed one does not keep the others from running.
--out writes the lines as a table. Exits 1 if a check failed.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # bf16, dense, by the makers' sheets
CURVE_BOUND = 1e-3
ROUNDED_BOUND = 5e-2
HEADS_OF_64 = ("model.heads=2", "train.precision=bf16")  # of width 128: cuDNN's attention
DEMO_STEPS = 50
LARGE_TOKENS = 32760  # a clip of 480 x 832 x 81


class Failed(Exception):
    """A check that did not hold; the text says what was seen."""


def run(*command, seconds=600, **more):
    """What the command printed. Raises Failed with the end of its output where it fails."""
    try:
        done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False,
                              timeout=seconds, **more)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(map(str, command))}: not over after {seconds} s") from None
    if done.returncode != 0:
        raise Failed(f"exit {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    return done.stdout


def metrics_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


class Checks:
    def __init__(self, scratch):
        self.scratch = scratch
        self.corpus = None

    def demo(self, name, *overrides):
        """Trains the demo for a few steps and returns the run's folder."""
        if not self.corpus:
            clips, self.corpus = self.scratch / "clips", self.scratch / "prepared"
            run("muybridge", "corpus", "make", "shapes", clips, "--size", "32x32", "--frames", "16",
                "--clips", "200", "--validation", "16")
            run("muybridge", "prepare", clips, self.corpus)
        folder = self.scratch / name
        run("muybridge", "train", "configs/shapes.yaml", f"run.folder={folder}",
            f"data.train={self.corpus}", f"train.steps={DEMO_STEPS}", "train.checkpoint_every=0",
            "eval.every=0", "eval.samples=0", *overrides)
        return folder

    def device(self):
        lines = [line for line in run("muybridge", "doctor").splitlines() if "CUDA" in line]
        text = " ".join(lines)
        if "compute capability" not in text:
            raise Failed(text or "doctor says nothing of CUDA")
        return re.sub(r"\s+", " ", text)

    def ops(self):
        text = run("tests_core", "--gtest_filter=CudaTwin.*", "--gtest_brief=1")
        passed = re.search(r"\[  PASSED  \] (\d+) test", text)
        if not passed or int(passed[1]) == 0 or "SKIPPED" in text:
            raise Failed(text[-1500:])
        return f"{passed[1]} tests, every op against its CPU twin"

    def repeats(self):
        def digest(name):
            folder = self.demo(name, "device=cuda", "train.steps=10", *HEADS_OF_64)
            file = folder / "weights.safetensors"
            run("muybridge", "checkpoint", "export", folder, file, "--raw")
            return hashlib.sha256(file.read_bytes()).hexdigest()

        first, second = digest("first"), digest("second")
        if first != second:
            raise Failed(f"weights after 10 steps differ: {first[:16]} and {second[:16]}")
        return "the weights of 10 steps, done twice, have the same bytes"

    def curve(self):
        there = metrics_of(self.demo("there", "device=cuda", "train.precision=f32"))
        here = metrics_of(self.demo("here", "device=cpu", "train.precision=f32"))
        worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(there, here, strict=True))
        if worst > CURVE_BOUND:
            raise Failed(f"the loss is off by {worst:.2e} of itself, more than {CURVE_BOUND:g}")
        return f"{len(here)} steps of the demo in f32: the loss within {worst:.1e} of the CPU's"

    def rounded_curve(self):
        there = metrics_of(self.demo("there-bf16", "device=cuda", *HEADS_OF_64))
        here = metrics_of(self.demo("here-f32", "device=cpu", "train.precision=f32", HEADS_OF_64[0]))
        worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(there, here, strict=True))
        if worst > ROUNDED_BOUND:
            raise Failed(f"the loss is off by {worst:.2e} of itself, more than {ROUNDED_BOUND:g}")
        return f"{len(here)} steps of the demo in bf16, heads of 64: the loss within {worst:.1e} of f32 on the CPU"

    def fp8_curve(self):
        there = metrics_of(self.demo("there-fp8", "device=cuda", "train.linear=fp8", "train.precision=f32"))
        here = metrics_of(self.demo("here-fp8", "device=cpu", "train.linear=fp8", "train.precision=f32"))
        worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(there, here, strict=True))
        if worst > ROUNDED_BOUND:
            raise Failed(f"the loss is off by {worst:.2e} of itself, more than {ROUNDED_BOUND:g}")
        return f"{len(here)} steps of the demo with products of 8 bits: the loss within {worst:.1e} of the CPU's"

    def bench(self, job, *overrides):
        return json.loads(run("muybridge", "bench", job, "configs/dit-1.3b.yaml", "device=cuda",
                              f"batch.tokens={LARGE_TOKENS}", *overrides, "--json"))

    def products(self):
        figures = self.bench("matmul", "model.depth=1")
        return (f"of one block: {figures['seconds_median'] * 1e3:.1f} ms, "
                f"{figures['gflops'] / 1e3:.0f} TFLOP/s")

    def step(self, *overrides):
        figures = self.bench("step", "batch.micro_batches=1", *overrides)
        rate = figures["gflops"] * 1e9
        peak = next((value for name, value in PEAK.items() if name in self.device()), None)
        share = f", MFU {100 * rate / peak:.1f}% of {peak / 1e12:.0f}" if peak else ""
        return (f"{figures['seconds_median'] * 1e3:.0f} ms, {rate / 1e12:.0f} TFLOP/s{share}, "
                f"{figures['peak_pool_bytes'] / 1e9:.1f} GB, "
                f"{figures['allocations_after_first_step']} allocations after the first step")

    def fp8_step(self):
        return self.step("train.linear=fp8") + " (of the peak in bf16)"

    def sample(self):
        figures = self.bench("sample", "eval.steps=4")
        return f"{figures['seconds_median']:.2f} s for 4 steps with guidance, {LARGE_TOKENS} tokens"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="checks whose name matches this regular expression")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(), help="where --out lies")
    parser.add_argument("--out", type=pathlib.Path, help="a file for the table")
    arguments = parser.parse_args()
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
    rows, failures = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        checks = Checks(pathlib.Path(scratch))
        for name in ("device", "ops", "repeats", "curve", "rounded_curve", "fp8_curve", "products",
                     "step", "fp8_step", "sample"):
            if not re.search(arguments.only or "", name):
                continue
            began = time.monotonic()
            try:
                outcome, text = "ok", getattr(checks, name)()
            except Exception as failure:  # of whatever kind: the other checks run
                outcome, text = "FAILED", f"{type(failure).__name__}: {failure}"
                failures += 1
            print(f"{name:13} {outcome:6} {time.monotonic() - began:6.1f} s  {text}", flush=True)
            rows.append((name, outcome, text))
            if name == "device" and outcome == "FAILED":
                break
    if arguments.out:
        lines = ["| | | |", "|---|---|---|"]
        lines += [f"| {name} | {outcome} | {text.replace(chr(10), ' ')[:300]} |" for name, outcome, text in rows]
        (arguments.folder / arguments.out).write_text("\n".join(lines) + "\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
