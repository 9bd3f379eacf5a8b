"""What the tests of launchers train: two ranks, a model of no size, a corpus of six clips."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TINY = ["model.width=32", "model.depth=1", "model.heads=2", "model.mlp_width=64", "model.text_width=32",
        "batch.tokens=64", "eval.samples=0", "eval.prompts="]


def checkout(add_cleanup, muybridge, corpus):
    """A folder as launchers see a checkout, with a corpus in it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="muybridge-launch-"))
    add_cleanup(shutil.rmtree, folder)
    (folder / "build/release").mkdir(parents=True)
    (folder / "build/release/muybridge").symlink_to(pathlib.Path(muybridge).resolve())
    for name in ("configs", "launch"):
        shutil.copytree(ROOT / name, folder / name)
    for words in (["corpus", "make", "shapes", "clips", "--clips", "6", "--validation", "2", "--size", "32x32",
                   "--frames", "8"],
                  ["prepare", "clips", corpus, "--size", "32x32", "--frames", "8"]):
        subprocess.run(["build/release/muybridge", *words], cwd=folder, check=True, capture_output=True)
    return folder


def environment(**more):
    """Tests share the cores."""
    return dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1",
                OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_hwloc_base_binding_policy="none", **more)


def wait_for(test, job, path):
    """Until the file has something in it; the job has to live meanwhile."""
    while not path.exists() or path.stat().st_size == 0:
        test.assertIsNone(job.poll(), f"the job ended before there was {path}")
        time.sleep(0.02)


def committed(run):
    """The step of a run's last commit."""
    return int((run / "checkpoints/latest").read_text().strip().split("-")[-1])


def steps(run):
    """The steps that its metrics have, in their order."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [int(line.split('"step":')[1].split(",")[0]) for line in lines]


def ranks_of(pid):
    """Processes of the program below a process, by /proc."""
    parents, programs = {}, set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            child = int(process.name)
            parents[child] = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if (process / "cmdline").read_text().split("\0")[0].endswith("/muybridge"):
                programs.add(child)
        except OSError:  # it has ended
            continue

    def below(child):
        return child == pid or (child in parents and below(parents[child]))

    return sorted(filter(below, programs))
