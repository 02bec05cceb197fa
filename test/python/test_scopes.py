"""The scopes that a front writes, as marshal reads them; src/wire is tested with the same vectors."""

from __future__ import annotations

import marshal
import unittest

from support import corpus

SCOPES = corpus("scopes.json")["scopes"]


def untagged(value):
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "bytes":
        return content.encode("latin-1")
    if tag == "dict":
        return {key: untagged(item) for key, item in content.items()}
    items = [untagged(item) for item in content]
    return tuple(items) if tag == "tuple" else items


class ScopeTest(unittest.TestCase):
    def test_loads_request_heads_as_scopes(self):
        for vector in SCOPES:
            with self.subTest(vector["name"]):
                scope = marshal.loads(bytes.fromhex(vector["hex"]))
                wanted = {key: untagged(value) for key, value in vector["scope"].items()}
                self.assertEqual(list(scope.items()), list(wanted.items()))


if __name__ == "__main__":
    unittest.main()
