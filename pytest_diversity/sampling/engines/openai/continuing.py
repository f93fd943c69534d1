"""Whether a server goes on with the beginning of an answer, or begins another turn after it.

Many ignore the field that asks for it. What they were given gives them away: a turn that was ended,
and the head of another one, are tokens that the prompt would not have.
"""

from __future__ import annotations

from pytest_diversity.config.values import Generation
from pytest_diversity.errors import SamplingError
from pytest_diversity.sampling.engines.openai.client import Client, RefusedError
from pytest_diversity.sampling.engines.openai.probe import NOT_TAKEN
from pytest_diversity.sampling.engines.openai.reply import Answer, Question

__all__ = ["UNKNOWN", "check_continues", "without_beginning"]

UNKNOWN = "whether the server continues the beginning of an answer cannot be told: read its samples"
_FIX = 'remove the prefill, or set api = "completions"'
_WORD, _FEW = " cat", 8
_EDGE = 1  # tokens by which a text may differ at the seam of two others
_TOLD = 8  # characters of a beginning that no answer says twice by chance
_AGAIN = "the beginning of the answer again, which is left out"


async def check_continues(client: Client, model: str) -> bool:
    """Refuse a server that ends the beginning of an answer, and answers anew.

    The prompt is longer by the same number of tokens for each word that the answer begins with;
    what there is beyond that stands after the words. A server that the field changes something
    for has understood it, whatever its template writes.

    Returns:
        Whether it is known that it continues.

    Raises:
        SamplingError: It does not.
    """
    try:
        none = await _length(client, model, 0)
        few, many = [await _length(client, model, count) for count in (_FEW, 2 * _FEW)]
        unasked = await _length(client, model, _FEW, asked=False)
    except RefusedError as error:
        if error.status in NOT_TAKEN:
            raise SamplingError(
                f"the server {client.address.url} does not continue the beginning of an answer: "
                f"{error.message}",
                fix=_FIX,
            ) from None
        raise
    if none is None or few is None or many is None or unasked is None or not none < few < many:
        return False
    beyond = 2 * few - many - none
    if few == unasked and beyond > _EDGE:
        raise SamplingError(
            f"the server {client.address.url} does not continue the beginning of an answer: it "
            f"begins another turn, with {beyond} tokens between the two",
            fix=_FIX,
        )
    return True


def without_beginning(answer: Answer, prefill: str) -> Answer:
    """An answer without the beginning that it was to continue, where it says that again."""
    begun, text = prefill.strip(), answer.text.lstrip()
    if len(begun) < _TOLD or not text.startswith(begun):
        return answer
    return answer._replace(text=text.removeprefix(begun), odd=(*answer.odd, _AGAIN))


async def _length(client: Client, model: str, words: int, *, asked: bool = True) -> int | None:
    """The tokens of a prompt whose answer begins with so many words; None if it is not said."""
    question = Question(
        "Which animal?", 0, Generation(max_tokens=1), prefill=words * _WORD, continues=asked
    )
    return (await client.ask(model, question))[0].asked
