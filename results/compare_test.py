#!/usr/bin/python3
"""Tests of compare.py: what differs is told, and what may differ is not."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import compare

CELL = {
    "kind": "cell", "isa": "amd64", "protocol": "reject", "site": "gc_m", "handler": "none", "form": "single",
    "inject": "direct", "contain": "place", "boundaries": 3, "trials": 3, "requested": 3, "landed": 3, "unreached": 0,
    "verdicts": {"ok": 3}, "predicted_mismatches": 0, "expected": True, "map": "00", "seconds": 1.5,
}  # fmt: skip


class Cells(unittest.TestCase):
    def compared(self, old, new):
        """Status and output of a comparison of two lists of rows."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(pathlib.Path(folder) / name) for name in ("old", "new")]
            for path, rows in zip(paths, (old, new)):
                pathlib.Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()) as said:
                status = compare.compare_cells(*paths)
        return status, said.getvalue()

    def test_seconds_may_differ(self):
        self.assertEqual(self.compared([CELL], [CELL | {"seconds": 9}])[0], 0)

    def test_anything_else_may_not(self):
        for change in ({"map": "01"}, {"verdicts": {"ok": 2, "crash": 1}}, {"landed": 2}, {"expected": False}):
            status, said = self.compared([CELL], [CELL | change])
            self.assertEqual(status, 1)
            self.assertIn(next(iter(change)), said)

    def test_a_row_of_one_side_alone_is_a_difference(self):
        other = CELL | {"site": "ready_m"}
        self.assertEqual(self.compared([CELL], [CELL, other])[0], 1)
        self.assertEqual(self.compared([CELL, other], [CELL])[0], 1)

    def test_nothing_compared_is_no_agreement(self):
        self.assertEqual(self.compared([], [])[0], 1)


if __name__ == "__main__":
    unittest.main()
