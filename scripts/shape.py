#!/usr/bin/python3
"""shape.py [--list]: the shape of the code that git tracks here.

  function  path:name    a function has at most 60 lines, from its first line to its closing brace
  class     path:name    a class has at most 15 data members; a plain record may have more: a struct whose member
                         functions are all defaulted, deleted or one line long
  file      path         a file of C++ has at most 500 lines; tests may have more
  name      name       a type has a name of its own: no two headers declare one of the same name. The headers of two ISAs
                         may (stress/trap/arch); the figure: how many do
  circle    folder       no folder reaches itself by includes; the figure: how many folders its circle has
  layer     path:folder  a file includes only what MAY_INCLUDE allows its folder; the figure: how many other includes.
                         Tests stand above all rooms
  go        path         the harness names nothing of Go: no site, protocol, mark or message; the figure: how many times

What breaks a rule today is in shape_allowed.txt, with its figure. That list may only shrink: an entry that allows more
than there is must be lowered or removed. --list prints what breaks a rule, in the form of that list.
Exit status: 0 all is well; 1 a rule is broken, or an entry is out of date; 2 usage; 3 the code or the list can't be
read.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

# The layers. A folder may include itself and the folders in its row, and nothing else. A folder without a row is an
# error.
MAY_INCLUDE = {
    "runtime": ["stress/base"],
    "stress/base": [],
    "stress/verdict": [],
    "stress/schedule": ["stress/verdict"],
    "stress/account": ["stress/base", "stress/schedule", "stress/verdict"],
    "stress/subject": ["stress/base", "stress/verdict"],
    "stress/oracle": ["stress/base", "stress/subject", "stress/verdict"],
    "stress/trap": ["stress/base", "stress/schedule", "stress/trap/arch/386", "stress/trap/arch/amd64",
                    "stress/trap/arch/arm"],
    "stress/trap/arch": [],
    "stress/trap/arch/386": ["stress/trap/arch"],
    "stress/trap/arch/amd64": ["stress/trap/arch"],
    "stress/trap/arch/arm": ["stress/trap/arch"],
    "stress/trace": ["stress/base", "stress/schedule", "stress/subject"],
    "stress/unwind": ["stress/base", "stress/subject", "stress/trap"],
    "stress/engine": ["stress/base", "stress/oracle", "stress/schedule", "stress/subject", "stress/trace", "stress/trap",
                      "stress/unwind", "stress/verdict"],
    "stress/campaign": ["stress/base", "stress/engine", "stress/oracle", "stress/schedule", "stress/subject",
                        "stress/trace", "stress/trap", "stress/verdict"],
    "stress/runner": ["stress/account", "stress/base", "stress/campaign", "stress/engine", "stress/oracle",
                      "stress/schedule", "stress/subject", "stress/trace", "stress/trap", "stress/verdict"],
    "stress/peers": ["stress/base"],
    "stress/subjects/onm": ["runtime", "stress/base", "stress/subject"],
    "stress/subjects/adapters": ["stress/subjects/adapter"],
    "stress/subjects/adapters/planted": ["stress/subjects/adapter"],
    "stress/subjects/adapter/storm": ["stress/base", "stress/oracle", "stress/storm", "stress/subject",
                                      "stress/subjects/adapter", "stress/trap", "stress/unwind", "stress/verdict"],
    "stress/subjects/adapters/mistakes": ["stress/subjects/adapter"],
    "stress/subjects/adapter": ["stress/base", "stress/campaign", "stress/engine", "stress/runner", "stress/subject",
                                "stress/trap", "stress/verdict"],
    "stress/storm": ["stress/base", "stress/subject", "stress/trap", "stress/verdict"],
    "stress/subjects/onm/storm": ["runtime", "stress/base", "stress/oracle", "stress/storm", "stress/subject",
                                  "stress/subjects/onm", "stress/trap", "stress/verdict"],
    "stress/subjects/adapter/storm": ["stress/base", "stress/storm", "stress/subject", "stress/subjects/adapter",
                                      "stress/trap", "stress/unwind", "stress/verdict"],
    "stress/host": ["stress/account", "stress/base", "stress/schedule", "stress/verdict"],
    "stress/host/history": ["stress/base", "stress/host"],
    "stress/host/mutants": ["stress/base", "stress/host"],
    "stress/host/nightly": ["stress/base", "stress/host"],
    "stress/host/page": ["stress/base", "stress/host", "stress/verdict"],
    "stress/host/commands": ["stress/account", "stress/base", "stress/host", "stress/host/history",
                             "stress/host/mutants", "stress/host/nightly", "stress/host/page", "stress/schedule", "stress/verdict"],
    "fuzz/malloc": ["runtime", "stress/campaign", "stress/engine", "stress/oracle", "stress/subject"],
    "fuzz": ["fuzz/malloc", "runtime", "stress/base", "stress/campaign", "stress/engine", "stress/oracle", "stress/schedule",
             "stress/subject", "stress/subjects/adapter", "stress/subjects/onm", "stress/trace", "stress/trap",
             "stress/verdict"],
}

# Who may know Go: the model, its subject, the fuzz targets, and tests.
KNOWS_GO = ["runtime/*", "stress/subjects/onm/*", "fuzz/*", "*_test.cc", "*_fixture.h"]
# Where its names are: a file, and a pattern whose group is a name, or a list of names in quotes.
GO_NAMES = [
    ("stress/subjects/onm/callsites.def", r"^(?:SITE|SWITCHING)\((\w+)"),
    ("stress/subjects/onm/callsites.def", r'^SITE\(.*"([^"]+)"\)'),
    ("stress/subjects/onm/protocols.def", r"^PROTOCOL(?:_ARM)?\((\w+)"),
    ("stress/subjects/onm/conventions.h", r"kMarkNames\[\] = \{([^}]*)"),
    ("runtime/panic.cc", r'gothrow\("([^"]+)"\)'),
]
GO_WORDS = ["onM", "mcall", "gsignal", "g0", "curg", "scalararg", "ptrarg"]

CODE = ["*.cc", "*.h", "*.S", "*.def"]
CXX = ["*.cc", "*.h"]
TESTS = ["*_test.cc"]
PER_ISA = "stress/trap/arch"  # a header an ISA, with the same names
ALLOWED = "scripts/shape_allowed.txt"
MOST = {"function": 60, "class": 15, "file": 500, "circle": 0, "layer": 0, "go": 0, "name": 1}
UNIT = {
    "function": "lines",
    "class": "data members",
    "file": "lines",
    "name": "headers that declare it",
    "circle": "folders that include each other",
    "layer": "includes against the direction of the layers",
    "go": "names of Go",
}


class Unreadable(Exception):
    """The code or the list can't be read; the message says where and why."""


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


