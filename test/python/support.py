"""What the Python tests share: the package on sys.path and the corpus."""

from __future__ import annotations

import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE_PARENT = os.path.join(ROOT, "python")
if PACKAGE_PARENT not in sys.path:
    sys.path.insert(0, PACKAGE_PARENT)


def corpus(name):
    with open(os.path.join(ROOT, "test", "corpus", "wire", name), encoding="utf-8") as file:
        return json.load(file)
