"""What each kind of domain knows: how to extract, tokenise, parse and judge its answers."""

from collections.abc import Mapping

from pytest_diversity.domains.code import CODE
from pytest_diversity.domains.prose import PROSE
from pytest_diversity.features import Kind
from pytest_diversity.prompts import Prompt, load_prompts

__all__ = ["CODE", "KINDS", "PROSE", "Kind", "Prompt", "load_prompts"]

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (CODE, PROSE)}
