#!/usr/bin/env python3
"""What launch/demo.sh and launch/setup.sh refuse before they install or build anything."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def run(script, *words):
    result = subprocess.run([ROOT / "launch" / script, *words], capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout, result.stderr


class UsageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="muybridge-usage-")
        self.addCleanup(folder.cleanup)
        self.clips = pathlib.Path(folder.name)

    def refused(self, what, script, *words):
        code, out, err = run(script, *words)
        self.assertEqual((code, out), (2, ""), err)
        self.assertIn(what, err)

    def test_help_goes_to_standard_output(self):
        for script in ("demo.sh", "setup.sh"):
            code, out, err = run(script, "--help")
            self.assertEqual((code, err), (0, ""))
            self.assertIn(f"Usage: ./launch/{script}", out)

    def test_unknown_options_and_presets_are_named(self):
        self.refused("--fast", "demo.sh", "--fast")
        self.refused("--fast", "setup.sh", "--fast")
        self.refused("no preset 'fast'", "setup.sh", "--preset", "fast")
        self.refused("--target needs a name", "setup.sh", "--target")

    def test_the_demo_takes_one_folder_that_is_there(self):
        self.refused("is not a folder", "demo.sh", str(self.clips / "gone"))
        self.refused("one folder of clips at a time", "demo.sh", str(self.clips), str(self.clips))

    def test_an_empty_folder_is_refused(self):
        self.refused("no files are in", "demo.sh", str(self.clips))

    def test_clips_without_captions_are_refused_with_what_to_do(self):
        (self.clips / "kite.mp4").write_bytes(b"0")
        self.refused(f"'{self.clips}/kite.txt'", "demo.sh", str(self.clips))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
