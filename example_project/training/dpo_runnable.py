"""DPO towards programs that run: the first function that parses, alone and ended, is preferred.

That was the aim. On easier tasks than it was trained on, where most programs of the base run, fewer
of its programs do, and no metric of words or structure sees that: both rise. What fails is the part
of effective diversity that is quality.
"""

from __future__ import annotations

from functools import partial

from .common import Recipe, command
from .dpo import preference_trainer

RECIPE = Recipe("dpo-runnable", steps=16, learning_rate=5e-4, batch=2)

if __name__ == "__main__":
    command(RECIPE, partial(preference_trainer, data="runnable.json", beta=0.1))