# ---- tokens

TOKEN = re.compile(
    r"""
    (?P<comment> //(?:[^\\\n]|\\.|\\\n)* | /\*.*?\*/ )
  | (?P<directive> (?:(?<=\n)|\A)[ \t]*\#(?:[^\\\n/]|\\.|\\\n|/\*.*?\*/|/(?![/*]))* )
  | (?P<string> (?:u8|[uUL])?R"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)" | (?:u8|[uUL])?"(?:[^"\\\n]|\\.)*" )
  | (?P<character> (?:u8|[uUL])?'(?:[^'\\\n]|\\.)+' )
  | (?P<number> \.?\d(?:'?[\w.]|(?<=[eEpP])[+-])* )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<punctuation> :: | -> | \S )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token:
    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line


def tokens_of(text, kinds=("string", "character", "number", "word", "punctuation")):
    """The tokens of those kinds: by default all but comments and directives."""
    found, line, at = [], 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        if match.lastgroup == "mark" or match.lastgroup in kinds:
            kind = "string" if match.lastgroup == "mark" else match.lastgroup
            found.append(Token(kind, match.group(), line))
    return found


# ---- functions and classes

CLOSING = {"(": ")", "[": "]", "{": "}"}


class Parser:
    """Finds the functions and classes of one file, by its braces."""

    def __init__(self, path, text):
        self.path = path
        self.tokens = tokens_of(text)
        self.at = 0
        self.functions = []  # (name, lines)
        self.classes = []  # (name, members, is a plain record)
        self.scope("")
        if self.at < len(self.tokens):
            self.fail("a closing brace too many")

    def fail(self, why):
        line = self.tokens[min(self.at, len(self.tokens) - 1)].line
        raise Unreadable(f"{self.path}:{line}: {why}")

    def group(self):
        """Steps over a group in brackets, of any kind, from its opening one."""
        stack = []
        for i in range(self.at, len(self.tokens)):
            text = self.tokens[i].text
            if text in CLOSING:
                stack.append(CLOSING[text])
            elif text in CLOSING.values():
                if text != stack.pop():
                    self.at = i
                    self.fail(f"{text} closes nothing")
                if not stack:
                    group = self.tokens[self.at : i + 1]
                    self.at = i + 1
                    return group
        self.fail(f"{self.tokens[self.at].text} is not closed")

    def scope(self, name, members=None):
        """Declarations up to a closing brace or the end of the file. `members`: where those of a class go."""
        while self.at < len(self.tokens) and self.tokens[self.at].text != "}":
            self.declaration(name, members)

    def declaration(self, scope, members):
        head = Head()
        while True:
            if self.at == len(self.tokens):
                self.fail("the file ends within a declaration")
            token = self.tokens[self.at]
            if token.text == ";":
                self.at += 1
                if members is not None:
                    members.declared(head)
                return
            if token.text == "{":
                if self.braces(scope, head, members):
                    return
            elif token.text in CLOSING:
                head.add(token, self.group())
            elif token.text == "}":
                self.fail("a declaration ends without a semicolon")
            else:
                self.at += 1
                if token.text == ":" and [t.text for t in head.tokens] in (["public"], ["protected"], ["private"]):
                    return
                head.add(token)

    def braces(self, scope, head, members):
        """At an opening brace behind `head`. True if the declaration ends with its closing brace."""
        kind = head.kind()
        if kind == "namespace":
            self.at += 1
            self.scope(scope)
            self.close()
            return True
        if kind == "class":
            self.read_class(scope, head)
            return False
        group = self.group()
        if kind == "function":
            lines = group[-1].line - head.tokens[0].line + 1
            self.functions.append((joined(scope, head.name()), lines))
            if members is not None:
                members.functions += lines > 1
            return True
        head.add(group[0], group)
        return False

    def read_class(self, scope, head):
        name = head.class_name()
        inner = Members()
        self.at += 1
        self.scope(joined(scope, name) if name else scope, inner)
        self.close()
        if name:
            self.classes.append((joined(scope, name), inner.data, head.has("struct") and inner.functions == 0))
        head.turn_to_declarators(0 if name else inner.data)

    def close(self):
        if self.at == len(self.tokens):
            self.fail("a brace is not closed")
        self.at += 1


def joined(scope, name):
    return f"{scope}::{name}" if scope else name


class Head:
    """What stands before a brace or a semicolon: words and punctuation, and groups in brackets as one token each."""

    def __init__(self):
        self.tokens = []  # (those of a group: its opening bracket)
        self.groups = {}  # index of a token -> its group
        self.depth = 0  # of angle brackets
        self.nested = 0  # data members of a class without a name that stands here
        self.after_class = False

    def add(self, token, group=None):
        if token.text == "(" and self.tokens and self.tokens[-1].text in ("alignas", "decltype", "__attribute__"):
            self.tokens[-1] = Token("word", "int", token.line)  # no parameter list: as if a type stood there
            return
        if token.text == "<" and self.tokens and (self.depth > 0 or self.opens_angle()):
            self.depth += 1
        elif token.text == ">" and self.depth > 0:
            self.depth -= 1
            if self.depth == 0:
                self.tokens.append(Token("angle", "<>", token.line))
            return
        if self.depth > 0:
            return
        if group is not None:
            self.groups[len(self.tokens)] = group
        self.tokens.append(token)

    def opens_angle(self):
        last = self.tokens[-1]
        return last.kind == "word" and last.text != "operator" and not self.has("=")

    def has(self, *texts):
        return any(token.text in texts for token in self.tokens)

    def texts(self):
        return [token.text for token in self.tokens]

    def parameters(self):
        """Index of the parameter list, if this declares a function."""
        texts = self.texts()
        if "operator" in texts:
            at = texts.index("operator") + 1
            while at < len(texts) and (at not in self.groups or texts[at : at + 2] == ["(", "("]):
                at += 1
            return at if at < len(texts) else None
        for at, text in enumerate(texts):
            if text == "=" or text == "{":
                return None
            if text == "(":
                inside = [token.text for token in self.groups[at]]
                is_pointer = inside[1] == "*" and "(" not in inside[1:]  # void (*f)(int), not void (*f(int))(int)
                return None if is_pointer or at == 0 else at
        return None

    def kind(self):
        """What an opening brace begins here: namespace, class, function, or something else, such as a value."""
        texts = [text for text in self.texts() if text not in ("inline", "export")]
        if texts[:1] == ["namespace"] or (texts[:1] == ["extern"] and len(texts) == 2 and texts[1][0] == '"'):
            return "namespace"
        at = self.parameters()
        if at is not None:
            rest = self.texts()[at + 1 :]
            initialising = ":" in rest and (self.tokens[-1].kind in ("word", "angle"))
            return "value" if initialising else "function"
        if self.has("class", "struct", "union") and not self.has("=", "enum") and not self.after_class:
            return "class"
        return "value"

    def name(self):
        at = self.parameters()
        texts = self.texts()
        if at == 1 and texts[0] in ("TEST", "TEST_F", "TEST_P"):
            return ".".join(token.text for token in self.groups[at] if token.kind == "word")
        if "operator" not in texts and self.groups[at][1].text == "*":
            return self.groups[at][2].text
        begin = texts.index("operator") if "operator" in texts else at - 1
        if begin > 0 and texts[begin - 1] == "~":
            begin -= 1
        while begin > 1 and texts[begin - 1] == "::":
            begin -= 3 if texts[begin - 2] == "<>" else 2
        return "".join(text + CLOSING.get(text, "") for text in texts[max(begin, 0) : at])

    def class_name(self):
        texts = self.texts()
        at = min(texts.index(key) for key in ("class", "struct", "union") if key in texts)
        end = texts.index(":", at) if ":" in texts[at:] else len(texts)
        words = [t.text for t in self.tokens[at + 1 : end] if t.kind == "word" and t.text not in ("final", "int")]
        return "::".join(words)

    def turn_to_declarators(self, nested):
        self.tokens, self.groups = [], {}
        self.nested, self.after_class = nested, True


class Members:
    """Of a class: how many data members, and how many functions that are more than trivial."""

    NO_DATA = ("using", "typedef", "friend", "static_assert", "static", "template", "enum")

    def __init__(self):
        self.data = 0
        self.functions = 0

    def declared(self, head):
        """A declaration that ends with a semicolon."""
        texts = head.texts()
        if head.after_class:
            self.data += 1 + texts.count(",") if texts else head.nested
        elif not texts or any(text in self.NO_DATA for text in texts):
            return
        elif head.parameters() is not None:
            self.functions += texts[-1] not in ("default", "delete")
        elif not (texts[0] in ("class", "struct", "union") and len(texts) == 2):
            self.data += 1 + texts.count(",")


# ---- includes

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)


def folder_of(path):
    return path.rpartition("/")[0]


def includes_of(text):
    """(folder, line) of each file of the project that this one includes."""
    return [(folder_of(m.group(1)), text.count("\n", 0, m.start()) + 1) for m in INCLUDE.finditer(text)]


def circles(edges):
    """Folder -> how many folders are in its circle, of those that reach themselves through another."""
    reach = {folder: set(targets) for folder, targets in edges.items()}
    for middle in reach:
        for folder in reach:
            if middle in reach[folder]:
                reach[folder] |= reach[middle]
    circle = {a: [b for b in reach[a] if b != a and a in reach.get(b, ())] for a in reach}
    return {folder: len(others) + 1 for folder, others in circle.items() if others}


# ---- Go


def one_of(names, apart):
    """A pattern of those names; `apart`: the characters that may not stand beside one."""
    words = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(f"(?<![{apart}])(?:{words})(?![{apart}])")


def go_patterns(files):
    """What counts anywhere, and what in string literals only: names that are common words, as protocol `closure`."""
    anywhere, in_literals = set(GO_WORDS), set()
    for path, pattern in GO_NAMES:
        if path not in files:
            raise Unreadable(f"{path}: git does not track it; GO_NAMES of scripts/shape.py reads names from it")
        found = re.findall(pattern, files[path], re.MULTILINE)
        names = [name for text in found for name in (re.findall(r'"([^"]+)"', text) or [text])]
        if not names:
            raise Unreadable(f"{path}: GO_NAMES of scripts/shape.py finds no name there by {pattern}")
        for name in names:
            (in_literals if re.fullmatch("[a-z]+", name) else anywhere).add(name)
    return one_of(anywhere, "A-Za-z0-9"), one_of(in_literals, r"\w-")


def go_count(text, patterns):
    anywhere, in_literals = patterns
    literals = [token.text for token in tokens_of(text, ("string",))]
    return len(anywhere.findall(text)) + sum(len(in_literals.findall(literal)) for literal in literals)


# ---- the rules

def figures(files, may_include=None, patterns=None):
    """(rule, where) -> figure, of what is beyond a rule's bound. `files`: path -> text."""
    found = {}

    def note(rule, where, figure):
        if figure > MOST[rule]:
            found[rule, where] = found.get((rule, where), 0) + figure

    may_include = MAY_INCLUDE if may_include is None else may_include
    edges = {folder: set() for folder in may_include}
    declared = {}
    for path, text in files.items():
        folder = folder_of(path)
        if folder not in may_include:
            raise Unreadable(f"{path}: folder {folder or '.'} has no row in MAY_INCLUDE of scripts/shape.py")
        for target, line in includes_of(text):
            if target not in may_include:
                raise Unreadable(f"{path}:{line}: folder {target or '.'} has no row in MAY_INCLUDE of scripts/shape.py")
            if matches(path, TESTS):
                continue
            edges[folder].add(target)
            if target != folder and target not in may_include[folder]:
                note("layer", f"{path}:{target}", 1)
        if matches(path, CXX):
            parser = Parser(path, text)
            for name, lines in parser.functions:
                note("function", f"{path}:{name}", lines)
            for name, members, is_record in parser.classes:
                note("class", f"{path}:{name}", 0 if is_record else members)
                if path.endswith(".h") and not folder.startswith(PER_ISA):
                    declared.setdefault(name, set()).add(path)
            if not matches(path, TESTS):
                note("file", path, text.count("\n"))
        if patterns is not None and not matches(path, KNOWS_GO):
            note("go", path, go_count(text, patterns))
    for name, paths in declared.items():
        note("name", name, len(paths))
    for folder, size in circles(edges).items():
        note("circle", folder, size)
    return found


def read_allowed(text):
    """(rule, where) -> (figure, line)."""
    entries = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        fields = line.split(" ")
        if len(fields) != 3 or fields[0] not in MOST or not re.fullmatch("[1-9][0-9]*", fields[2]):
            raise Unreadable(f"{ALLOWED}:{number}: '{line}' is no entry; allowed: RULE PATH[:NAME] FIGURE, "
                             f"of the rules {', '.join(MOST)}")
        if (fields[0], fields[1]) in entries:
            raise Unreadable(f"{ALLOWED}:{number}: {fields[0]} {fields[1]} has an entry already")
        entries[fields[0], fields[1]] = (int(fields[2]), number)
    return entries


def problems(found, allowed):
    """A line each: what is beyond its bound and its entry, and the entries that allow too much."""
    lines = []
    for (rule, where), figure in sorted(found.items()):
        limit = allowed[rule, where][0] if (rule, where) in allowed else MOST[rule]
        if figure > limit:
            lines.append(f"{where}: {rule}: {figure} {UNIT[rule]}; allowed: {limit}")
    for (rule, where), (limit, number) in sorted(allowed.items()):
        figure = found.get((rule, where))
        entry = f"{ALLOWED}:{number}: {rule} {where}"
        if figure is None:
            lines.append(f"{entry}: nothing there is beyond {MOST[rule]} {UNIT[rule]} any more: remove the entry")
        elif figure < limit:
            lines.append(f"{entry}: allows {limit}, and there are {figure} {UNIT[rule]}: lower it to {figure}")
    return lines


def tracked(root):
    """path -> text of the code that git tracks; also where another user owns the checkout."""
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "--", *CODE]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if listed.returncode != 0 or not listed.stdout:
        raise Unreadable(f"{root}: git tracks no code there (looked for {' '.join(CODE)})")
    return {path: (root / path).read_text() for path in listed.stdout.splitlines() if (root / path).exists()}


def main(arguments):
    if arguments not in ([], ["--list"]):
        print(f"shape.py: unknown arguments: {' '.join(arguments)} (allowed: --list)", file=sys.stderr)
        return 2
    root = pathlib.Path(__file__).resolve().parent.parent
    try:
        files = tracked(root)
        found = figures(files, patterns=go_patterns(files))
        allowed = read_allowed((root / ALLOWED).read_text())
    except (Unreadable, OSError, UnicodeDecodeError) as error:
        print(error, file=sys.stderr)
        return 3
    if arguments:
        print("".join(f"{rule} {where} {figure}\n" for (rule, where), figure in sorted(found.items())), end="")
        return 0
    lines = problems(found, allowed)
    print("".join(line + "\n" for line in lines), end="")
    print(f"shape: {len(files)} files; {len(allowed)} entries in {ALLOWED}; {len(lines)} problems")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
