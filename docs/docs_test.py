#!/usr/bin/python3
"""docs_test.py [SIGSWEEP]: the pages and the code say the same.

Pages are README.md, docs/*.md and results/README.md. What is checked:

  links       each link of a page leads to a file, and to a heading of it; README.md leads to each page of docs/
  documents   each *.md that code names exists, and so does the heading that is named behind it in quotes
  paths       each path of the checkout that a page names exists (NAME, ISA and the like stand for any)
  commands    each command line of a page, in a block or between backquotes, names a program, a script, a preset, a
              subcommand, flags and values that exist
  lists       what the code has, the pages have: verdicts, presets, kinds of results, claims, rooms, variables, commands
  examples    each command of a block that is marked `console` runs, and ends with status 0, or with N where it ends
              with `# exit N`. A build by the pages' compiler also prints each line that stands there, but for numbers.
              A block that is marked with a language and a name, such as `c mine.c`, is a file: it lies beside them

SIGSWEEP is a built command. Without it nothing is run, and subcommands and their flags are not looked at.
Exit status: 0 all is well; 1 something is wrong; 2 usage; 3 the pages can't be read; 77 all else is well, and an
example could not be had here.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import shape  # noqa: E402  (its MAY_INCLUDE is the list of rooms)

SECONDS = 300  # that an example may take
HEADERS = ROOT / "stress/subjects/adapter"  # where an installed sigsweep_adapter.h stands in a checkout
THEIR_BUILD = re.compile(r"build release \w+ Clang 14\.")  # of which the pages show output
SKIPPED = 77
# Written by runs, so not there in a fresh checkout.
MADE = re.compile(r"(results/(?!reference/|README\.md|schema\.json|\w+\.py)|build/)")
# What stands for any name, in a path or as a value.
PLACEHOLDER = re.compile(r"ISA|NAME|TARGET|ENGINE|PRESET|PREFIX|FILE|DIR|ID")


class Code:
    """A line of code in a page. `file`: of which file it is a line; empty: of none."""

    def __init__(self, page, line, text, kind, file=""):
        self.place, self.text, self.kind, self.file = f"{page}:{line}", text, kind, file


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)


def files():
    """The files that belong to the checkout, those that are new among them."""
    listed = run("git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "--cached", "--others",
                 "--exclude-standard")
    if listed.returncode != 0:
        raise OSError(f"git ls-files: {listed.stderr.strip()}")
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


# ---- pages


def blocks_and_prose(page):
    """The code of a page, line by line; and its prose, with empty lines where code is."""
    code, prose, fence, file, indented = [], [], None, "", False
    lines = text_of(page).split("\n")
    for number, line in enumerate(lines, 1):
        mark = re.match(r"\s*```(\w*) *([\w.-]*)", line)
        if mark:
            fence, file = (None, "") if fence is not None else mark.groups()
            prose.append("")
            continue
        before = lines[number - 2] if number > 1 else ""
        indented = fence is None and line.startswith("    ") and (indented or not before.strip())
        if fence is not None or indented:
            code.append(Code(page, number, line.strip(), fence if fence is not None else "indented", file))
            prose.append("")
        else:
            prose.append(line)
    return code, prose


def spans(page, prose):
    """What stands between backquotes, with its place."""
    return [Code(page, number, text, "span") for number, line in enumerate(prose, 1)
            for text in re.findall(r"`([^`]+)`", line)]


def anchor(heading):
    """The name that a heading has in a link."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


def headings(page):
    return [m.group(1) for m in (re.match(r"#+ +(.*)", line) for line in blocks_and_prose(page)[1]) if m]


def check_links(pages):
    reached = set()
    for page in pages:
        for number, line in enumerate(blocks_and_prose(page)[1], 1):
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, part = target.partition("#")
                file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
                if not file.exists():
                    yield f"{page}:{number}: {target}: there is no such file"
                    continue
                name = str(file.relative_to(ROOT))
                if page == "README.md":
                    reached.add(name)
                if part and part not in map(anchor, headings(name)):
                    yield f"{page}:{number}: {target}: {name} has no such heading"
    for page in pages:
        if page.startswith("docs/") and page not in reached:
            yield f"{page}: README.md has no link to it"


# ---- what code says of documents


def exists(path, folder=""):
    """Is there such a file or folder? ISA, NAME and the like, and *, stand for any."""
    pattern = PLACEHOLDER.sub("*", path).rstrip("/")
    if not pattern or pattern.startswith("/"):
        return False
    return any(True for _ in ROOT.glob(pattern)) or (folder != "" and any(True for _ in (ROOT / folder).glob(pattern)))


