#!/usr/bin/env python3
"""launch/slurm.sbatch with the real mpirun and program; only scontrol, which needs a cluster, is a
script that writes down how it was called.   slurm_test.py MUYBRIDGE"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MUYBRIDGE = None
TINY = ["model.width=32", "model.depth=1", "model.heads=2", "model.mlp_width=64", "model.text_width=32",
        "batch.tokens=64", "batch.micro_batches=2", "eval.samples=0", "eval.prompts="]


class SlurmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="muybridge-slurm-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "build/release").mkdir(parents=True)
        (cls.folder / "build/release/muybridge").symlink_to(MUYBRIDGE)
        shutil.copytree(ROOT / "configs", cls.folder / "configs")
        (cls.folder / "bin").mkdir()
        scontrol = cls.folder / "bin/scontrol"
        scontrol.write_text(f'#!/bin/sh\necho "$@" >>{cls.folder}/requeued\n')
        scontrol.chmod(0o755)
        for words in (["corpus", "make", "shapes", "clips", "--clips", "6", "--validation", "2", "--size", "32x32",
                       "--frames", "8"],
                      ["prepare", "clips", "prepared/shapes", "--size", "32x32", "--frames", "8"]):
            subprocess.run([MUYBRIDGE, *words], cwd=cls.folder, check=True, capture_output=True)

    def setUp(self):
        self.requeued = self.folder / "requeued"
        self.requeued.unlink(missing_ok=True)

    def submit(self, run, *overrides, restarts=0):
        """Starts the script as slurmd does; the caller reads its end."""
        environment = dict(
            os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}", SLURM_SUBMIT_DIR=str(self.folder),
            SLURM_NTASKS="2", SLURM_CPUS_PER_TASK="1", SLURM_JOB_ID="4711", SLURM_RESTART_COUNT=str(restarts),
            OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1",
            # Tests share the cores, and this is no allocation of Slurm.
            OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_hwloc_base_binding_policy="none",
            OMPI_MCA_ras="^slurm", OMPI_MCA_plm="^slurm")
        script = (ROOT / "launch/slurm.sbatch").read_text()
        # Binding needs cores of one's own.
        self.assertIn("--bind-to core", script)
        copy = self.folder / "slurm.sbatch"
        copy.write_text(script.replace("--bind-to core", "--bind-to none").replace(":PE=${SLURM_CPUS_PER_TASK:-1}", ""))
        words = ["configs/shapes.yaml", f"run.name={run}", *TINY, *overrides] if run else []
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

    def wait_for(self, job, path):
        while not path.exists() or path.stat().st_size == 0:
            self.assertIsNone(job.poll(), "the job ended before it trained")
            time.sleep(0.02)

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
        self.wait_for(job, run / "metrics.jsonl")
        job.send_signal(signal.SIGUSR1)
        code, output = self.finish(job)
        self.assertEqual(code, 75, output)
        self.assertEqual(self.requeues(), ["requeue 4711"])
        commit = (run / "checkpoints/latest").read_text().strip()
        step = int(commit.split("-")[-1])
        code, output = self.finish(self.submit("warned", f"train.steps={step + 2}", "train.checkpoint_every=0",
                                               restarts=1))
        self.assertEqual(code, 0, output)
        steps = [line.split('"step":')[1].split(",")[0] for line in (run / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual([int(each) for each in steps], list(range(1, step + 3)))

    def test_a_killed_rank_sends_it_back_into_the_queue(self):
        job = self.submit("killed", "train.steps=1000000")
        self.wait_for(job, self.folder / "runs/killed/metrics.jsonl")
        os.kill(self.ranks_of(job)[-1], signal.SIGKILL)
        code, output = self.finish(job)
        self.assertTrue(code == 69 or code > 128, f"{code}: {output}")
        self.assertEqual(self.requeues(), ["requeue 4711"])

    def test_after_twenty_restarts_it_gives_up(self):
        job = self.submit("tired", "train.steps=1000000", restarts=20)
        self.wait_for(job, self.folder / "runs/tired/metrics.jsonl")
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

    def ranks_of(self, job):
        """Processes of the program below the job, by /proc."""
        parents, programs = {}, set()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                pid = int(process.name)
                parents[pid] = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if (process / "cmdline").read_text().split("\0")[0].endswith("/muybridge"):
                    programs.add(pid)
            except OSError:  # it has ended
                continue

        def below(pid):
            return pid == job.pid or (pid in parents and below(parents[pid]))

        ranks = sorted(filter(below, programs))
        self.assertEqual(len(ranks), 2)
        return ranks


if __name__ == "__main__":
    MUYBRIDGE = sys.argv.pop(1)
    unittest.main()
