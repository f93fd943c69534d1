"""DPO towards programs that run: the first function that parses, alone and ended, is preferred.

More of its programs are valid, and they are shorter. A gate that counts words alone sees little of
it; what is gained stands in quality and in effective diversity.
"""

from __future__ import annotations

from functools import partial

from .common import Recipe, command
from .dpo import preference_trainer

RECIPE = Recipe("dpo-runnable", steps=16, learning_rate=5e-4, batch=2)

if __name__ == "__main__":
    command(RECIPE, partial(preference_trainer, data="runnable.json", beta=0.1))
