#!/usr/bin/env python3
"""Holds the memory that `muybridge plan` says against what ranks really use.

  bench/plan_memory.py [--program build/release/muybridge] [--only REGEX] [--steps 2] [--size 64x64]

Trains a few layouts for some steps and prints a line each: the peak resident memory of the largest
rank (report.json), what `muybridge plan --gpu cpu` says for the same configuration, and the
difference over the measured one. Both are without the base of a process, which is that of a rank
with next to no model. Each layout takes up to 7 GB over all its ranks.
"""

import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CONFIG = """
run: {name: plan-memory}
data: {prefetch: 2}
model: {patch: [4, 8, 8], width: 512, depth: 8, heads: 8, mlp_width: 2048, text_width: 128,
        text_depth: 1, text_heads: 8}
batch: {tokens: 768, micro_batches: 4}
optimizer: {learning_rate: 1e-4}
train: {steps: 3, seed: 3, checkpoint_every: 0, commit: wait}
eval: {every: 0, samples: 0, validation_clips: 0, frames: 16, size: SIZE}
"""
TINY = ["model.width=16", "model.depth=1", "model.heads=2", "model.mlp_width=16", "model.text_width=16",
        "model.text_heads=2", "batch.tokens=256", "batch.micro_batches=1"]
# Activations weigh most.
LONG = "model.width=256 model.mlp_width=1024 batch.tokens=3840"
LAYOUTS = [
    "",
    "train.precision=bf16",
    "model.width=768 model.mlp_width=3072 model.depth=6",
    LONG,
    f"{LONG} model.recompute=block",
    "optimizer.matrices=muon",
    "train.commit=behind",
    "parallel.data=2",
    "parallel.tensor=2",
    "parallel.context=2",
    "parallel.pipeline=2",
    f"{LONG} parallel.tensor=2",
    f"{LONG} parallel.context=2",
    f"{LONG} parallel.pipeline=2",
    f"{LONG} parallel.pipeline=2 parallel.schedule=gpipe",
    f"{LONG} parallel.pipeline=2 parallel.schedule=zb_v",
    f"{LONG} parallel.tensor=2 parallel.context=2",
    f"{LONG} parallel.pipeline=4 parallel.schedule=zb_h1",
    "parallel.tensor=4",
    "parallel.data=4",
    "parallel.data=2 parallel.tensor=2",
    "parallel.tensor=2 parallel.pipeline=2 parallel.schedule=interleaved",
    "parallel.data=4 parallel.zero=1",
    "parallel.data=4 parallel.zero=2",
    "parallel.data=4 parallel.zero=3",
    "parallel.tensor=2 parallel.zero=3",
    "parallel.pipeline=2 parallel.schedule=zb_h1 parallel.zero=3",
    f"{LONG} model.recompute=attention",
    f"{LONG} parallel.context=4 parallel.context_method=ring",
]


def run(command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


def ranks_of(overrides):
    pairs = dict(pair.split("=") for pair in overrides)
    return math.prod(int(pairs.get(f"parallel.{axis}", 1))
                     for axis in ("data", "tensor", "context", "pipeline"))


def measured(program, config, folder, overrides, steps):
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    ranks = ranks_of(overrides)
    launcher = ["mpirun", "-np", ranks, "--oversubscribe", "--bind-to", "none"] if ranks > 1 else []
    run([*launcher, program, "train", config, f"run.folder={folder}", f"train.steps={steps}", *overrides],
        env=environment)
    return json.loads((folder / "report.json").read_text())["peak_memory_bytes"]


def planned(program, config, overrides, caption_bytes):
    text = run([program, "plan", config, *overrides, "--gpu", "cpu", "--nodes", 1, "--gpus-per-node",
                ranks_of(overrides), "--caption-bytes", caption_bytes, "--best", 1, "--json"])
    memory = json.loads(text)["configured"]["memory_bytes"]
    return memory["total"] + memory["snapshot_of_host"] - memory["process"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default="build/release/muybridge")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--size", default="64x64", help="pixels of a clip; 32x32 has a token of text for two of video")
    parser.add_argument("--only", help="layouts that match this regular expression")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        corpus = folder / "prepared"
        run([program, "corpus", "make", "shapes", folder / "clips", "--clips", "400", "--validation", "4", "--size", arguments.size])
        run([program, "prepare", folder / "clips", corpus, "--size", arguments.size])
        captions = [len(file.read_bytes()) for file in (folder / "clips" / "train").glob("*.txt")]
        caption_bytes = round(sum(captions) / len(captions))
        config = folder / "plan-memory.yaml"
        config.write_text(CONFIG.replace("SIZE", arguments.size).replace("data: {", f"data: {{train: {corpus}, "))
        base = {}
        for ranks in (1, 2, 4):
            words = [*TINY, f"parallel.data={ranks}"]
            base[ranks] = measured(program, config, folder / f"base-{ranks}", words, 1)
            print(f"a process, {ranks} rank{'s' * (ranks > 1)}: {base[ranks] / 1e6:.0f} MB", flush=True)
        chosen = [each for each in LAYOUTS if re.search(arguments.only or "", each)]
        for number, layout in enumerate(chosen):
            overrides = layout.split()
            ranks = ranks_of(overrides)
            said = planned(program, config, overrides, caption_bytes)
            got = measured(program, config, folder / f"run-{number}", overrides, arguments.steps) - base[ranks]
            off = said / got - 1
            worst = max(worst, abs(off))
            print(f"{ranks} rank{'s' if ranks > 1 else ' '}  {layout.replace(LONG, 'long') or 'as it is':66s} measured {got / 1e6:6.0f} MB  "
                  f"planned {said / 1e6:6.0f} MB  {100 * off:+5.1f}%", flush=True)
    print(f"largest difference {100 * worst:.1f}%")


if __name__ == "__main__":
    main()
