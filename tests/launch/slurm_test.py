#!/usr/bin/env python3
"""launch/slurm.sbatch with the real mpirun and program; only scontrol, which needs a cluster, is a
script that writes down how it was called.   slurm_test.py MUYBRIDGE"""
import os
import signal
import subprocess
import sys
import unittest

import tiny_run

MUYBRIDGE = None


class SlurmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tiny_run.checkout(cls.addClassCleanup, MUYBRIDGE, "prepared/shapes")
        (cls.folder / "bin").mkdir()
        scontrol = cls.folder / "bin/scontrol"
        scontrol.write_text(f'#!/bin/sh\necho "$@" >>{cls.folder}/requeued\n')
        scontrol.chmod(0o755)

    def setUp(self):
        self.requeued = self.folder / "requeued"
        self.requeued.unlink(missing_ok=True)

    def submit(self, run, *overrides, restarts=0):
        """Starts the script as slurmd does; the caller reads its end."""
        environment = tiny_run.environment(
            PATH=f"{self.folder}/bin:{os.environ['PATH']}", SLURM_SUBMIT_DIR=str(self.folder),
            SLURM_NTASKS="2", SLURM_CPUS_PER_TASK="1", SLURM_JOB_ID="4711", SLURM_RESTART_COUNT=str(restarts),
            # This is no allocation of Slurm.
            OMPI_MCA_ras="^slurm", OMPI_MCA_plm="^slurm")
        script = (tiny_run.ROOT / "launch/slurm.sbatch").read_text()
        # Binding needs cores of one's own.
        self.assertIn("--bind-to core", script)
        copy = self.folder / "slurm.sbatch"
        copy.write_text(script.replace("--bind-to core", "--bind-to none").replace(":PE=${SLURM_CPUS_PER_TASK:-1}", ""))
        words = ["configs/shapes.yaml", f"run.name={run}", *tiny_run.TINY, "batch.micro_batches=2",
                 *overrides] if run else []
        job = subprocess.Popen(["bash", str(copy), *words], env=environment, cwd="/", text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(self.end, job)
        return job

    def end(self, job):
        if job.poll() is None:
            job.send_signal(signal.SIGTERM)
            job.communicate(timeout=60)
        job.stdout.close()

    def finish(self, job):
        output, _ = job.communicate(timeout=120)
        return job.returncode, output

    def requeues(self):
        return self.requeued.read_text().splitlines() if self.requeued.exists() else []

    def test_a_run_that_ends_is_not_requeued(self):
        code, output = self.finish(self.submit("ends", "train.steps=3"))
        self.assertEqual(code, 0, output)
        self.assertEqual(self.requeues(), [])
        self.assertTrue((self.folder / "runs/ends/checkpoints/latest").exists())

    def test_before_its_time_ends_it_commits_and_goes_back_into_the_queue_then_goes_on(self):
        job = self.submit("warned", "train.steps=1000000", "train.checkpoint_every=0")
        run = self.folder / "runs/warned"
        tiny_run.wait_for(self, job, run / "metrics.jsonl")
        job.send_signal(signal.SIGUSR1)
        code, output = self.finish(job)
        self.assertEqual(code, 75, output)
        self.assertEqual(self.requeues(), ["requeue 4711"])
        step = tiny_run.committed(run)
        code, output = self.finish(self.submit("warned", f"train.steps={step + 2}", "train.checkpoint_every=0",
                                               restarts=1))
        self.assertEqual(code, 0, output)
        self.assertEqual(tiny_run.steps(run), list(range(1, step + 3)))

    def test_a_killed_rank_sends_it_back_into_the_queue(self):
        job = self.submit("killed", "train.steps=1000000")
        tiny_run.wait_for(self, job, self.folder / "runs/killed/metrics.jsonl")
        ranks = tiny_run.ranks_of(job.pid)
        self.assertEqual(len(ranks), 2)
        os.kill(ranks[-1], signal.SIGKILL)
        code, output = self.finish(job)
        self.assertEqual(code, 69, output)
        self.assertEqual(self.requeues(), ["requeue 4711"])

    def test_after_twenty_restarts_it_gives_up(self):
        job = self.submit("tired", "train.steps=1000000", restarts=20)
        tiny_run.wait_for(self, job, self.folder / "runs/tired/metrics.jsonl")
        job.send_signal(signal.SIGUSR1)
        code, output = self.finish(job)
        self.assertEqual(code, 75, output)
        self.assertIn("giving up", output)
        self.assertEqual(self.requeues(), [])

    def test_a_mistake_is_not_tried_again(self):
        code, output = self.finish(self.submit("mistake", "train.step=3"))
        self.assertEqual(code, 2, output)
        self.assertIn("train.steps", output)
        self.assertEqual(self.requeues(), [])

    def test_without_a_configuration_it_says_how_to_call_it(self):
        code, output = self.finish(self.submit(None))
        self.assertEqual(code, 2)
        self.assertIn("usage: sbatch", output)


if __name__ == "__main__":
    MUYBRIDGE = sys.argv.pop(1)
    unittest.main()
