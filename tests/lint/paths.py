#!/usr/bin/env python3
"""No file under version control may name a place that exists on one machine only: absolute paths of
homes and work folders, hosts of package registries. Exit status 77 (skipped) outside a git checkout.

Usage: paths.py [ROOT]
"""
import pathlib
import re
import subprocess
import sys

SKIPPED = 77
LOCAL = re.compile(r"(?<![\w.~])/(?:work|root|home|Users)/|\bregistry[\w-]*\.[a-z0-9-]+\.[a-z]"
                   r"|\b[\w-]+\.registry\.")


def tracked_files(root):
    """Paths that git tracks at ROOT, None when it is no checkout."""
    try:
        git = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=False)
    except OSError:
        return None
    names = git.stdout.decode("utf-8", "surrogateescape").split("\0")
    return [root / name for name in names if name] if git.returncode == 0 else None


def local_places(path):
    """(line, text) of every machine-local place in a text file; nothing for a binary one."""
    data = path.read_bytes()
    if b"\0" in data:
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if LOCAL.search(line)]


def main(arguments):
    default = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(arguments[0]).resolve() if arguments else default
    files = tracked_files(root)
    if not files:
        print("skipped: not a git checkout")
        return SKIPPED
    found = [f"{path.relative_to(root)}:{line}: {text[:160]}" for path in files
             if path.is_file() and not path.is_symlink() for line, text in local_places(path)]
    print("\n".join(found) if found else f"{len(files)} files, none names a local place")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
