#!/usr/bin/python3
"""shape_test.py: small cases for each rule of shape.py, one within its bound and one beyond it; and for its parser."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # beside the script
import shape

LAYERS = {"low": [], "high": ["low"], "stress/subjects/onm": [], "runtime": []}
GO = {
    "stress/subjects/onm/callsites.def": 'SITE(ready_m, ONM, P0, 0, NOTHING, "")\nSITE(dopanic_m, ONM, 0, NOTHING, "panic")\n'
                                "SWITCHING(park_m)\nALSO(ready_m, G0)\n",
    "stress/subjects/onm/protocols.def": 'PROTOCOL(closure, onM,\n "x")\nPROTOCOL_ARM(arm_seed, onM, "x")\n',
    "stress/subjects/onm/conventions.h": 'constexpr std::string_view kMarkNames[] = {"g0-in-use", "gsignal-left",\n "sp-lost"};\n',
    "runtime/panic.cc": 'void badonm() {\n  gothrow("called from there");\n}\n',
}


def beyond(text, path="low/a.cc"):
    return shape.figures({path: text}, LAYERS)


def functions(text):
    return dict(shape.Parser("a.cc", text).functions)


def classes(text):
    """name -> data members; a plain record's as a string."""
    return {name: str(n) if record else n for name, n, record in shape.Parser("a.cc", text).classes}


def members(text):
    return classes("class C {\n int f() {\n return 1;\n }\n" + text + "\n};")["C"]


class Functions(unittest.TestCase):
    def test_sixty_lines_are_allowed_and_no_more(self):
        self.assertEqual(beyond("void f() {\n" + "  g();\n" * 58 + "}\n"), {})
        self.assertEqual(beyond("void f() {\n" + "  g();\n" * 59 + "}\n"), {("function", "low/a.cc:f"): 61})

    def test_a_function_begins_with_its_first_line(self):
        self.assertEqual(functions("template <class T>\nvoid f(T a,\n       int b)\n{\n}\n"), {"f": 5})

    def test_names(self):
        self.assertEqual(
            list(functions("""
                namespace a::b { extern "C" { void in_both() {} } }
                namespace { int S::T::method() const { return 0; } }
                struct S { S() {} ~S() {} bool operator()(int) { return x; } struct In { void f() {} }; };
                bool operator==(A a, B b) { return true; }
                A::operator bool() const { return true; }
                TEST(Suite, Case) {}
                inline int (*of(int x))(int) { return nullptr; }
                auto later() -> std::function<void(int)> { return {}; }
                """)),
            ["in_both", "S::T::method", "S::S", "S::~S", "S::operator()", "S::In::f", "operator==", "A::operatorbool",
             "Suite.Case", "of", "later"])

    def test_initialisers_are_no_body(self):
        self.assertEqual(functions("S::S(int a)\n  : a_{a}, b_(a), c_<int>{1, {2}}\n{\n  f();\n}\nint x;\n"),
                         {"S::S": 5})

    def test_values_are_no_functions(self):
        self.assertEqual(
            functions("""
                int a[] = {1, 2}; S b{1}; const auto f = [](int x) { return x; }; enum class E { a, b };
                std::function<void(int)> g = {}; void (*pointer)(int) = {}; void declared(int x = int{1});
                """), {})

    def test_comments_and_literals_hold_no_braces(self):
        self.assertEqual(
            functions("""void f() { // {{
                /* } */ g("}\\"}", '}', '\\'', 1'000, '{', R"x(} )" })x", u8"{"); }
                #define BEGIN {
                #define LONG \\
                  }}}
                void h() {}"""), {"f": 2, "h": 1})

    def test_what_cannot_be_read_is_said(self):
        for text, why in (("void f() {\n", "a.cc:1: { is not closed"), ("}\n", "a.cc:1: a closing brace too many"),
                          ("void f() { ( }\n", "a.cc:1: } closes nothing"), ("int x\n", "the file ends within"),
                          ("namespace a {\nint x;\n", "a.cc:2: a brace is not closed")):
            with self.assertRaises(shape.Unreadable) as caught:
                shape.Parser("a.cc", text)
            self.assertIn(why, str(caught.exception))