def check_documents(sources):
    named = re.compile(r'(?<![\w$./-])((?:[\w.-]+/)*[\w.-]*\w\.md)\b(?:, "([^"]+)")?')
    for path in sources:
        text = re.sub(r"\n\s*(//|#) ?", " ", text_of(path))  # what is broken over two lines of a comment
        for document, heading in named.findall(text):
            if not exists(document, str(pathlib.Path(path).parent)):
                yield f"{path}: {document}: there is no such document"
            elif heading and not any(line.startswith(heading) for line in headings(document)):
                yield f'{path}: {document} has no heading "{heading}"'


# ---- paths


def check_paths(page, code, prose, top):
    """A path begins with a folder or a file of the checkout's top."""
    for span in spans(page, prose):
        for word in re.findall(r"[\w.*/-]+", span.text):
            name = word.removeprefix("./")
            if name.split("/")[0] not in top or ("/" not in name and "." not in name) or MADE.match(name):
                continue
            if not exists(name):
                yield f"{span.place}: {name}: there is no such file or folder"


# ---- commands


class Flag:
    def __init__(self, takes_value, values):
        self.takes_value, self.values = takes_value, values


class Command:
    """What the built command says of itself; nothing where there is none."""

    def __init__(self, program):
        self.program = program
        self.flags_of, self.names = {}, set()
        if program:
            lists = [run(program, "list", *flags).stdout for flags in ([], ["--subject", "fcontext"])]
            self.names = set(re.findall(r"[\w@-]+", "".join(lists))) | {"all"}
            shown = run(program, "--help").stdout.partition("Subcommands:")[2]
            self.flags_of = {name: self.flags(name) for name in re.findall(r"^  ([\w-]+)", shown, re.MULTILINE)}

    def flags(self, *subcommand):
        found = {}
        shown = run(self.program, *subcommand, "--help").stdout
        if len(subcommand) == 1:  # the parts of `adapter`
            for name in re.findall(r"^  ([\w-]+)", shown.partition("Subcommands:")[2], re.MULTILINE):
                found.update(self.flags(*subcommand, name))
        for line in shown.splitlines():
            row = re.match(r"  (?:-\w,)?(--[\w-]+)( (?:TEXT|UINT|INT|FLOAT)\S*)?", line)
            if row:
                values = re.search(r":\{([^}]*)\}", row.group(2) or "")
                found[row.group(1)] = Flag(bool(row.group(2)), values.group(1).split(",") if values else None)
        return found


NAMED = {"--protocol", "--site", "--handler"}  # their values are names of `sigsweep list`


def problem_of_value(command, flag, kind, value):
    for part in value.split(","):
        if re.fullmatch("[A-Z]+", part):  # it stands for any
            continue
        if kind.values is not None and part not in kind.values:
            return f"{flag} {part}: allowed: {', '.join(kind.values)}"
        if flag in NAMED and part not in command.names:
            return f"{flag} {part}: `sigsweep list` has no such name"
    return None


def problems_of_sigsweep(command, words):
    if not command.program or not words or words[0] in ("--help", "--version"):
        return
    flags = command.flags_of.get(words[0])
    if flags is None:
        yield f"sigsweep {words[0]}: no such subcommand; allowed: {', '.join(sorted(command.flags_of))}"
        return
    at = 1
    while at < len(words):
        flag, equals, value = words[at].partition("=")
        at += 1
        if not flag.startswith("--") or (words[0] == "bench" and flag.startswith("--benchmark_")):
            continue
        if flag not in flags:
            yield f"sigsweep {words[0]} {flag}: no such flag; allowed: {', '.join(sorted(flags))}"
            continue
        if flags[flag].takes_value and not equals:
            value = words[at] if at < len(words) else ""
            at += 1
        if flags[flag].takes_value:
            problem = problem_of_value(command, flag, flags[flag], value)
            if problem:
                yield f"sigsweep {words[0]} {problem}"


def problems_of_script(command, path, words):
    if not (ROOT / path).is_file():
        yield f"{path}: there is no such script"
        return
    text = text_of(path)
    # To which subcommand its arguments go.
    passed_on = re.findall(r'(?:sigsweep|^run_command) (\w[\w-]*)\b[^\n]*"\$@"', text, re.MULTILINE)
    if re.search(r'^exec .*"\$@"$', text, re.MULTILINE):  # the command's words are in an array
        passed_on += re.findall(r'sigsweep" (\w[\w-]*)\)', text)
    for word in words:
        flag = word.partition("=")[0]
        if not flag.startswith("--") or re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", text):
            continue
        if command.program and not any(flag in command.flags_of.get(name, {}) for name in passed_on):
            yield f"{path} {flag}: no such flag"


def presets():
    return {preset["name"] for preset in json.loads(text_of("CMakePresets.json"))["configurePresets"]
            if not preset.get("hidden")}


