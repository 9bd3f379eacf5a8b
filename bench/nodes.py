#!/usr/bin/env python3
"""Nodes that die in the middle of a training, and the same run going on with those that are left.

  bench/nodes.py --program build/release/muybridge [--nodes 2] [--ranks 2] [--kills 10] [--cuts 5] [--stops 0]
                 [--start-faults]

A node is a network namespace with a host name of its own, all on one bridge; launch/mpirun.sh runs on
one more, as in an MPIJob, or with `--launcher first` on the first node, as under Slurm. It starts the
others through a script that stands for ssh. Some time after the first steps either all processes of
one node are killed with SIGKILL, or its link goes down, or its ranks are stopped (SIGSTOP), which only
the other ranks can notice. Then the job has to end by itself with 69, and every process on every node
with it (where the launcher itself was killed, there is no code but 137); and the run has to go on from
its last commit on the nodes that are left, in another layout, to its end.

With `--start-faults` it also starts where the corpus or the folder of runs is not on node 1, or node 1
drops what ranks say to each other. The job has to end by itself, not with 0, and name the machine.

One line a trial. Exit code 1 where one is not as it should be; 0, with a line that says why, where
namespaces cannot be made.
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
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
# The demo is trained, not scored.
DEMO_SHORT = ["batch.micro_batches=4", "train.steps=1000000", "train.checkpoint_every=4", "eval.every=0",
              "eval.samples=0", "eval.prompts=", "eval.validation_clips=0"]
START_FAULTS = ["no corpus", "no runs", "blocked ports"]
DATA_PORTS = ["--mca", "btl_tcp_port_min_v4", "30000", "--mca", "btl_tcp_port_range_v4", "100"]
STEPS_MORE = 6
PATIENCE = 90  # seconds for a job to end by itself


def run(*words, check=True, **more):
    return subprocess.run([str(word) for word in words], check=check, capture_output=True, text=True, **more)


class Nodes:
    """Namespaces mb-0, mb-1, ... with addresses 10.77.0.1, .2, ... on a bridge. The launcher has the
    last, or is on the first node."""

    def __init__(self, nodes, launcher_apart):
        self.nodes = nodes
        self.count = nodes + launcher_apart
        self.launcher_apart = launcher_apart

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

    def stop_ranks(self, node, program):
        words = {pid: pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in self.processes(node)}
        ranks = [pid for pid, command in words.items() if command[0] == str(program)]
        if not ranks:
            sys.exit(f"no rank of {program} runs on node {node}")
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)

    @staticmethod
    def block(node, blocked):
        """The firewall of a node drops, or no longer drops, what comes to or goes to DATA_PORTS."""
        inside = ("ip", "netns", "exec", f"mb-{node}", "nft")
        run(*inside, "flush", "ruleset")
        for hook in ("input", "output") if blocked else ():
            run(*inside, "add", "table", "inet", "faults")
            run(*inside, f"add chain inet faults {hook} {{ type filter hook {hook} priority 0; }}")
            run(*inside, f"add rule inet faults {hook} tcp dport 30000-30099 drop")

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
covers=
for folder in $(cat "${0%/*}/covered-$node" 2>/dev/null); do covers="$covers mount -t tmpfs none $folder;"; done
ip netns exec mb-$node unshare --uts --mount sh -c "hostname node-$node; $covers $*" || exit 255
""")
        agent.chmod(0o755)
        self.agent = agent
        program = options.program
        (folder / "run.yaml").write_text((ROOT / "configs/shapes.yaml").read_text() if options.demo else CONFIG)
        size = ("--size", "32x32", "--frames", 16 if options.demo else 8)
        run(program, "corpus", "make", "shapes", folder / "clips", "--clips", 48, "--validation", 2, *size)
        run(program, "prepare", folder / "clips", folder / "corpus", *size)

    def start(self, name, nodes, *overrides, mpirun=()):
        """The command of docs/launching.md, on these nodes."""
        launcher = self.nodes.nodes if self.nodes.launcher_apart else nodes[0]
        hosts = self.folder / "hosts"
        hosts.write_text("".join(f"{self.nodes.address(node)} slots={self.options.ranks}\n" for node in nodes))
        command = [ROOT / "launch/mpirun.sh", "-np", len(nodes) * self.options.ranks, "--hostfile", hosts, "--map-by", "slot:PE=1",
                   "--bind-to", "core", "--mca", "plm_rsh_agent", self.agent, "--mca", "btl_tcp_if_include",
                   "10.77.0.0/24", "--mca", "oob_tcp_if_include", "10.77.0.0/24", "-x", "OMP_WAIT_POLICY", *mpirun,
                   self.options.program, "train", self.folder / "run.yaml", f"data.train={self.folder}/corpus",
                   f"run.folder={self.folder}/{name}", f"train.liveness_seconds={self.options.liveness}", *DEMO_SHORT * self.options.demo, *overrides]
        environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                           OMP_WAIT_POLICY="passive")
        words = ["ip", "netns", "exec", f"mb-{launcher}", "unshare", "--uts", "sh", "-c",
                 f'hostname node-{launcher}; exec "$@"', "sh", *map(str, command)]
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
        victim = self.random.randrange(self.nodes.nodes)
        job = self.start(name, list(range(self.nodes.nodes)), *layout.split())
        self.wait(job, 120, until=lambda: self.steps(name) >= 5 and self.committed(name) > 0)
        delay = self.random.uniform(0, 4)
        self.wait(job, delay)
        problems = [] if job.poll() is None else ["it ended before its node was lost"]
        begin = time.monotonic()
        {"kill": self.nodes.kill, "cut": self.nodes.cut,
         "stop": lambda node: self.nodes.stop_ranks(node, self.options.program)}[how](victim)
        code = self.wait(job, PATIENCE)
        ended = time.monotonic() - begin
        rest = self.silence(PATIENCE)
        everything = time.monotonic() - begin
        if how == "cut":
            self.nodes.cut(victim, up=True)
        said = (self.folder / f"{name}.log").read_text()
        names = sorted(set(re.findall(r"(rank \d+ on node-\d+): (?:no sign|it hangs)", said)))
        killed_launcher = how == "kill" and victim == 0 and not self.nodes.launcher_apart
        if code is None:
            problems.append("the job does not end")
        elif code != (-signal.SIGKILL if killed_launcher else 69):
            problems.append(f"its exit code is {code}")
        elif how == "stop" and not any(name.endswith(f"node-{victim}") for name in names):
            problems.append("the others did not name a rank of the node")
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

    def start_fault(self, how):
        """Node 1 has an empty folder where the others have the corpus or the runs, or its firewall
        drops what ranks say to each other: no step is made, and the job says so by itself."""
        name, victim = f"runs/{how.replace(' ', '-')}", 1
        (self.folder / "runs").mkdir(exist_ok=True)
        covered = self.folder / f"covered-{victim}"
        covered.write_text({"no corpus": str(self.folder / "corpus"), "no runs": str(self.folder / "runs")}.get(how, ""))
        self.nodes.block(victim, how == "blocked ports")
        begin = time.monotonic()
        job = self.start(name, list(range(self.nodes.nodes)), mpirun=DATA_PORTS)
        code = self.wait(job, PATIENCE)
        ended = time.monotonic() - begin
        problems = ["the job does not end"] * (code is None) + ["its exit code is 0"] * (code == 0)
        rest = self.silence(PATIENCE if code is not None else 0)
        if code is not None and rest is None:
            problems.append("processes stay behind")
        for node in range(self.nodes.count):
            self.nodes.kill(node)
        job.wait()
        self.nodes.block(victim, False)
        covered.unlink()
        said = (self.folder / f"{name}.log").read_text()
        machine = re.compile(rf"node-{victim}\b|{re.escape(self.nodes.address(victim))}\b")
        named = [line.strip() for line in said.splitlines() if machine.search(line)]
        if not named:
            problems.append(f"no line names node-{victim}")
        self.failures += bool(problems)
        print(f"{how} on node {victim}: code {code}, job over after {ended:4.1f} s; "
              f"{'; '.join(problems) or 'as it should be'}; it said: {named[0] if named else 'nothing'}", flush=True)

    def go_on(self, name, victim, layout):
        left = [node for node in range(self.nodes.nodes) if node != victim]
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
    parser.add_argument("--start-faults", action="store_true", help="also start where a node lacks a folder or drops "
                        "the ranks' messages; needs nft")
    parser.add_argument("--liveness", type=float, default=60, help="train.liveness_seconds")
    parser.add_argument("--launcher", choices=("apart", "first"), default="apart", help="on which node")
    parser.add_argument("--demo", action="store_true", help="train configs/shapes.yaml, not a smaller model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="leave the logs where they are")
    options = parser.parse_args()
    if options.start_faults and not shutil.which("nft"):
        parser.error("--start-faults needs nft: apt-get install nftables")
    trial = run("unshare", "--net", "--uts", "true", check=False) if os.geteuid() == 0 else None
    if trial is None or trial.returncode != 0:
        print("skipped: network namespaces cannot be made here; that takes root and the right to make them")
        return 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="muybridge-nodes-"))
    with Nodes(options.nodes, options.launcher == "apart") as nodes:
        trials = Trials(options, nodes, folder)
        kinds = {"kill": options.kills, "cut": options.cuts, "stop": options.stops}
        for how, count in kinds.items():
            for number in range(count):
                trials.trial(number, how)
        faults = START_FAULTS if options.start_faults else []
        for how in faults:
            trials.start_fault(how)
    count = sum(kinds.values()) + len(faults)
    print(f"{count - trials.failures} of {count} as they should be")
    if options.keep or trials.failures:
        print(f"logs: {folder}")
    else:
        run("rm", "-r", folder)
    return 1 if trials.failures else 0


if __name__ == "__main__":
    sys.exit(main())
