"""What may be imported without torch, and what `import longhand` promises."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import longhand

TORCH_FREE = [
    "longhand",
    "longhand.errors",
    "longhand.atomic",
    "longhand.shipped",
    "longhand.arithmetic",
    "longhand.text",
    "longhand.data",
    "longhand.numpy_gpt",
    "longhand.models.config",
    "longhand.evaluation",
    "longhand.plots",
    "longhand.solvers.base",
    "longhand.solvers.oracle",
    "longhand.cli",
    "longhand.runs",
    "longhand.training.start",
    "longhand.training.numpy_backend",
]

_IMPORT_EVERYTHING_BELOW = """
    import importlib, pkgutil, sys
    sys.modules["torch"] = None  # any import of torch now fails
    package = importlib.import_module({name!r})
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), package.__name__ + "."):
        if {deep}:
            importlib.import_module(module.name)
"""


@pytest.mark.parametrize("name", TORCH_FREE)
def test_torch_free_packages_import_where_torch_is_missing(name: str) -> None:
    deep = name != "longhand"
    program = textwrap.dedent(_IMPORT_EVERYTHING_BELOW.format(name=name, deep=deep))
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_public_names_are_pinned_and_importable() -> None:
    assert longhand.__all__ == [
        "Completion",
        "Domain",
        "Problem",
        "Solver",
        "UserError",
        "Verdict",
        "__version__",
        "judge",
        "load",
    ]
    for name in longhand.__all__:
        assert getattr(longhand, name) is not None


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'solve_everything'"):
        _ = longhand.solve_everything  # type: ignore[attr-defined]
