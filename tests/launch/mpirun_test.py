#!/usr/bin/env python3
"""launch/mpirun.sh with the real mpirun and program: what a terminal, a scheduler and a kill make of a
run, and the code that is left.   mpirun_test.py MUYBRIDGE"""
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import time
import unittest

import tiny_run

MUYBRIDGE = None
PATIENCE = 120  # seconds; a job that does not end would never
ENDLESS = ["train.steps=1000000", "train.checkpoint_every=0"]


class Terminal:
    """A job in the foreground of a terminal of its own."""

    def __init__(self, command, folder, environment):
        self.output, self.code = "", None
        self.pid, self.keyboard = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)

    def poll(self):
        if self.code is None:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def read(self):
        try:
            while self.keyboard is not None and select.select([self.keyboard], [], [], 0)[0]:
                self.output += os.read(self.keyboard, 65536).decode(errors="replace")
        except OSError:  # nobody writes any more
            pass

    def press(self, key):
        os.write(self.keyboard, key)

    def close(self):
        if self.keyboard is not None:
            os.close(self.keyboard)
            self.keyboard = None


class MpirunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tiny_run.checkout(cls.addClassCleanup, MUYBRIDGE, "prepared/shapes")

    def start(self, *words, **environment):
        job = subprocess.Popen(["launch/mpirun.sh", *words], cwd=self.folder, text=True,
                               env=tiny_run.environment(**environment), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        self.addCleanup(self.end, job)
        return job

    def end(self, job):
        """A test that failed leaves nothing behind."""
        for _ in range(2):
            if job.poll() is None:
                job.send_signal(signal.SIGQUIT)
                time.sleep(1)
        job.communicate(timeout=PATIENCE)

    def finish(self, job):
        output, _ = job.communicate(timeout=PATIENCE)
        return job.returncode, output

    def terminal(self, *words):
        job = Terminal(["launch/mpirun.sh", *words], self.folder, tiny_run.environment())
        self.addCleanup(self.end_terminal, job)
        return job

    def end_terminal(self, job):
        if job.poll() is None:
            os.kill(job.pid, signal.SIGQUIT)
            self.wait_end(job)
        job.close()

    def wait_end(self, job):
        end = time.monotonic() + PATIENCE
        while job.poll() is None:
            self.assertLess(time.monotonic(), end, f"the job does not end:\n{job.output}")
            time.sleep(0.02)
        return job.code

    def wait_text(self, job, text):
        end = time.monotonic() + PATIENCE
        while text not in job.output:
            self.assertIsNone(job.poll(), job.output)
            self.assertLess(time.monotonic(), end, f"no '{text}' in:\n{job.output}")
            time.sleep(0.02)

    def train(self, run, *overrides):
        return ["-np", "2", "build/release/muybridge", "train", "configs/shapes.yaml", f"run.name={run}",
                *tiny_run.TINY, "batch.micro_batches=2", *overrides]

    def goes_on(self, name):
        """The same command goes on from the commit, and no step is lost or made twice."""
        run = self.folder / "runs" / name
        step = tiny_run.committed(run)
        code, output = self.finish(self.start(*self.train(name, f"train.steps={step + 2}",
                                                          "train.checkpoint_every=0")))
        self.assertEqual(code, 0, output)
        self.assertIn(f"going on after step {step}", output)
        self.assertEqual(tiny_run.steps(run), list(range(1, step + 3)))

    def script(self, name, text):
        """Two ranks of a shell script; each has said its process id when it listens."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "rank.sh").write_text(text.format(up=f'echo $$ >"{folder}/$OMPI_COMM_WORLD_RANK"'))
        return ["-np", "2", "sh", f"{name}/rank.sh"], [folder / "0", folder / "1"]

    def wait_up(self, job, files):
        for path in files:
            tiny_run.wait_for(self, job, path)
        return [int(path.read_text()) for path in files]

    def wait_gone(self, pid):
        """What mpirun killed is gone once somebody has read its end."""
        end = time.monotonic() + PATIENCE
        while pathlib.Path(f"/proc/{pid}").exists():
            self.assertLess(time.monotonic(), end, "a rank stays behind")
            time.sleep(0.02)

    def test_it_says_how_to_call_it(self):
        code, output = self.finish(self.start())
        self.assertEqual(code, 2)
        self.assertIn("usage: launch/mpirun.sh", output)
        for option in ("--help", "-h"):
            code, output = self.finish(self.start(option))
            self.assertEqual(code, 0)
            self.assertIn("  launch/mpirun.sh -np 16", output)
            self.assertIn("OMPI_MCA_oob_tcp_keepalive_time", output)
            self.assertNotIn("set -uo", output)

    def test_ctrl_c_commits_and_the_same_command_goes_on(self):
        job = self.terminal(*self.train("ctrl-c", *ENDLESS))
        tiny_run.wait_for(self, job, self.folder / "runs/ctrl-c/metrics.jsonl")
        job.press(b"\x03")
        self.assertEqual(self.wait_end(job), 75, job.output)
        self.assertIn("the ranks commit and leave", job.output)
        self.goes_on("ctrl-c")

    def test_ctrl_c_once_more_ends_at_once(self):
        # The commit of these ranks takes for ever.
        words, files = self.script("deaf", "trap '' USR1; {up}; exec sleep 600\n")
        job = self.terminal(*words)
        ranks = self.wait_up(job, files)
        job.press(b"\x03")
        self.wait_text(job, "Ctrl-C once more ends the job at once")
        job.press(b"\x03")
        self.assertNotIn(self.wait_end(job), (0, 75), job.output)
        for pid in ranks:
            self.wait_gone(pid)

    def test_a_terminal_that_closes_is_a_commit(self):
        job = self.terminal(*self.train("closed", *ENDLESS))
        tiny_run.wait_for(self, job, self.folder / "runs/closed/metrics.jsonl")
        job.close()
        self.assertEqual(self.wait_end(job), 75)
        self.goes_on("closed")

    def test_sigterm_commits_and_the_same_command_goes_on(self):
        job = self.start(*self.train("told", *ENDLESS))
        tiny_run.wait_for(self, job, self.folder / "runs/told/metrics.jsonl")
        job.send_signal(signal.SIGTERM)
        code, output = self.finish(job)
        self.assertEqual(code, 75, output)
        self.goes_on("told")

    def stopped_by_sigterm(self, name, script):
        words, files = self.script(name, script)
        job = self.start(*words)
        self.wait_up(job, files)
        job.send_signal(signal.SIGTERM)
        code, output = self.finish(job)
        self.assertEqual(code, 75, output)

    def test_a_signal_that_no_rank_heard_comes_again(self):
        self.stopped_by_sigterm("second", "trap 'if [ \"$heard\" ]; then exit 75; fi; heard=yes' USR1; {up}\n"
                                          "n=0; while [ $((n += 1)) -lt 6000 ]; do sleep 0.1; done\n")

    def test_ranks_that_do_not_listen_yet_have_nothing_to_commit(self):
        self.stopped_by_sigterm("early", "{up}; exec sleep 600\n")

    def test_a_killed_rank_is_69(self):
        job = self.start(*self.train("killed", *ENDLESS))
        tiny_run.wait_for(self, job, self.folder / "runs/killed/metrics.jsonl")
        ranks = tiny_run.ranks_of(job.pid)
        self.assertEqual(len(ranks), 2)
        os.kill(ranks[-1], signal.SIGKILL)
        code, output = self.finish(job)
        self.assertEqual(code, 69, output)
        self.assertIn("a rank, or mpirun, was killed (mpirun's code 137)", output)

    def test_a_lost_machine_is_69(self):
        for code, what in ((205, "the connection to a machine is lost"), (255, "the ssh that held a machine ended")):
            ended, output = self.finish(self.start("-np", "1", "sh", "-c", f"exit {code}"))
            self.assertEqual(ended, 69, output)
            self.assertIn(f"{what} (mpirun's code {code})", output)

    def test_other_codes_are_the_programs_own(self):
        code, output = self.finish(self.start(*self.train("mistake", "train.step=3")))
        self.assertEqual(code, 2, output)
        self.assertIn("train.steps", output)
        code, output = self.finish(self.start(*self.train("short", "train.steps=2")))
        self.assertEqual(code, 0, output)
        # A rank that crashed was not asked to end.
        for name in ("SEGV", "USR1"):
            code, output = self.finish(self.start("-np", "1", "sh", "-c", f"kill -{name} $$"))
            self.assertEqual(code, 128 + getattr(signal, f"SIG{name}"), output)

    def test_the_keepalive_reaches_the_ranks_unless_it_is_set(self):
        name = "OMPI_MCA_oob_tcp_keepalive_"
        code, output = self.finish(self.start("-np", "1", "env"))
        self.assertEqual(code, 0, output)
        kept = {line.removeprefix(name) for line in output.splitlines() if line.startswith(name)}
        self.assertEqual(kept, {"time=3", "intvl=1", "probes=3"})
        code, output = self.finish(self.start("-np", "1", "env", **{name + "time": "60"}))
        kept = {line.removeprefix(name) for line in output.splitlines() if line.startswith(name)}
        self.assertEqual(kept, {"time=60", "intvl=1", "probes=3"})


if __name__ == "__main__":
    MUYBRIDGE = sys.argv.pop(1)
    unittest.main()
