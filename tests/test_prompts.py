"""Prompt files: those of the user and the built-in ones."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pytest_diversity.errors import ConfigError, DataError
from pytest_diversity.prompts import BUILTIN, Prompt, choose_prompts, load_prompts
from pytest_diversity.sandbox import Program, Sandbox

BUILTINS = sorted(path.stem for path in BUILTIN.glob("*.jsonl"))


GRADED = [f"code-{i}-{grade}" for i in ("javascript", "python") for grade in ("easy", "medium")]


def test_the_built_in_files() -> None:
    """Code, in three grades and two languages, and creative writing come with prompts."""
    assert set(BUILTINS) == {*GRADED, "code-python", "creative-writing"}


@pytest.mark.parametrize("name", BUILTINS)
def test_built_in_prompts(name: str, tmp_path: Path) -> None:
    """There are at least forty, all different, with readable ids, in several groups."""
    prompts = load_prompts(f"builtin:{name}", tmp_path)
    assert len(prompts) >= 40
    assert len({prompt.prompt for prompt in prompts.values()}) == len(prompts)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in prompts)
    assert len({prompt.group for prompt in prompts.values()}) >= 3
    assert all(prompt.group for prompt in prompts.values())


SIGNATURES = {"python": r"^def f\((.*)\):$", "javascript": r"^function f\((.*)\) {$"}


@pytest.mark.parametrize("name", GRADED)
def test_graded_prompts_show_what_is_called(name: str) -> None:
    """Each begins the function that its inputs fit; the two grades ask different things."""
    language, grade = name.split("-")[1:]
    other = {"easy": "medium", "medium": "easy"}[grade]
    prompts = load_prompts(f"builtin:{name}", Path())
    assert prompts.keys().isdisjoint(load_prompts(f"builtin:code-{language}-{other}", Path()))
    for prompt in prompts.values():
        signature = re.search(SIGNATURES[language], prompt.prompt, re.MULTILINE)
        assert signature
        count = len(signature[1].split(", "))
        assert {len(given) for given in prompt.inputs} == {count}
        assert len({repr(given) for given in prompt.inputs}) == len(prompt.inputs) >= 5


ANSWERS: Sequence[tuple[str, str]] = (
    ("True or False", "True"),
    ("a number|a new price|the amount|the result", "1.5"),
    ("a (string|changed version|new word|grade)", "'a'"),
    ("a (new )?list|the (integers|list)", "[1]"),
    ("a (new )?dictionary", "{'a': 1}"),
    ("", "0"),
)


def test_checks_of_graded_prompts() -> None:
    """In the sandbox they pass what is of the kind that was asked for, and no other."""
    names = [name for name in GRADED if "python" in name]
    prompts = [one for name in names for one in load_prompts(f"builtin:{name}", Path()).values()]
    programs = []
    for prompt in prompts:
        [asked] = re.findall(r"returns (.+?)\.?$", prompt.prompt, re.MULTILINE)
        answer = next(value for words, value in ANSWERS if re.match(words, asked))
        programs += [
            Program(f"def f(*_):\n    return {value}", "f", prompt.inputs[:1], prompt.check)
            for value in (answer, "None")
        ]
    with Sandbox() as sandbox:
        correct = [execution.correct for execution in sandbox.run(programs)]
    assert correct == [True, False] * len(prompts)


CODE = load_prompts("builtin:code-python", Path())


@pytest.mark.parametrize("name", CODE)
def test_built_in_inputs_fit_the_signature(name: str) -> None:
    """Every argument list has as many arguments, of the types, that the prompt's signature says."""
    prompt = CODE[name]
    signature = re.search(rf"`({prompt.entry_point}\(.*?\) -> [^`]+)`", prompt.prompt)
    assert signature, "the prompt shows the signature"
    [function] = ast.parse(f"def {signature[1]}: ...").body
    assert isinstance(function, ast.FunctionDef)
    assert len(prompt.inputs) >= 4
    assert len({repr(given) for given in prompt.inputs}) == len(prompt.inputs)
    for given in prompt.inputs:
        assert len(given) == len(function.args.args)
        for value, argument in zip(given, function.args.args, strict=True):
            assert argument.annotation
            assert fits(value, ast.unparse(argument.annotation))


def fits(value: object, annotation: str) -> bool:
    """Whether a JSON value is of the annotated type."""
    outer, _, inner = annotation.removesuffix("]").partition("[")
    match outer, value:
        case "list", list():
            return all(fits(item, inner) for item in value)
        case "dict", dict():
            return all(fits(item, inner.partition(", ")[2]) for item in value.values())
        case "bool", bool():
            return True
        case (("int" | "float" | "str"), _):
            kinds: Mapping[str, tuple[type, ...]] = {
                "int": (int,),
                "float": (float, int),
                "str": (str,),
            }
            return isinstance(value, kinds[outer]) and not isinstance(value, bool)
    return False


def test_a_prompt_needs_nothing_but_its_text(tmp_path: Path) -> None:
    """The text is the id where none is given."""
    (tmp_path / "p.jsonl").write_text('{"prompt": "say it"}\n\n{"id": "b", "prompt": "again"}\n')
    prompts = load_prompts("p.jsonl", tmp_path)
    assert [(prompt.id, prompt.prompt) for prompt in prompts.values()] == [
        ("say it", "say it"),
        ("b", "again"),
    ]


