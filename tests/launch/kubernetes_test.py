#!/usr/bin/env python3
"""What the launcher of launch/kubernetes.yaml starts, with the real mpirun and program: SIGTERM, as a
pod gets it, becomes a commit and code 75; the next start goes on.   kubernetes_test.py MUYBRIDGE"""
import json
import re
import signal
import subprocess
import sys
import unittest

import tiny_run

MUYBRIDGE = None


def words_of(text, key):
    """The list of quoted words after the first `key:`, which may go over several lines."""
    return json.loads(re.search(rf"^ *{key}: (\[.*?\])$", text, re.MULTILINE | re.DOTALL)[1])


class KubernetesTest(unittest.TestCase):
    def setUp(self):
        self.folder = tiny_run.checkout(self.addCleanup, MUYBRIDGE, "corpus")
        text = (tiny_run.ROOT / "launch/kubernetes.yaml").read_text()
        command, words = words_of(text, "command"), words_of(text, "args")
        # tini, which the image has, hands the signals of a pod on.
        self.assertEqual(command[:2], ["tini", "--"])
        # A pod has its own folders, and cores to bind to.
        here = {"32": "2", "slot:PE=12": "slot", "core": "none", "batch.micro_batches=64": "batch.micro_batches=2",
                "data.train=/corpus": "data.train=corpus", "run.folder=/runs/shapes": "run.folder=runs/shapes"}
        self.assertLessEqual(here.keys(), set(words))
        self.command = command[2:] + [here.get(word, word) for word in words] + tiny_run.TINY

    def start(self, steps):
        return subprocess.Popen([*self.command, "train.checkpoint_every=0", f"train.steps={steps}"], cwd=self.folder,
                                env=tiny_run.environment(), text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def test_a_pod_that_is_told_to_go_commits_and_the_next_goes_on(self):
        run = self.folder / "runs/shapes"
        job = self.start(1000000)
        tiny_run.wait_for(self, job, run / "metrics.jsonl")
        job.send_signal(signal.SIGTERM)
        output, _ = job.communicate(timeout=120)
        self.assertEqual(job.returncode, 75, output)
        step = tiny_run.committed(run)
        job = self.start(step + 2)
        output, _ = job.communicate(timeout=120)
        self.assertEqual(job.returncode, 0, output)
        self.assertIn(f"going on after step {step}", output)


if __name__ == "__main__":
    MUYBRIDGE = sys.argv.pop(1)
    unittest.main()
