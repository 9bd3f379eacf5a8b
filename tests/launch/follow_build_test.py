#!/usr/bin/env python3
"""A build that is copied or moved goes on at its new place: launch/follow_build.py on small projects."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

PROJECT = {
    "CMakeLists.txt": """
cmake_minimum_required(VERSION 3.25)
project(small CXX)
add_library(part STATIC part.cpp)
target_include_directories(part PUBLIC ${CMAKE_SOURCE_DIR})
add_executable(program program.cpp)
target_link_libraries(program part)
add_executable(placed placed.cpp)
target_compile_definitions(placed PRIVATE PLACE="${CMAKE_SOURCE_DIR}")
""",
    "part.h": "int part();\n",
    "part.cpp": '#include "part.h"\nint part() { return 0; }\n',
    "program.cpp": '#include "part.h"\nint main() { return part(); }\n',
    "placed.cpp": "#include <cstdio>\nint main() { std::puts(PLACE); }\n",
}


def run(*words, cwd):
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True).stdout


class FollowBuildTest(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="muybridge-follow-"))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.old = self.scratch / "old"
        self.old.mkdir()
        for name, text in PROJECT.items():
            (self.old / name).write_text(text)
        run("cmake", "-G", "Ninja", "-B", "build", cwd=self.old)
        run("ninja", "-C", "build", cwd=self.old)

    def configure_at(self, new):
        (new / "build" / "CMakeCache.txt").unlink()
        run("cmake", "-G", "Ninja", "-B", "build", cwd=new)

    def follow(self, new):
        self.configure_at(new)
        return run(ROOT / "launch" / "follow_build.py", "build", self.old, cwd=new)

    def outdated(self, new):
        """What Ninja would make, by the object or program's name."""
        lines = run("ninja", "-C", "build", "-n", cwd=new).splitlines()
        return sorted(line.split()[-1].split("/")[-1] for line in lines if line.startswith("["))

    def copied(self, name="new"):
        new = self.scratch / name
        run("cp", "-a", self.old, new, cwd=self.scratch)
        return new

    def test_a_copy_keeps_all_that_does_not_know_its_place(self):
        new = self.copied()
        self.follow(new)
        self.assertEqual(self.outdated(new), ["placed", "placed.cpp.o"])

    def test_the_new_place_may_have_a_space(self):
        new = self.copied("new place")
        self.follow(new)
        self.assertEqual(self.outdated(new), ["placed", "placed.cpp.o"])

    def test_what_knows_its_place_learns_the_new_one(self):
        new = self.copied()
        self.follow(new)
        run("ninja", "-C", "build", cwd=new)
        self.assertEqual(run("build/placed", cwd=new).strip(), str(new))

    def test_a_moved_folder_goes_on_though_the_old_one_is_gone(self):
        new = self.scratch / "moved"
        self.old.rename(new)
        self.follow(new)
        self.assertEqual(self.outdated(new), ["placed", "placed.cpp.o"])

    def test_headers_are_watched_at_the_new_place_only(self):
        new = self.copied()
        self.follow(new)
        (self.old / "part.h").write_text("int part();  // changed there\n")
        self.assertEqual(self.outdated(new), ["placed", "placed.cpp.o"])
        (new / "part.h").write_text("int part();  // changed here\n")
        self.assertEqual(self.outdated(new), ["libpart.a", "part.cpp.o", "placed", "placed.cpp.o",
                                              "program", "program.cpp.o"])

    def test_another_command_builds_again(self):
        new = self.copied()
        with open(new / "CMakeLists.txt", "a") as lists:
            lists.write("target_compile_definitions(part PRIVATE MORE)\n")
        self.follow(new)
        self.assertIn("part.cpp.o", self.outdated(new))
        self.assertNotIn("program.cpp.o", self.outdated(new))

    def test_without_it_all_would_be_built(self):
        new = self.copied()
        self.configure_at(new)
        self.assertEqual(len(self.outdated(new)), 6)

    def test_a_log_of_another_version_is_left_alone(self):
        new = self.copied()
        self.configure_at(new)
        log = new / "build" / ".ninja_log"
        text = log.read_text().replace("# ninja log v5", "# ninja log v7")
        log.write_text(text)
        run(ROOT / "launch" / "follow_build.py", "build", self.old, cwd=new)
        self.assertEqual(log.read_text(), text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
