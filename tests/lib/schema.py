"""Looks whether a JSON value is what a JSON Schema says: of draft 2020-12 the words that docs/report.schema.json uses.

A word that is not known here is a failure, so that no rule of the schema goes unheard.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
NOTES = {"$schema", "title", "$defs", "description"}


def is_type(value, name):
    if name in ("integer", "number"):
        return isinstance(value, int if name == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def faults(value, schema, root=None, at="$"):
    """What is wrong, as texts; root: the schema that $ref refers to."""
    root = schema if root is None else root
    found = []
    for word, rule in schema.items():
        if word in NOTES:
            continue
        if word == "$ref":
            part = root
            for name in rule.removeprefix("#/").split("/"):
                part = part[name]
            found += faults(value, part, root, at)
        elif word == "type":
            if not any(is_type(value, name) for name in ([rule] if isinstance(rule, str) else rule)):
                found.append(f"{at}: {value!r} is no {rule}")
        elif word == "const":
            if value != rule:
                found.append(f"{at}: {value!r} is not {rule!r}")
        elif word == "enum":
            if value not in rule:
                found.append(f"{at}: {value!r} is none of {rule}")
        elif word == "minimum":
            if value is not None and value < rule:
                found.append(f"{at}: {value} is below {rule}")
        elif word == "maxLength":
            if isinstance(value, str) and len(value) > rule:
                found.append(f"{at}: {len(value)} characters, at most {rule}")
        elif word == "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                found.append(f"{at}: {value!r} does not match {rule}")
        elif word == "items":
            if isinstance(value, list):
                for number, item in enumerate(value):
                    found += faults(item, rule, root, f"{at}[{number}]")
        elif word == "required":
            if isinstance(value, dict):
                found += [f"{at}: {name} is missing" for name in rule if name not in value]
        elif word == "properties":
            if isinstance(value, dict):
                for name, part in rule.items():
                    if name in value:
                        found += faults(value[name], part, root, f"{at}.{name}")
        elif word == "additionalProperties":
            if rule is False and isinstance(value, dict):
                found += [f"{at}: {name} is not in the schema" for name in value if name not in schema["properties"]]
        else:
            found.append(f"{at}: the schema says {word}, which nobody here understands")
    return found
