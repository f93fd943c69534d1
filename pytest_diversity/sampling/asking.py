"""A checkpoint that is asked questions, once each and greedily, as a judge is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_diversity.config.values import Checkpoint, Domain, Generation
from pytest_diversity.prompts import Prompt
from pytest_diversity.sampling.drawing import Drawing

__all__ = ["Asked"]

_TOKENS = 512


class Asked:
    """A checkpoint, and how many questions were put to it.

    Attributes:
        identity: What its answers depend on.
        count: How many questions were put to it.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        identity: str,
        draw: Callable[[Checkpoint, Domain, Mapping[str, Prompt]], Drawing],
    ) -> None:
        """Ask nothing yet.

        Args:
            checkpoint: What is asked.
            identity: What its answers depend on.
            draw: Its samples in a domain, from the store where they are there.
        """
        self.identity = identity
        self.count = 0
        self._checkpoint = checkpoint
        self._draw = draw

    def __call__(self, questions: Sequence[str]) -> list[str]:
        """The answer to each question, in order.

        Raises:
            DiversityError: It could not be asked.
        """
        prompts = {text: Prompt(prompt=text, id=text) for text in questions}
        self.count += len(prompts)
        domain = Domain(
            "judging",
            samples_per_prompt=1,
            generation=Generation(temperature=0.0, max_tokens=_TOKENS),
        )
        samples = self._draw(self._checkpoint, domain, prompts).samples
        return [samples[text][0].text for text in questions]