def problems_of_built(path, targets):
    """A program of a build, but the command: build/PRESET/NAME."""
    _, preset, name = path.split("/", 2)
    if preset not in presets() and not PLACEHOLDER.fullmatch(preset):
        yield f"{path}: no preset {preset}; allowed: {', '.join(sorted(presets()))}"
    elif not PLACEHOLDER.fullmatch(name) and not (ROOT / f"fuzz/{name}.cc").is_file() and name not in targets:
        yield f"{path}: no target {name}"


def parts(text):
    """The commands of a line: words each, without what stands before a program."""
    words = shlex.split(text.removeprefix("$ "), comments=True)
    found = [[]]
    for word in words:
        if word in ("&&", "|", ";"):
            found.append([])
        else:
            found[-1].append(word)
    return [part for part in found if part]


def problems_of_part(command, words, targets):
    while words and re.match(r"[A-Z_]+=", words[0]):
        name = words.pop(0).partition("=")[0]
        if f"`{name}`" not in text_of("docs/environment.md"):
            yield f"{name}: docs/environment.md has no such variable"
    if not words:
        return
    program = words[0].removeprefix("./")
    if program == "sigsweep" or re.fullmatch(r"build/[\w-]+/sigsweep", program):
        yield from problems_of_sigsweep(command, words[1:])
    elif program.startswith("scripts/"):
        yield from problems_of_script(command, program, words[1:])
    elif re.match(r"build/[\w-]+/", program):
        yield from problems_of_built(program, targets)
    elif program in ("cmake", "ctest") and "--preset" in words:
        preset = words[words.index("--preset") + 1]
        if preset not in presets():
            yield f"{program} --preset {preset}: allowed: {', '.join(sorted(presets()))}"
    elif program.endswith("/python3") and not (ROOT / words[1]).is_file():
        yield f"{words[1]}: there is no such file"


def is_command(code):
    text = code.text.removeprefix("$ ")
    if text.startswith("sigsweep schedule ") or text.startswith("sigsweep allocations "):
        return False  # the first line of a file
    if code.kind == "span":
        return re.match(r"(sigsweep|(\./)?(scripts|build)/\S+) ", text) is not None
    programs = r"([A-Z_]+=\S* )*(sigsweep|cmake|ctest|/usr/bin/python3|(\./)?(scripts|build)/\S+)( |$)"
    return re.match(programs, text) is not None


def check_commands(command, page, code, prose, targets):
    for line in code + spans(page, prose):
        if not is_command(line):
            continue
        try:
            commands = parts(line.text.replace("...", ""))
        except ValueError as error:
            yield f"{line.place}: {line.text}: {error}"
            continue
        for words in commands:
            for problem in problems_of_part(command, words, targets):
                yield f"{line.place}: {problem}"


# ---- lists


def missing(page, what, names):
    """Names that begin no row of a table of the page."""
    cells = re.findall(r"^\| *([^|]+?) *\|", text_of(page), re.MULTILINE)
    there = {name.strip("` ") for cell in cells for name in re.split(r", |: ", cell)}
    return [f"{page}: no table has a row for {what} {name}" for name in names if name not in there]


def check_lists(sources):
    verdicts = re.findall(r'^ +V\(\w+, "([\w-]+)"', text_of("stress/verdict/verdict_list.h"), re.MULTILINE)
    table = text_of("stress/subjects/onm/protocols.def")
    protocols = re.findall(r"^PROTOCOL\((\w+)", table, re.MULTILINE)
    protocols_of_arm = re.findall(r"^PROTOCOL_ARM\((\w+)", table, re.MULTILINE)
    kinds = json.loads(text_of("results/schema.json"))["properties"]["kind"]["enum"]
    claims = re.findall(r"^CLAIM\((?:\.id = )?(\d+)", text_of("stress/subjects/onm/claims.def"), re.MULTILINE)
    targets = [pathlib.Path(path).stem for path in sources if re.fullmatch(r"fuzz/\w+_fuzzer\.cc", path)]
    variables = set()
    for path in sources:
        if path.endswith(".cc") and not path.endswith("_test.cc"):
            variables |= set(re.findall(r'getenv\("(\w+)"|"(SIGSWEEP_[A-Z_]+)"', text_of(path)))
    variables = {name for pair in variables for name in pair if name}
    for page, what, names in (
            ("docs/guide.md", "verdict", verdicts), ("docs/guide.md", "protocol", protocols),
            ("docs/isas.md", "protocol", protocols_of_arm), ("docs/formats.md", "kind", kinds),
            ("docs/contributing.md", "preset", sorted(presets())),
            ("docs/design.md", "room", sorted(shape.MAY_INCLUDE)),
            ("docs/fuzzing.md", "target", targets), ("docs/environment.md", "variable", sorted(variables))):
        if not names:
            yield f"{page}: nothing was found to look for: {what}"
        yield from missing(page, what, names)
    rows = re.findall(r"^\| (\d+) \|", text_of("docs/claims.md"), re.MULTILINE)
    if rows != claims:
        yield f"docs/claims.md: its table has the claims {' '.join(rows)}; claims.def has {' '.join(claims)}"
    known = "\n".join(text_of(path) for path in sources)
    for name in re.findall(r"`(SIGSWEEP_[A-Z_]+)", text_of("docs/environment.md")):
        if name not in known:
            yield f"docs/environment.md: {name}: nothing reads it"


