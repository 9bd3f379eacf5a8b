#!/usr/bin/env python3
"""The launcher's script in launch/kubernetes.yaml with the real mpirun and program: SIGTERM, as a
pod gets it, becomes a commit and code 75; the next start goes on.   kubernetes_test.py MUYBRIDGE"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MUYBRIDGE = None
TINY = ("model.width=32 model.depth=1 model.heads=2 model.mlp_width=64 model.text_width=32 batch.tokens=64 "
        "eval.samples=0 eval.prompts= train.checkpoint_every=0")


def script_of(text):
    """The block below 'args:', as the shell gets it."""
    lines = text.split("args:\n")[1].splitlines()[1:]
    indent = len(lines[0]) - len(lines[0].lstrip())
    block = [line for line in lines if not line.strip() or len(line) - len(line.lstrip()) >= indent]
    return textwrap.dedent("\n".join(lines[:next(
        (i for i, line in enumerate(lines) if line not in block), len(lines))]))


class KubernetesTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muybridge-kubernetes-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "build/release").mkdir(parents=True)
        (self.folder / "build/release/muybridge").symlink_to(MUYBRIDGE)
        shutil.copytree(ROOT / "configs", self.folder / "configs")
        for words in (["corpus", "make", "shapes", "clips", "--clips", "6", "--validation", "2", "--size", "32x32",
                       "--frames", "8"],
                      ["prepare", "clips", "corpus", "--size", "32x32", "--frames", "8"]):
            subprocess.run([MUYBRIDGE, *words], cwd=self.folder, check=True, capture_output=True)
        script = script_of((ROOT / "launch/kubernetes.yaml").read_text())
        # A pod has its own folders, and cores to bind to.
        for there, here in (("-np 32", "-np 2"), (":PE=12", ""), ("--bind-to core", "--bind-to none"),
                            ("batch.micro_batches=64", "batch.micro_batches=2"), ("=/corpus", "=corpus"),
                            ("=/runs", "=runs")):
            self.assertIn(there, script)
            script = script.replace(there, here)
        self.script = script

    def start(self, steps):
        script = self.script.replace("configs/shapes.yaml", f"configs/shapes.yaml {TINY} train.steps={steps}")
        environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                           OMP_NUM_THREADS="1", OMPI_MCA_rmaps_base_oversubscribe="1")
        return subprocess.Popen(["bash", "-c", script], cwd=self.folder, env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def test_a_pod_that_is_told_to_go_commits_and_the_next_goes_on(self):
        job = self.start(1000000)
        metrics = self.folder / "runs/shapes/metrics.jsonl"
        while not metrics.exists() or metrics.stat().st_size == 0:
            self.assertIsNone(job.poll(), "the job ended before it trained")
            time.sleep(0.02)
        job.send_signal(signal.SIGTERM)
        output, _ = job.communicate(timeout=120)
        self.assertEqual(job.returncode, 75, output)
        step = int((self.folder / "runs/shapes/checkpoints/latest").read_text().strip().split("-")[-1])
        job = self.start(step + 2)
        output, _ = job.communicate(timeout=120)
        self.assertEqual(job.returncode, 0, output)
        self.assertIn(f"going on after step {step}", output)


if __name__ == "__main__":
    MUYBRIDGE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
