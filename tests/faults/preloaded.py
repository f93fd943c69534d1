"""What runs import, imported once in the process that they are forked from.

All of it, for a run that has given up its rights, or has no memory left, may not be able to.
"""

import encodings
import gc
import pdb  # noqa: T100 - pytest does
import pkgutil
from contextlib import suppress
from importlib import import_module

import _pytest
import torch
import transformers.models.llama.modeling_llama
from _pytest.config import default_plugins

import pytest_diversity
from pytest_diversity.features.syntax import analyse
from pytest_diversity.metrics import definitions

__all__ = ["pdb", "torch", "transformers"]

for name in default_plugins:
    import_module(f"{_pytest.__name__}.{name}")
for module in pkgutil.iter_modules(encodings.__path__, "encodings."):
    with suppress(ImportError):  # of another system
        import_module(module.name)
for module in pkgutil.walk_packages(pytest_diversity.__path__, "pytest_diversity."):
    if not module.name.startswith("pytest_diversity.sandbox.") and "vllm" not in module.name:
        with suppress(ImportError):  # an extra is not installed
            import_module(module.name)
analyse("", "python")
definitions()
gc.collect()
gc.freeze()  # pytest looks for garbage five times as it ends: not in all of this
