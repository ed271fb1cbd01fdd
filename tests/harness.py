"""What the script tests share: running the program, and saying what was expected."""
import json
import os
import shutil
import subprocess
import sys


MEASURED = {"wait_seconds", "seconds", "inference_speed", "inference_speedup"}  # columns that differ from run to run


class Harness:
    """PROGRAM runs in DIRECTORY, which is made anew."""

    def __init__(self):
        self.program, self.directory = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        os.chdir(self.directory)
        self.passed = 0
        self.failures = []

    def write(self, name, text):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def run(self, *args, expect=0, env=None, timeout=120, launcher=()):
        """Runs the program; its exit status must be EXPECT (None: any)."""
        command = [*launcher, self.program, *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, **(env or {})})
        if expect is not None:
            self.check(done.returncode == expect,
                       f"{' '.join(map(str, args))}: exit status {done.returncode}, expected {expect}\n"
                       f"{done.stdout}{done.stderr}")
        return done

    def show(self, results):
        """Rows of the trials as dictionaries."""
        return json.loads(self.run("show", results, "--json").stdout)

    def check(self, condition, what):
        if condition:
            self.passed += 1
        else:
            self.failures.append(what)
            print(f"FAILED: {what}", file=sys.stderr)

    def finish(self):
        print(f"{self.passed} checks passed, {len(self.failures)} failed")
        sys.exit(1 if self.failures or self.passed == 0 else 0)


def mpirun(ranks):
    """Launcher for RANKS ranks on however few cores."""
    if os.geteuid() == 0:
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
