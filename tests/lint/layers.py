#!/usr/bin/env python3
"""Check the sources against the layer table of docs/architecture.md.

Every #include of src/ and include/ must follow the table: modules below only, own private headers
only, external headers only where they are owned. Modules below the top one must not print, exit,
read the environment or use rand().

Usage: layers.py [ROOT]      check the tree at ROOT (default: this checkout), one violation a line
       layers.py --self-test prove on a temporary tree that seeded violations are found
"""
import fnmatch
import pathlib
import re
import sys
import tempfile

TABLE = "docs/architecture.md"
CODE_SPAN = re.compile(r"`([^`]+)`")
OWNED = re.compile(r"`([^`]+)`(?:\s+in\s+`([^`]+)`)?")
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[ \t]*(?:<([^>\n]+)>|\"([^\"\n]+)\")?", re.M)
COMMENT_OR_TEXT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
CALL = re.compile(
    r"\b(printf|vprintf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort|rand|srand"
    r"|getenv|secure_getenv|setenv|unsetenv|putenv)\s*\("
    r"|\b(fprintf|vfprintf)\s*\(\s*(?:stdout|stderr)\b"
    r"|\b(fputs|fputc|putc)\s*\([^;]*?,\s*(?:stdout|stderr)\s*\)")
ALLOWED_CALLS = {"src/base/status.c": {"fprintf", "abort"}}  # the handler of failed assertions
ABOVE_BOTTOM = {"jansson.h"}  # for every module but the lowest


class TableError(Exception):
    """The layer table itself is wrong."""


class Layer:
    """One row: a module, the modules it may include, the external headers it owns."""

    def __init__(self, name, may_include, owns):
        self.name = name
        self.may_include = may_include
        self.owns = owns  # [(glob of header, file of the module or None)]


def table_rows(text):
    """Cells of the rows under the header whose first cell is 'Module'."""
    rows, inside = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0].lower() == "module":
            inside = True
        elif inside and not set(cells[0]) <= set(":-"):
            rows.append(cells)
    return rows


def parse_table(text):
    """Layers by name, the highest first."""
    rows = table_rows(text)
    if not rows:
        raise TableError("no table whose first column is 'Module'")
    names = [cells[0].strip("`") for cells in rows]
    layers = {}
    for place, cells in enumerate(rows):
        if len(cells) < 3:
            raise TableError(f"the row of {names[place]} has {len(cells)} columns, expected 4")
        plus, _, minus = cells[1].partition("except")
        allowed = set(names[place + 1:]) if "below" in plus else set()
        for name in CODE_SPAN.findall(cells[1]):
            if name not in names:
                raise TableError(f"the row of {names[place]} names an unknown module '{name}'")
        allowed |= set(CODE_SPAN.findall(plus))
        allowed -= set(CODE_SPAN.findall(minus))
        owns = [(glob, file or None) for glob, file in OWNED.findall(cells[2])]
        layers[names[place]] = Layer(names[place], allowed, owns)
    return layers


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text):
    return COMMENT_OR_TEXT.sub(lambda m: blank(m) if m.group()[0] == "/" else m.group(), text)


