"""A checkpoint that is asked questions, once each and greedily, as a judge is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pytest_diversity.config.server import Allowance, is_server
from pytest_diversity.config.values import Checkpoint, Domain, Generation
from pytest_diversity.prompts import Prompt
from pytest_diversity.sampling.drawing import Drawing

__all__ = ["Asked"]

_TOKENS = 512


class Asked:
    """A checkpoint, and how many questions were put to it.

    Attributes:
        identity: What its answers depend on.
        count: How often it was asked: of a server each request, those that were repeated included.
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
        self._allowance = Allowance(0)
        self._counts = is_server(checkpoint.source)  # by itself, as it sends
        endpoint = replace(checkpoint.server, allowance=self._allowance)
        self._checkpoint = replace(checkpoint, server=endpoint)
        self._draw = draw

    @property
    def count(self) -> int:
        """See the class."""
        return self._allowance.sent

    def __call__(self, questions: Sequence[str], most: int) -> list[str]:
        """The answer to each question, in order.

        Args:
            questions: What is asked.
            most: How often it may be asked in the whole run.

        Raises:
            DiversityError: It could not be asked, or not that often.
        """
        prompts = {text: Prompt(prompt=text, id=text) for text in questions}
        self._allowance.most = most
        if not self._counts:
            self._allowance.sent += len(prompts)
        domain = Domain(
            "judging",
            samples_per_prompt=1,
            generation=Generation(temperature=0.0, max_tokens=_TOKENS),
        )
        samples = self._draw(self._checkpoint, domain, prompts).samples
        return [samples[text][0].text for text in questions]
