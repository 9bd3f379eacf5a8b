#!/usr/bin/env python3
"""Nodes that die in the middle of a training, and the same run going on with those that are left.

  bench/nodes.py --program build/release/muybridge [--nodes 2] [--ranks 2] [--kills 10] [--cuts 5] [--stops 0]

A node is a network namespace with a host name of its own, all on one bridge; mpirun runs on the
first and starts the others through a script that stands for ssh. Some time after the first steps
either all processes of one node are killed with SIGKILL, or its link goes down, or its ranks are
stopped (SIGSTOP), which only the other ranks can notice. Then the job has to end by itself, with a code that launchers try again, and every process on every node with it; and
the run has to go on from its last commit on the nodes that are left, in another layout, to its end.

One line a trial. Exit code 1 where one is not as it should be; 0, with a line that says why, where
namespaces cannot be made.
"""

import argparse
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

CONFIG = """
run: {name: nodes}
data: {prefetch: 2}
model: {width: 48, depth: 4, heads: 4, mlp_width: 96, text_width: 32, text_depth: 1, text_heads: 4}
batch: {tokens: 256, micro_batches: 12}
optimizer: {learning_rate: 1e-3, warmup_steps: 5}
train: {steps: 1000000, seed: 3, checkpoint_every: 4}
eval: {every: 0, samples: 0, prompts: "", validation_clips: 0}
"""
# In turns: the layout that loses a node, and the one that goes on.
LAYOUTS = [("", "parallel.pipeline={left}"), ("parallel.tensor=2", "parallel.data={left}"),
           ("parallel.pipeline=2", ""), ("parallel.context=2", "parallel.pipeline={left}")]
STEPS_MORE = 6
PATIENCE = 90  # seconds for a job to end by itself


def is_retried(code):
    """As launch/slurm.sbatch decides."""
    return code in (69, 75) or code > 128 or code < 0


def run(*words, check=True, **more):
    return subprocess.run([str(word) for word in words], check=check, capture_output=True, text=True, **more)


class Nodes:
    """Namespaces mb-0, mb-1, ... with addresses 10.77.0.1, .2, ... on a bridge."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.remove()
        run("ip", "link", "add", "mb-bridge", "type", "bridge")
        run("ip", "link", "set", "mb-bridge", "up")
        for node in range(self.count):
            run("ip", "netns", "add", f"mb-{node}")
            run("ip", "link", "add", f"mb-port-{node}", "type", "veth", "peer", "name", "eth0", "netns", f"mb-{node}")
            run("ip", "link", "set", f"mb-port-{node}", "master", "mb-bridge", "up")
            inside = ("ip", "-n", f"mb-{node}")
            run(*inside, "addr", "add", f"{self.address(node)}/24", "dev", "eth0")
            run(*inside, "link", "set", "eth0", "up")
            run(*inside, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for node in range(self.count):
            self.kill(node)
        self.remove()

    def remove(self):
        for link in ["mb-bridge", *(f"mb-port-{node}" for node in range(self.count))]:
            run("ip", "link", "del", link, check=False)
        for name in run("ip", "netns", "list").stdout.split():
            if name.startswith("mb-"):
                run("ip", "netns", "del", name)

    @staticmethod
    def address(node):
        return f"10.77.0.{node + 1}"

    def processes(self, node):
        return [int(pid) for pid in run("ip", "netns", "pids", f"mb-{node}").stdout.split()]

    def kill(self, node):
        for pid in self.processes(node):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop_ranks(self, node):
        words = {pid: pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in self.processes(node)}
        ranks = [pid for pid, command in words.items() if command[0].endswith("muybridge")]
        if not ranks:
            sys.exit(f"no rank of muybridge runs on node {node}")
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)

    def cut(self, node, up=False):
        run("ip", "link", "set", f"mb-port-{node}", "up" if up else "down")


class Trials:
    def __init__(self, options, nodes, folder):
        self.options, self.nodes, self.folder = options, nodes, folder
        self.random = random.Random(options.seed)
        self.failures = 0
        agent = folder / "agent"
        agent.write_text("""#!/bin/sh
