#!/usr/bin/env python3
"""Train steps and sampling of muybridge and of PyTorch in turns: same model, same packed batch, same threads.

  bench/compare.py --torch VENV/bin/python [--threads 2] [--repeats 15]

One line a comparison, ending in the ratio of the medians (above 1: muybridge is faster).
"""

import argparse
import math
import os
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Patch, patches of a clip, clips, width, heads: the demo's batch of short clips, one whose clips are
# long enough for attention to count, and one as wide as models that people use, where all but the
# products should vanish. All have pictures of 32x32 and 16 frames, depth 4 and an MLP of 4 widths.
BATCHES = {"short clips": ("4x8x8", "4x4x4", 32, 128, 4), "long clips": ("2x4x4", "8x8x8", 8, 128, 4),
           "width 768": ("2x4x4", "8x8x8", 2, 768, 12)}

# The jobs of bench/peer_dit.py: the command of `muybridge bench` that does the same, and its settings.
JOBS = {"train": ("step", []),
        "sample": ("sample", ["eval.steps=4", "eval.solver=euler", "eval.guidance=4", "flow.shift=1"])}


class Driven:
    """A program that says "ready", then times one step for each line it reads."""

    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)
        line = ""
        while "ready" not in line:
            line = self.read()
        self.ready = line.split()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended with {self.process.wait()}")
        return line

    def seconds(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.read())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", required=True, help="a python with PyTorch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--jobs", default=",".join(JOBS), help="some of: " + ", ".join(JOBS))
    parser.add_argument("--batches", default=",".join(BATCHES), help="some of: " + ", ".join(BATCHES))
    parser.add_argument("--dtypes", default="fp32,bf16", help="some of: fp32, bf16")
    parser.add_argument("--program", default=ROOT / "build/release/muybridge")
    arguments = parser.parse_args()
    for job in arguments.jobs.split(","):
        for name in arguments.batches.split(","):
            for dtype in arguments.dtypes.split(","):
                compare(arguments, job, name, dtype)
                if job == "train":
                    compare_rate(arguments, name, dtype)


def bench(arguments, command, name, dtype, settings=()):
    """`muybridge bench COMMAND` with the model and batch of a case."""
    patch, grid, clips, width, heads = BATCHES[name]
    tokens = clips * math.prod(map(int, grid.split("x")))
    if command == "step":  # the peer has no Muon
        settings = [*settings, "optimizer.matrices=adamw", "batch.micro_batches=1"]
    return Driven([arguments.program, "bench", command, ROOT / "configs/shapes.yaml", "--interactive", *settings,
                   f"model.patch=[{patch.replace('x', ',')}]", "model.prediction=velocity", "model.head_mlp_width=0",
                   f"model.width={width}",
                   f"model.heads={heads}", f"model.mlp_width={4 * width}", f"batch.tokens={tokens}",
                   f"train.precision={'f32' if dtype == 'fp32' else dtype}",
                   f"threads={arguments.threads}"], arguments.threads)


def medians(a, b, repeats):
    """Of the seconds of two programs that run in turns; stops both."""
    pairs = [(a.seconds(), b.seconds()) for _ in range(repeats)]
    a.stop()
    b.stop()
    return (statistics.median(values) for values in zip(*pairs))


def compare_rate(arguments, name, dtype):
    """Operations a second of the train step over those of its matrix products alone."""
    step, products = (bench(arguments, command, name, dtype) for command in ("step", "matmul"))
    flops = [float(program.ready[1]) for program in (step, products)]
    rates = [f / t * 1e-9 for f, t in zip(flops, medians(step, products, arguments.repeats))]
    print(f"train, {name}, {dtype}, {arguments.threads} threads: muybridge {rates[0]:.0f} GFLOP/s, "
          f"oneDNN's products alone {rates[1]:.0f} GFLOP/s  {rates[0] / rates[1]:.2f}x", flush=True)


def compare(arguments, job, name, dtype):
    patch, grid, clips, width, heads = BATCHES[name]
    command, settings = JOBS[job]
    for mode in ("eager", "compile"):
        ours = bench(arguments, command, name, dtype, settings)
        theirs = [arguments.torch, ROOT / "bench/peer_dit.py", "--threads", arguments.threads, "--drive", "--cases",
                  f"{job},{mode},{dtype}", "--patch", patch, "--clips", f"{clips}*{grid}", "--caption-bytes", "25",
                  "--text-depth", "1", "--width", width, "--heads", heads, "--mlp-width", 4 * width]
        mine, peer = medians(ours, Driven(theirs, arguments.threads), arguments.repeats)
        print(f"{job}, {name}, {dtype}, {arguments.threads} threads: muybridge {mine * 1e3:.1f} ms, "
              f"PyTorch {mode} {peer * 1e3:.1f} ms  {peer / mine:.2f}x", flush=True)


if __name__ == "__main__":
    main()