def test_a_conversation(tmp_path: Path) -> None:
    """Its last question is the prompt; a last assistant's message is a beginning to continue."""
    said = [("system", "Count."), ("user", "One?"), ("assistant", "Two."), ("user", "Three?")]
    messages = [{"role": role, "content": text} for role, text in [*said, ("assistant", "Fo")]]
    lines = [
        {"messages": messages},
        {"messages": messages[1:2], "id": "a", "prefill": "T"},
        {"messages": messages[1:2], "id": "b"},
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
    whole, begun, plain = load_prompts("p.jsonl", tmp_path).values()
    assert (whole.id, whole.prompt, whole.prefill) == ("Three?", "Three?", "Fo")
    assert whole.messages == tuple(said)
    assert begun == Prompt("One?", "a", prefill="T")
    assert plain == Prompt("One?", "b")


USER = '{"role": "user", "content": "x"}'
BAD_FILES: Mapping[str, tuple[str, str]] = {
    "not JSON": ("{", ":1: not JSON"),
    "no text": (
        '{"id": "a"}',
        """:1: the prompt has no text, or several; its keys: 'id'; add "prompt": "...", or""",
    ),
    "an empty text": ('{"prompt": ""}', ":1: the prompt has no text"),
    "a number for a text": (
        '{"prompt": 3}',
        ":1: 'prompt' has the wrong type; it must be a string",
    ),
    "an id given twice": (
        '{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}',
        ":2: a second prompt 'a'; give it another id",
    ),
    "the same prompt under two ids": (
        '{"id": "a", "prompt": "x"}\n{"id": "b", "prompt": "x"}',
        ":2: prompt 'b' asks the same as FILE:1; remove one of them",
    ),
    "the same prompt as a message": (
        '{"id": "a", "prompt": "x"}\n{"id": "b", "messages": [{"role": "user", "content": "x"}]}',
        ":2: prompt 'b' asks the same as FILE:1",
    ),
    "a prompt and messages": ('{"prompt": "x", "messages": []}', ":1: both a prompt and messages"),
    "no message": ('{"messages": []}', ":1: the conversation does not end with the user"),
    "a system message alone": (
        '{"messages": [{"role": "system", "content": "x"}]}',
        ":1: the conversation does not end with the user; end it with a user's message",
    ),
    "a system message in between": (
        f'{{"messages": [{USER}, {{"role": "system", "content": "y"}}, {USER}]}}',
        ":1: a system message in between; put it first",
    ),
    "an unknown role": (
        '{"messages": [{"role": "users", "content": "x"}]}',
        ":1: unknown role 'users'; did you mean 'user'?",
    ),
    "a message without a text": ('{"messages": [{"role": "user"}]}', ":1: a message is not a role"),
    "a message of parts": (
        '{"messages": [{"role": "user", "content": [1]}]}',
        ":1: a message is not a role with a text",
    ),
    "messages that are no list": ('{"messages": "x"}', ":1: 'messages' has the wrong type"),
    "two beginnings": (
        f'{{"prefill": "z", "messages": [{USER}, {{"role": "assistant", "content": "y"}}]}}',
        ":1: two beginnings of the answer; remove the prefill, or the last message",
    ),
    "the same prompt twice": ('{"prompt": "x"}\n{"prompt": "x"}', ":2: a second prompt 'x'"),
    "a misspelt key": (
        '{"prompt": "x", "entrypoint": "f"}',
        ":1: unknown key 'entrypoint'; did you mean 'entry_point'?",
    ),
    "inputs that are no list": ('{"prompt": "x", "inputs": 3}', ":1: 'inputs' has the wrong type"),
    "an input that is no argument list": (
        '{"prompt": "x", "inputs": [3]}',
        ":1: 'inputs' has the wrong form; it must be a list of argument lists or of strings",
    ),
    "nothing but spaces": ('{"prompt": "  "}', ":1: the prompt has no text; add"),
    "an empty id": ('{"prompt": "x", "id": ""}', ":1: the id is empty; give it a name, or leave"),
    "half a character": (r'{"prompt": "\ud800"}', ":1: 'prompt' has half of a surrogate pair"),
    "a key given twice": (
        '{"prompt": "x", "prompt": "y"}',
        ":1: not JSON: the key 'prompt' stands there twice; one JSON object a line",
    ),
    "no number": ('{"prompt": "x", "inputs": [[NaN]]}', ":1: not JSON: NaN is no finite number"),
    "lists within lists": (
        f'{{"prompt": "x", "inputs": {"[" * 5000}{"]" * 5000}}}',
        ":1: not JSON: lists or objects are nested too deeply; one JSON object",
    ),
    "an empty file": ("\n", " has no prompts; write one JSON object a line into it"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_has_no_prompts(tmp_path: Path, case: str) -> None:
    """Errors name the file and the line, and what to do."""
    content, message = BAD_FILES[case]
    path = tmp_path / "p.jsonl"
    path.write_text(content)
    with pytest.raises((ConfigError, DataError)) as caught:
        load_prompts("p.jsonl", tmp_path)
    assert str(caught.value).startswith(f"{path}{message}".replace("FILE", str(path)))


def test_unknown_built_in_prompts(tmp_path: Path) -> None:
    """A misspelt name of a built-in file is corrected."""
    with pytest.raises(ConfigError, match="'code-pyton'; did you mean 'code-python'"):
        load_prompts("builtin:code-pyton", tmp_path)


@pytest.mark.parametrize("limit", [1, 3, 7, 1000, None])
def test_a_limit_takes_from_all_groups(limit: int | None) -> None:
    """`max_prompts` takes from the groups in turn and keeps the file's order."""
    chosen = choose_prompts(CODE, limit)
    groups = {prompt.group for prompt in CODE.values()}
    wanted = len(CODE) if limit is None else min(limit, len(CODE))
    assert len(chosen) == wanted
    assert len({prompt.group for prompt in chosen.values()}) == min(wanted, len(groups))
    assert list(chosen) == [name for name in CODE if name in chosen]
