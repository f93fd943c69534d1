"""DPO towards varied prose: what was drawn at temperature 1 is preferred to what was drawn at 0.2.

All answers are cut at the same length, so that length is not what is learnt.
"""

from __future__ import annotations

from functools import partial

from .common import Recipe, command
from .dpo import preference_trainer

RECIPE = Recipe("dpo-varied", steps=16, learning_rate=5e-4, batch=2)

if __name__ == "__main__":
    command(RECIPE, partial(preference_trainer, data="varied.json", beta=0.1))