def without_texts(text):
    return COMMENT_OR_TEXT.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Checker:
    def __init__(self, root):
        self.root = root
        self.layers = parse_table((root / TABLE).read_text(encoding="utf-8"))
        self.top, *_, self.bottom = self.layers
        self.found = []
        self.files = 0

    def report(self, path, line, message):
        self.found.append(f"{path.relative_to(self.root)}:{line}: {message}")

    def run(self):
        for path in sorted((self.root / "include" / "ranksweep").glob("*.h")):
            self.check_file(path, path.stem, public=True)
        for folder in sorted(p for p in (self.root / "src").iterdir() if p.is_dir()):
            for path in sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h")):
                self.check_file(path, folder.name, public=False)
        return self.found

    def check_file(self, path, module, public):
        self.files += 1
        layer = self.layers.get(module)
        if layer is None:
            self.report(path, 1, f"module '{module}' is not in the table of {TABLE}")
            return
        text = without_comments(path.read_text(encoding="utf-8"))
        for match in INCLUDE.finditer(text):
            message = self.judge(path, layer, public, match.group(1), match.group(2))
            if message:
                self.report(path, line_of(text, match.start()), message)
        if module != self.top:
            self.check_calls(path, without_texts(text))

    def judge(self, path, layer, public, angled, quoted):
        """What is wrong with one include, or None."""
        name = angled or quoted
        if name is None:
            return "the include names no file that can be checked"
        if name.startswith("ranksweep/"):
            return self.judge_module(layer, name)
        owners = self.owners(name)
        if owners:
            return self.judge_owned(path, layer, public, name, owners)
        if name in ABOVE_BOTTOM and layer.name == self.bottom:
            return f"{name} is for the modules above {self.bottom}"
        return self.judge_private(path, layer, public, quoted) if quoted else None

    def judge_module(self, layer, name):
        other = name[len("ranksweep/"):].removesuffix(".h")
        if other == layer.name or other in layer.may_include:
            return None
        if other not in self.layers:
            return f"{name}: module '{other}' is not in the table of {TABLE}"
        return f"{layer.name} may not include {name} (see the table of {TABLE})"

    def owners(self, name):
        return [(layer.name, file) for layer in self.layers.values() for glob, file in layer.owns
                if fnmatch.fnmatchcase(name, glob)]

    def judge_owned(self, path, layer, public, name, owners):
        if public:
            return f"a public header may not hand on {name}"
        relative = path.relative_to(self.root / "src" / layer.name).as_posix()
        if any(owner == layer.name and file in (None, relative) for owner, file in owners):
            return None
        places = [f"src/{owner}" + (f"/{file}" if file else "") for owner, file in owners]
        return f"{name} belongs to {' and '.join(places)}"

    def judge_private(self, path, layer, public, name):
        if public:
            return f"a public header includes \"ranksweep/...\" only, found \"{name}\""
        home = (self.root / "src" / layer.name).resolve()
        for folder in (path.parent, home):
            target = (folder / name).resolve()
            if target.is_file():
                return None if home in target.parents else f"\"{name}\" is private to another module"
        return f"\"{name}\" is not a private header of {layer.name}"

    def check_calls(self, path, text):
        allowed = ALLOWED_CALLS.get(path.relative_to(self.root).as_posix(), set())
        for match in CALL.finditer(text):
            name = next(filter(None, match.groups()))
            if name not in allowed:
                self.report(path, line_of(text, match.start()), f"{name}() is for {self.top} only")


# ---- self-test -------------------------------------------------------------------------------

SELF_TEST_TABLE = """
| Module | May include | Owns | What it does |
|---|---|---|---|
| `cli` | below | - | commands |
| `sched` | below | `mpi.h` in `transport_mpi.c` | scheduling |
| `exp` | below except `store` | - | kinds |
| `store` | below | `hdf5.h`, `H5*.h` | files |
| `data` | below, `dsp` beside it | - | sources |
| `dsp` | below | `fftw3.h` | signals |
| `comm` | below | `mpi.h` | collectives |
| `base` | nothing | - | foundation |
"""

CLEAN = {
    "include/ranksweep/base.h": "#include <stdio.h>\n",
    "include/ranksweep/comm.h": '#include "ranksweep/base.h"\n',
    "include/ranksweep/store.h": '#include "ranksweep/base.h"\n',
    "include/ranksweep/dsp.h": '#include "ranksweep/base.h"\n',
    "src/base/status.c": "void f(void) { fprintf(stderr, \"x\"); abort(); }\n",
    "src/cli/main.c": '#include "ranksweep/store.h"\nint main(void) { printf("%s", getenv("A")); exit(0); }\n',
    "src/comm/a.c": "#include <mpi.h>\n#include <jansson.h>\n",
    "src/data/a.c": '#include "ranksweep/dsp.h"\n',
    "src/sched/transport_mpi.c": '#include <mpi.h>\n#include "private.h"\n',
    "src/sched/private.h": "/* no exit() here, no #include <hdf5.h> */\n",
    "src/store/sub/a.c": "#include <hdf5.h>\n#include \"table.h\"\n"
                         "int g(void) { return snprintf(0, 0, \"abort() // \\\" getenv(\"); }\n",
    "src/store/table.h": "void atexit_hook(void); // printf(\n",
}

