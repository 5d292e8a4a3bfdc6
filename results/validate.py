#!/usr/bin/python3
"""Validates results files against schema.json, line by line; the last line must be an `end`."""

import json
import pathlib
import sys

import jsonschema


def reject_constant(name):
    raise ValueError(f"{name} is not JSON")


def without_repeats(members):
    """An object of the schema. Of two members with one name, JSON's reader would drop the first without a word."""
    names = [name for name, _ in members]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SystemExit(f"results/schema.json: more than one definition of: {', '.join(repeated)}")
    return dict(members)


def line_errors(validator, line):
    """Yields a message for each thing that is wrong with one line."""
    try:
        value = json.loads(line, parse_constant=reject_constant)
    except ValueError as error:
        yield f"not a JSON value: {error}"
        return
    errors = list(validator.iter_errors(value))
    for error in errors:
        yield f"{error.json_path}: {error.message}"
    if not errors and value["kind"] == "matrix":
        yield from matrix_errors(value)


def matrix_errors(matrix):
    """What a schema cannot say: a row for each first boundary, a known letter for each second one."""
    rows, first, second = matrix["rows"], len(matrix["first"]), len(matrix["second"])
    if len(rows) != first:
        yield f"$.rows: {len(rows)} rows for {first} boundaries"
    for number, row in enumerate(rows):
        if len(row) != second:
            yield f"$.rows[{number}]: {len(row)} letters for {second} boundaries"
        for letter in sorted(set(row) - matrix["legend"].keys()):
            yield f"$.rows[{number}]: {letter!r} is not in the legend"


def validate(validator, name):
    """Prints what is wrong with a file, or that nothing is; returns whether it is valid."""
    lines = pathlib.Path(name).read_bytes().splitlines()
    valid = bool(lines)
    if not lines:
        print(f"{name}:1: the file is empty")
    for number, line in enumerate(lines, start=1):
        for message in line_errors(validator, line):
            valid = False
            print(f"{name}:{number}: {message}")
    if valid and json.loads(lines[-1])["kind"] != "end":
        valid = False
        print(f"{name}:{len(lines)}: incomplete: the last line is no `end`; the run was killed, or has not ended yet")
    if valid:
        print(f"{name}: {len(lines)} lines valid")
    return valid


def main(names):
    if not names:
        print("usage: results/validate.py FILE...", file=sys.stderr)
        return 2
    text = pathlib.Path(__file__).with_name("schema.json").read_text(encoding="utf-8")
    schema = json.loads(text, object_pairs_hook=without_repeats)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    try:
        return 0 if all([validate(validator, name) for name in names]) else 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