# Stands for ssh: agent ADDRESS COMMAND...
node=$((${1##*.} - 1)); shift
ip netns exec mb-$node unshare --uts sh -c "hostname node-$node; $*" || exit 255
""")
        agent.chmod(0o755)
        self.agent = agent
        program = options.program
        (folder / "run.yaml").write_text(CONFIG)
        run(program, "corpus", "make", "shapes", folder / "clips", "--clips", 24, "--validation", 2, "--size",
            "32x32", "--frames", 8)
        run(program, "prepare", folder / "clips", folder / "corpus", "--size", "32x32", "--frames", 8)

    def start(self, name, nodes, *overrides):
        """The command of docs/launching.md, from the first of these nodes."""
        hosts = self.folder / "hosts"
        hosts.write_text("".join(f"{self.nodes.address(node)} slots={self.options.ranks}\n" for node in nodes))
        command = ["mpirun", "-np", len(nodes) * self.options.ranks, "--hostfile", hosts, "--map-by", "slot:PE=1",
                   "--bind-to", "core", "--mca", "plm_rsh_agent", self.agent, "--mca", "btl_tcp_if_include",
                   "10.77.0.0/24", "--mca", "oob_tcp_if_include", "10.77.0.0/24", "-x", "OMP_WAIT_POLICY",
                   self.options.program, "train", self.folder / "run.yaml", f"data.train={self.folder}/corpus",
                   f"run.folder={self.folder}/{name}", f"train.liveness_seconds={self.options.liveness}", *overrides]
        environment = dict(
            os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_WAIT_POLICY="passive",
            OMPI_MCA_oob_tcp_keepalive_time="5", OMPI_MCA_oob_tcp_keepalive_intvl="2",
            OMPI_MCA_oob_tcp_keepalive_probes="3")
        words = ["ip", "netns", "exec", f"mb-{nodes[0]}", "unshare", "--uts", "sh", "-c",
                 f'hostname node-{nodes[0]}; exec "$@"', "sh", *map(str, command)]
        log = open(self.folder / f"{name}.log", "a")
        return subprocess.Popen(words, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def steps(self, name):
        try:
            return (self.folder / name / "metrics.jsonl").read_text().count("\n")
        except OSError:
            return 0

    def committed(self, name):
        """The step that `latest` vouches for; a newer commit may be on its way."""
        try:
            return int((self.folder / name / "checkpoints/latest").read_text().strip().split("-")[-1])
        except OSError:
            return 0

    def wait(self, job, seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while job.poll() is None and time.monotonic() < end and not until():
            time.sleep(0.05)
        return job.poll()

    def silence(self, seconds):
        """How long until no node has a process of the job; none where it takes longer."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            if not any(self.nodes.processes(node) for node in range(self.nodes.count)):
                return time.monotonic() - begin
            time.sleep(0.1)
        return None

    def trial(self, number, how):
        name = f"{how}-{number}"
        layout, next_layout = LAYOUTS[number % len(LAYOUTS)]
        victim = self.random.randrange(self.nodes.count)
        job = self.start(name, list(range(self.nodes.count)), *layout.split())
        self.wait(job, 120, until=lambda: self.steps(name) >= 5 and self.committed(name) > 0)
        delay = self.random.uniform(0, 4)
        self.wait(job, delay)
        problems = [] if job.poll() is None else ["it ended before its node was lost"]
        begin = time.monotonic()
        {"kill": self.nodes.kill, "cut": self.nodes.cut, "stop": self.nodes.stop_ranks}[how](victim)
        code = self.wait(job, PATIENCE)
        ended = time.monotonic() - begin
        rest = self.silence(PATIENCE)
        everything = time.monotonic() - begin
        if how == "cut":
            self.nodes.cut(victim, up=True)
        said = (self.folder / f"{name}.log").read_text()
        names = sorted(set(re.findall(r"(rank \d+ on node-\d+): (?:no sign|it hangs)", said)))
        if code is None:
            problems.append("the job does not end")
        elif how == "stop" and (code != 69 or not any(name.endswith(f"node-{victim}") for name in names)):
            problems.append("the others did not name a rank of the node and end with 69")
        elif not is_retried(code):
            problems.append(f"exit code {code} is none that launchers try again")
        if rest is None:
            problems.append("processes stay behind")
        for node in range(self.nodes.count):
            self.nodes.kill(node)
        if job.poll() is None:
            job.wait()
        problems += self.go_on(name, victim, next_layout)
        self.failures += bool(problems)
        code = code if code is None or code >= 0 else 128 - code
        print(f"{how:4} node {victim} after {delay:3.1f} s, {layout or 'data':20} code {code}, job over after "
              f"{ended:4.1f} s, all processes {everything:4.1f} s; named: {', '.join(names) or 'by mpirun alone'}; "
              f"{'; '.join(problems) or self.went_on}", flush=True)

    def go_on(self, name, victim, layout):
        left = [node for node in range(self.nodes.count) if node != victim]
        before = len((self.folder / f"{name}.log").read_text())
        committed = self.committed(name)
        layout = layout.format(left=len(left) * self.options.ranks)
        job = self.start(name, left, f"train.steps={committed + STEPS_MORE}", *layout.split())
        code = self.wait(job, PATIENCE)
        said = (self.folder / f"{name}.log").read_text()[before:]
        if code is None:
            os.killpg(job.pid, signal.SIGKILL)
            job.wait()
        if code != 0:
            return [f"going on ends with {code}: see {name}.log"]
        after = re.search(r"going on after step (\d+)", said)
        if not after or int(after[1]) < committed or committed == 0:
            return [f"it went on after {after[1] if after else 'nothing'}, step {committed} was committed"]
        self.went_on = f"went on after step {after[1]} with {layout or 'data'}"
        return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--ranks", type=int, default=2, help="of a node")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--stops", type=int, default=0)
    parser.add_argument("--liveness", type=float, default=60, help="train.liveness_seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="leave the logs where they are")
    options = parser.parse_args()
    trial = run("unshare", "--net", "--uts", "true", check=False) if os.geteuid() == 0 else None
    if trial is None or trial.returncode != 0:
        print("skipped: network namespaces cannot be made here; that takes root and the right to make them")
        return 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="muybridge-nodes-"))
    with Nodes(options.nodes) as nodes:
        trials = Trials(options, nodes, folder)
        kinds = {"kill": options.kills, "cut": options.cuts, "stop": options.stops}
        for how, count in kinds.items():
            for number in range(count):
                trials.trial(number, how)
    print(f"{sum(kinds.values()) - trials.failures} of {sum(kinds.values())} as they should be")
    if options.keep or trials.failures:
        print(f"logs: {folder}")
    else:
        run("rm", "-r", folder)
    return 1 if trials.failures else 0


if __name__ == "__main__":
    sys.exit(main())