SEEDED = [  # file, text, line of the violation, part of its message
    ("src/store/a.c", '#include "ranksweep/exp.h"\n', 1, "store may not include ranksweep/exp.h"),
    ("src/store/a.c", '\n#  include <ranksweep/cli.h>\n', 2, "store may not include"),
    ("src/dsp/a.c", '#include "ranksweep/data.h"\n', 1, "dsp may not include"),
    ("src/exp/a.c", '#include "ranksweep/store.h"\n', 1, "exp may not include"),
    ("src/exp/a.c", '#include "ranksweep/nonsense.h"\n', 1, "'nonsense' is not in the table"),
    ("src/exp/a.c", "/* 1\n 2 */\n#include <hdf5.h>\n", 3, "hdf5.h belongs to src/store"),
    ("src/exp/a.c", '#include "H5public.h"\n', 1, "H5public.h belongs to src/store"),
    ("src/data/a.c", "#include <fftw3.h>\n", 1, "fftw3.h belongs to src/dsp"),
    ("src/sched/coordinator.c", "#include <mpi.h>\n", 1, "src/sched/transport_mpi.c and src/comm"),
    ("src/cli/a.c", "#include <mpi.h>\n", 1, "mpi.h belongs to"),
    ("include/ranksweep/comm.h", "#include <mpi.h>\n", 1, "a public header may not hand on mpi.h"),
    ("include/ranksweep/comm.h", '#include "base.h"\n', 1, "a public header includes"),
    ("include/ranksweep/base.h", '#include "ranksweep/comm.h"\n', 1, "base may not include"),
    ("src/base/a.c", "#include <jansson.h>\n", 1, "jansson.h is for the modules above base"),
    ("src/exp/a.c", '#include "../store/table.h"\n', 1, "private to another module"),
    ("src/exp/a.c", '#include "table.h"\n', 1, "not a private header of exp"),
    ("src/exp/a.c", "#include HEADER\n", 1, "no file that can be checked"),
    ("src/exp/a.c", "int x;\nvoid f(void) {\n  printf(\"\");\n}\n", 3, "printf() is for cli only"),
    ("src/exp/a.c", "void f(void) { fprintf(stderr, \"\"); }\n", 1, "fprintf()"),
    ("src/exp/a.c", "void f(void) { fputs(\"a\", stdout); }\n", 1, "fputs()"),
    ("src/sched/a.c", "void f(void) { exit (1); }\n", 1, "exit()"),
    ("src/base/memory.c", "void f(void) { abort(); }\n", 1, "abort()"),
    ("src/data/a.c", "char *f(void) { return getenv(\"A\"); }\n", 1, "getenv()"),
    ("src/data/a.c", "int f(void) { return rand(); }\n", 1, "rand()"),
    ("src/extra/a.c", "int x;\n", 1, "'extra' is not in the table"),
]


def violations(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        for name, text in {TABLE: SELF_TEST_TABLE, **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Checker(root).run()


def self_test():
    wrong = [f"false alarm: {line}" for line in violations(CLEAN)]
    for name, text, line, part in SEEDED:
        found = violations({**CLEAN, name: text})
        if len(found) != 1 or not found[0].startswith(f"{name}:{line}: ") or part not in found[0]:
            wrong.append(f"{name}: expected line {line} with \"{part}\", found {found}")
    for table in ("", "| Module | May include | Owns |\n|---|---|---|\n| `a` | `b` | - |\n"):
        try:
            parse_table(table)
            wrong.append(f"accepted a wrong table: {table!r}")
        except TableError:
            pass
    print("\n".join(wrong) if wrong else f"all {len(SEEDED)} seeded violations found, no false alarm")
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    default = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(arguments[0]).resolve() if arguments else default
    try:
        checker = Checker(root)
    except (OSError, TableError) as error:
        print(f"{TABLE}: {error}")
        return 1
    found = checker.run()
    print("\n".join(found) if found else f"{checker.files} files follow the table of {TABLE}")
    return 1 if found or checker.files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
