#!/usr/bin/env python3
"""Train steps of muybridge and of PyTorch in turns: same model, same packed batch, same threads.

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

# Patch, patches of a clip, clips: the demo's batch of short clips, and one whose clips are long enough
# for attention to count. Both have pictures of 32x32 and 16 frames.
BATCHES = {"short clips": ("4x8x8", "4x4x4", 32), "long clips": ("2x4x4", "8x8x8", 8)}


class Driven:
    """A program that says "ready", then times one step for each line it reads."""

    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)
        while "ready" not in self.read():
            pass

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
    parser.add_argument("--program", default=ROOT / "build/release/muybridge")
    arguments = parser.parse_args()
    cases = [(name, dtype) for name in BATCHES for dtype in ("fp32", "bf16")]
    for name, dtype in cases:
        patch, grid, clips = BATCHES[name]
        tokens = clips * math.prod(map(int, grid.split("x")))
        ours = [arguments.program, "bench", "step", ROOT / "configs/shapes.yaml", "--interactive",
                f"model.patch=[{patch.replace('x', ',')}]", "model.prediction=velocity", f"batch.tokens={tokens}",
                "batch.micro_batches=1", f"train.precision={'f32' if dtype == 'fp32' else dtype}",
                f"threads={arguments.threads}"]
        for mode in ("eager", "compile"):
            theirs = [arguments.torch, ROOT / "bench/peer_dit.py", "--threads", arguments.threads, "--drive", "--cases",
                      f"train,{mode},{dtype}", "--patch", patch, "--clips", f"{clips}*{grid}", "--caption-bytes", "25",
                      "--text-depth", "1"]
            a, b = Driven(ours, arguments.threads), Driven(theirs, arguments.threads)
            pairs = [(a.seconds(), b.seconds()) for _ in range(arguments.repeats)]
            a.stop()
            b.stop()
            mine, peer = (statistics.median(values) for values in zip(*pairs))
            print(f"train step, {name}, {dtype}, {arguments.threads} threads: muybridge {mine * 1e3:.1f} ms, "
                  f"PyTorch {mode} {peer * 1e3:.1f} ms  {peer / mine:.2f}x", flush=True)


if __name__ == "__main__":
    main()