class Classes(unittest.TestCase):
    def test_fifteen_members_are_allowed_and_no_more(self):
        self.assertEqual(beyond("class C {\n" + "  int a;\n" * 15 + "};\n"), {})
        self.assertEqual(beyond("class C {\n" + "  int a;\n" * 16 + "};\n"), {("class", "low/a.cc:C"): 16})

    def test_a_plain_record_may_have_more(self):
        data = "  int a;\n" * 16
        self.assertEqual(beyond("struct C {\n" + data + "bool f() const { return a; }\nC() = default;\n};\n"), {})
        for function in ("int f();", "int f() {\n  return 1;\n}", "virtual void f() = 0;"):
            self.assertEqual(beyond("struct C {\n" + data + function + "\n};\n"), {("class", "low/a.cc:C"): 16})

    def test_what_is_data(self):
        self.assertEqual(members("int a;"), 1)
        self.assertEqual(members("int a, *b, c[3] = {1, 2};"), 3)
        self.assertEqual(members("private: unsigned bits : 3; std::map<int, std::pair<A, B>> map_;"), 2)
        self.assertEqual(members("std::function<void(int, int)> f_; void (*hook_)(int, int) = nullptr;"), 2)
        self.assertEqual(members("Worker worker_{[this] { run(1, 2); }, 3}; alignas(64) int line; [[maybe]] int m;"), 3)
        self.assertEqual(members("struct { int x, y; } at, to; union { int i; float f; };"), 4)
        self.assertEqual(members("struct In { int x; }; enum class E : int { a, b }; enum E e() const;"), 0)
        self.assertEqual(members("static int s; static constexpr int k = 1; using T = int; friend class F;"), 0)
        self.assertEqual(members("class G; static_assert(sizeof(int) == 4); typedef int U;"), 0)
        self.assertEqual(members("int g(int a, int b) const; bool operator<(C c) const; C& operator=(C) = delete;"), 0)

    def test_names(self):
        self.assertEqual(classes("template <class T> class A final : public B<T> { struct In { int x; }; };"),
                         {"A::In": "1", "A": 0})
        self.assertEqual(classes("struct alignas(64) A { int x; }; struct A f() { return {}; } enum class E { a };"),
                         {"A": "1"})


class Names(unittest.TestCase):
    def test_two_headers_declare_no_type_of_one_name(self):
        a = "struct A { int x; };"
        self.assertEqual(shape.figures({"low/a.h": a, "high/b.h": a}, LAYERS), {("name", "A"): 2})

    def test_what_may_share_a_name(self):
        a = "struct A { int x; };"
        self.assertEqual(shape.figures({"low/a.h": a, "low/a.cc": a, "low/a_test.cc": a}, LAYERS), {})
        self.assertEqual(shape.figures({"low/a.h": "struct A { struct B { int x; }; };", "high/b.h": "class B;"}, LAYERS), {})
        arch = {f"{shape.PER_ISA}/{isa}": [] for isa in ("arm", "386")}
        self.assertEqual(shape.figures({f"{folder}/arch.h": a for folder in arch}, arch), {})


class Files(unittest.TestCase):
    def test_five_hundred_lines_are_allowed_and_no_more(self):
        self.assertEqual(beyond("\n" * 500), {})
        self.assertEqual(beyond("\n" * 501), {("file", "low/a.cc"): 501})

    def test_tests_and_assembly_may_be_longer(self):
        self.assertEqual(beyond("\n" * 501, "low/a_test.cc"), {})
        self.assertEqual(beyond("\n" * 501, "low/a.S"), {})


class Layers(unittest.TestCase):
    def test_the_direction(self):
        up, down = '#include "high/a.h"\n', '  #  include "low/a.h"\n#include "high/a.h"\n#include <low>\n'
        self.assertEqual(shape.figures({"high/a.cc": down}, LAYERS), {})
        self.assertEqual(shape.figures({"low/a.S": up + up}, LAYERS), {("layer", "low/a.S:high"): 2})
        self.assertEqual(shape.figures({"low/a_test.cc": up}, LAYERS), {})

    def test_a_circle(self):
        files = {"low/a.h": '#include "high/a.h"\n', "high/a.h": '#include "low/a.h"\n'}
        self.assertEqual(shape.figures(files, {"low": ["high"], "high": ["low"]}),
                         {("circle", "low"): 2, ("circle", "high"): 2})

    def test_a_circle_by_way_of_a_third(self):
        files = {f"{a}/a.h": f'#include "{b}/a.h"\n' for a, b in ("xy", "yz", "zx", "wx")}
        rows = {a: list("wxyz") for a in "wxyz"}
        self.assertEqual(shape.figures(files, rows), {("circle", a): 3 for a in "xyz"})

    def test_a_folder_without_a_row(self):
        for files in ({"new/a.cc": ""}, {"low/a.cc": '#include "new/a.h"\n'}, {"low/a.cc": '#include "a.h"\n'}):
            with self.assertRaisesRegex(shape.Unreadable, r"^(new|low)/a.cc.*: folder (new|\.) has no row"):
                shape.figures(files, LAYERS)


