"""GGUF files, converted once: reading one takes tens of seconds, its safetensors under one."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_diversity.sampling.engines.transformers.libraries import demand_gguf
from pytest_diversity.sampling.engines.transformers.whole import demand_all

__all__ = ["converted"]


def converted(file: Path, dtype: str, folder: Path) -> Path:
    """A model directory with the weights of `file` in `dtype`, made in `folder` if it is not there.

    Args:
        file: The GGUF file.
        dtype: Name of a torch dtype.
        folder: The directory to find it in or to make it as; its parent is created.

    Raises:
        MissingExtraError: The package `gguf` is not installed.
    """
    if folder.is_dir():
        return folder
    demand_gguf(file.name)  # transformers asks for it late, and less clearly
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
    try:
        with redirect_stderr(StringIO()):  # transformers draws a bar that nothing turns off
            _convert(file, getattr(torch, dtype), unfinished)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not folder.is_dir():  # another process may have been faster
            raise
    return folder


def _convert(file: Path, dtype: torch.dtype, folder: Path) -> None:
    source: dict[str, Any] = {"gguf_file": file.name, "trust_remote_code": False}
    AutoTokenizer.from_pretrained(file.parent, **source).save_pretrained(folder)
    kind: Any = AutoModelForCausalLM
    model, found = kind.from_pretrained(
        file.parent, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True, **source
    )
    demand_all(file, model, found)
    # A model read from GGUF calls itself quantised and refuses to be saved; its weights are plain.
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(model)(config).to(dtype)
    plain.load_state_dict(model.state_dict())
    plain.generation_config = model.generation_config
    plain.save_pretrained(folder)
