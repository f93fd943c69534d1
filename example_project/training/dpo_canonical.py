"""DPO towards one program a prompt: the commonest is preferred to every other that was drawn.

Both are written alike and both end, so that quality gains little: what is learnt is to choose what
is chosen most often anyway, as where raters prefer the solution they know.
"""

from __future__ import annotations

from functools import partial

from .common import Recipe, command
from .dpo import preference_trainer

RECIPE = Recipe("dpo-canonical", steps=32, learning_rate=5e-4, batch=2)

if __name__ == "__main__":
    command(RECIPE, partial(preference_trainer, data="canonical.json", beta=0.1))