class Go(unittest.TestCase):
    def count(self, text, path="low/a.S"):
        files = {**GO, path: text}
        return shape.figures(files, LAYERS, shape.go_patterns(files)).get(("go", path), 0)

    def test_each_kind_of_name_counts(self):
        for text in ("// on curg", 'f("ready_m");', "park_m();", "dopanic_m", "arm_seed", '"closure"', '"a panic: x"',
                     '"sp-lost"', '"gsignal-left"', '"called from there"', "onM_signalok", "is_g0", "kG(g0)", "mcall",
                     "gsignal", "scalararg[0]", "ptrarg"):
            self.assertEqual(self.count(text), 1, text)
        self.assertEqual(self.count("g0 g0\n// curg"), 3)

    def test_other_words_do_not(self):
        for text in ("// a closure", "panic();", '"disclosure"', '"false-closure"', "already_make", "reg00", "G0"):
            self.assertEqual(self.count(text), 0, text)

    def test_who_may_know_it(self):
        for path in ("runtime/a.cc", "stress/subjects/onm/a.cc", "low/a_test.cc", "low/a_fixture.h"):
            self.assertEqual(self.count("int g0;", path), 0, path)

    def test_lists_that_are_gone_are_said(self):
        for path in GO:
            with self.assertRaisesRegex(shape.Unreadable, f"{path}: git does not track it"):
                shape.go_patterns({p: text for p, text in GO.items() if p != path})
            with self.assertRaisesRegex(shape.Unreadable, f"{path}: GO_NAMES .* finds no name"):
                shape.go_patterns({**GO, path: ""})


class Allowed(unittest.TestCase):
    def problems(self, figure, entries):
        found = {("file", "low/a.cc"): figure} if figure else {}
        return shape.problems(found, shape.read_allowed("# why\n\n" + entries))

    def test_it_may_only_shrink(self):
        entry = "file low/a.cc 600\n"
        self.assertEqual(self.problems(600, entry), [])
        self.assertEqual(self.problems(0, ""), [])
        self.assertEqual(self.problems(600, ""), ["low/a.cc: file: 600 lines; allowed: 500"])
        self.assertEqual(self.problems(601, entry), ["low/a.cc: file: 601 lines; allowed: 600"])
        self.assertEqual(self.problems(599, entry),
                         ["scripts/shape_allowed.txt:3: file low/a.cc: allows 600, and there are 599 lines: "
                          "lower it to 599"])
        self.assertEqual(self.problems(0, entry),
                         ["scripts/shape_allowed.txt:3: file low/a.cc: nothing there is beyond 500 lines any more: "
                          "remove the entry"])

    def test_entries_that_are_none(self):
        for entry in ("file a.cc", "files a.cc 600", "file a.cc 0", "file a.cc x", "file  a.cc 600"):
            with self.assertRaisesRegex(shape.Unreadable, "shape_allowed.txt:1: .* is no entry; allowed: RULE PATH"):
                shape.read_allowed(entry)
        with self.assertRaisesRegex(shape.Unreadable, "shape_allowed.txt:2: file a has an entry already"):
            shape.read_allowed("file a 600\nfile a 700\n")


class Command(unittest.TestCase):
    """The script in a checkout of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        (self.root / "scripts").mkdir()
        shutil.copy(shape.__file__, self.root / "scripts" / "shape.py")
        self.write(shape.ALLOWED, "")
        for path, text in GO.items():
            self.write(path, text)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        subprocess.run(["git", "-C", str(self.root), "add", path], check=True)

    def run_it(self, *arguments):
        result = subprocess.run([sys.executable, str(self.root / "scripts/shape.py"), *arguments],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return result.returncode, result.stdout.splitlines()

    def test_statuses(self):
        self.assertEqual(self.run_it(), (0, ["shape: 4 files; 0 entries in scripts/shape_allowed.txt; 0 problems"]))
        self.write("stress/host/a.cc", "int g0;\n")
        (self.root / "stress/host/untracked.cc").write_text("}\n")
        self.assertEqual(self.run_it(), (1, ["stress/host/a.cc: go: 1 names of Go; allowed: 0",
                                             "shape: 5 files; 0 entries in scripts/shape_allowed.txt; 1 problems"]))
        self.assertEqual(self.run_it("--list"), (0, ["go stress/host/a.cc 1"]))
        self.write(shape.ALLOWED, "go stress/host/a.cc 1\n")
        self.assertEqual(self.run_it()[0], 0)
        self.write("stress/host/a.cc", "}\n")
        self.assertEqual(self.run_it(), (3, ["stress/host/a.cc:1: a closing brace too many"]))
        self.assertEqual(self.run_it("--lst"), (2, ["shape.py: unknown arguments: --lst (allowed: --list)"]))


if __name__ == "__main__":
    unittest.main()