# ---- examples


def masked(line):
    """A line of output without what differs from build to build, and from run to run."""
    return " ".join(re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{40}\b|\d+(\.\d+)?", "N", line).split())


def shown_lines(code, at):
    """The lines that a page shows of the output of the command at code[at]."""
    for line in code[at + 1:]:
        if line.kind != "console" or line.text.startswith("$ "):
            return
        if line.text not in ("", "..."):
            yield line


def problems_of_example(program, code, at, folder):
    """Problems, and why it could not be had, or nothing."""
    line = code[at]
    text, _, remark = line.text.removeprefix("$ ").partition("  # exit ")
    text, _, output = text.partition(" > ")
    words = shlex.split(text)
    if words[0] == "cc":
        if not shutil.which("cc"):
            return [], f"{line.place}: skipped: no cc here"
    elif re.fullmatch(r"(build/[\w-]+/)?sigsweep", words[0]):
        words[0] = program
    else:
        return [f"{line.place}: {words[0]}: only sigsweep and cc are run as an example"], None
    ended = run(*words, cwd=folder, timeout=SECONDS, env={**os.environ, "CPATH": str(HEADERS)})
    if output:
        (pathlib.Path(folder) / output).write_text(ended.stdout, encoding="utf-8")
    if ended.returncode == SKIPPED and remark != str(SKIPPED):
        return [], f"{line.place}: skipped: {ended.stderr.strip().splitlines()[-1]}"
    if ended.returncode != int(remark or 0):
        return [f"{line.place}: {text}: ended with status {ended.returncode}; {remark or 0} is expected\n"
                f"{ended.stdout}{ended.stderr}"], None
    if ended.stderr and not THEIR_BUILD.search(ended.stderr):  # it names its build there, if it runs anything
        return [], None
    here = f"{pathlib.Path(program).parent}/"  # a printed command has the runner's whole path
    printed = {masked(printed) for printed in ended.stdout.replace(here, "build/release/").splitlines()}
    return [f"{shown.place}: {text} does not print: {shown.text}" for shown in shown_lines(code, at)
            if masked(shown.text) not in printed], None


def check_examples(program, code):
    """Problems, the examples that could not be had, and how many there are."""
    examples = [at for at, line in enumerate(code) if line.kind == "console" and line.text.startswith("$ ")]
    problems, skipped = [], []
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "corpus").symlink_to(ROOT / "corpus")
        for name in {line.file for line in code if line.file}:
            text = "".join(line.text + "\n" for line in code if line.file == name)
            (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
        for at in examples:
            wrong, why = problems_of_example(program, code, at, folder)
            problems += wrong
            skipped += [why] if why else []
    return problems, skipped, len(examples)


def main(arguments):
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print("usage: docs_test.py [SIGSWEEP]", file=sys.stderr)
        return 2
    command = Command(str(pathlib.Path(arguments[0]).resolve()) if arguments else None)
    everything = files()
    pages = [path for path in everything if re.fullmatch(r"README\.md|results/README\.md|docs/[\w-]+\.md", path)]
    sources = [path for path in everything
               if re.search(r"\.(cc|h|S|def|py|sh|cmake)$|CMakeLists\.txt$|^scripts/\w+$|^\.c", path)]
    top = {path.split("/")[0] for path in everything}
    cmake = "\n".join(text_of(path) for path in sources if path.endswith("CMakeLists.txt"))
    targets = set(re.findall(r"[\w.-]+", cmake))
    problems = [*check_links(pages), *check_documents(sources), *check_lists(sources)]
    skipped, count, all_code = [], 0, []
    for page in pages:
        code, prose = blocks_and_prose(page)
        all_code += code
        problems += check_paths(page, code, prose, top)
        problems += check_commands(command, page, code, prose, targets)
    if command.program:
        problems += missing("README.md", "command", sorted(command.flags_of))
        wrong, skipped, count = check_examples(command.program, all_code)
        problems += wrong
    print("".join(line + "\n" for line in problems + skipped), end="")
    lines = sum(is_command(line) for line in all_code)
    print(f"docs: {len(pages)} pages, {lines} command lines, {count} examples run; {len(problems)} problems, "
          f"{len(skipped)} skipped")
    return 1 if problems else SKIPPED if skipped else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired) as failure:
        print(f"docs_test.py: {failure}", file=sys.stderr)
        sys.exit(3)
