"""Every option of a run and every key of `diversity.toml`, one row each.

From `KEYS` alone come the flags and their help, the environment variables, the checks of the file,
the header of a run and the tables of docs/configuration.md. To add one, add a row and use it: an
option of a run is also a field of `Options`, a key of the file a field of what it is a key of.

Every run of pytest imports this, so it imports next to nothing. Names that other rooms know (kinds
of domains, languages, engines, devices, number formats, metrics) are checked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = [
    "BUDGET",
    "CHECKPOINT",
    "COMMAND",
    "DEFAULTS",
    "DOMAIN",
    "ENVIRONMENT",
    "KEYS",
    "PREFIX",
    "SERVER",
    "Key",
    "keys_of",
    "places",
]

PREFIX = "PYTEST_DIVERSITY_"

# Where a key may stand. The first place of a row is where the documentation shows it.
COMMAND, ENVIRONMENT, DEFAULTS = "command line", "environment", "[defaults]"
DOMAIN, CHECKPOINT, SERVER = "a domain", "a checkpoint", "a checkpoint on a server"
BUDGET = "a budget"

_RUN = (COMMAND, ENVIRONMENT, DEFAULTS)
_OF_DOMAIN = (DOMAIN, DEFAULTS)
_DRAWING = (DOMAIN, CHECKPOINT, DEFAULTS)
_ASKED = (COMMAND, ENVIRONMENT)  # a file that is checked in never takes walls away

_MANY = 1_000_000  # more than any run can hold: what is above is a slip, and refused
_DAY = 86_400
_INT64 = 2**63  # as in TOML


class Key(NamedTuple):
    """An option of a run or a key of the file.

    Attributes:
        name: As the file spells it, and as `Options` does.
        kind: `str`, `int`, `float`, `bool`, `list` (of texts), `dict`, or `object` where
            it may be of several.
        where: Where it may stand.
        help: One line, for `--help` and the documentation.
        metavar: What stands for its value in `--help`.
        choices: All of its values, where only this room knows them.
        low: Its lowest value.
        high: Its highest value.
        above: Whether `low` itself is too low.
        bare: What the flag means without a value, where it may have none.
        instead: What it is done in place of: running `tests`, or the whole `run`, of which then not
            even the configuration must be sound; else nothing.
        written: How a value of the kind `object` is.
    """

    name: str
    kind: type
    where: tuple[str, ...]
    help: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    above: bool = False
    bare: str | None = None
    instead: str = ""
    written: str = 'an amount or a share such as "5%"'

    @property
    def flag(self) -> str:
        """As the command line spells it."""
        return f"--diversity-{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """As the environment spells it."""
        return PREFIX + self.name.upper()


# A table is read by its rows, so the formatter leaves it.
# fmt: off
_ROWS = (
    # Options of a run.
    Key("config", str, (COMMAND,), "the configuration file; else the nearest diversity.toml",
        "PATH"),
    Key("checkpoint", list, (COMMAND,),
        "NAME=SOURCE adds a checkpoint, NAME chooses one of the file (repeatable)",
        "NAME[=SOURCE]"),
    Key("since", int, _RUN,
        "of training runs test the checkpoints from this step on; what is no step is tested, too",
        "STEP", low=0, high=_INT64 - 1),
    Key("device", str, _RUN, "cuda, mps, xpu or cpu, as in torch; else the best there is",
        "DEVICE"),
    Key("dtype", str, _RUN, "bfloat16, float16 or float32; else bfloat16 where it is native",
        "DTYPE"),
    Key("samples", int, _RUN, "samples per prompt, in place of every domain's own",
        "K", low=1, high=_MANY),
    Key("embedder", str, (*_RUN, DOMAIN),
        "the sentence embedder: hub name, directory or package:NAME/path; else all-MiniLM-L6-v2",
        "SOURCE"),
    Key("correction", str, _RUN, "holm (over the bounds of a checkpoint) or none",
        "NAME", ("holm", "none")),
    Key("engine", str, _RUN,
        "transformers (in this process), vllm (in one of its own) or ray (a cluster)", "NAME"),
    Key("ray_address", str, _RUN, "the Ray cluster; else the one Ray finds, or this machine alone",
        "ADDRESS"),
    Key("actors", int, _RUN,
        "models that the Ray cluster holds at most; else one a GPU, or one a CPU",
        "N", low=1, high=_MANY),
    Key("store", str, _RUN, "the sample store; else .diversity/samples.sqlite", "PATH"),
    Key("adaptive", bool, (*_RUN, DOMAIN),
        "draw samples in steps, and stop where the verdict is clear"),
    Key("deterministic", bool, _RUN,
        "every sample is the same text however it is drawn, and slower: float32, vLLM's "
        "batch-invariant mode, or a server that is seen to repeat itself"),
    Key("require_gpu", bool, _RUN, "refuse to run where torch finds no GPU"),
    Key("strict", bool, _RUN, "an unclear verdict fails, too"),
    Key("allow_execution", bool, _RUN,
        "run generated programs, in a sandbox, to see what they do"),
    Key("unsafe_code", bool, _ASKED, "run them WITHOUT a sandbox, with all of your rights"),
    Key("record", bool, _RUN, "record the values of what runs as the baseline"),
    Key("record_new", bool, _RUN,
        "record those that have no baseline yet, and compare the others"),
    Key("prune", bool, _RUN,
        "remove baselines that no test uses; refused unless all tests ran and passed"),
    Key("recover", bool, _RUN, "save what can be read of a damaged store, and go on"),
    Key("debug", bool, _RUN, "show where an error of a library came from, as -v does"),
    Key("report", list, (COMMAND,),
        "write a report when the run ends (repeatable): json, markdown, html, csv or model-card to "
        "diversity.json, .md, .html, .csv or diversity-card.md, openmetrics to metrics.txt, "
        "markdown-append to $GITHUB_STEP_SUMMARY; or each to DEST", "TYPE[:DEST]"),

    # What is done in place of running tests.
    Key("plan", str, (COMMAND,),
        "print what drop each gate can find, and what it would take; JSON to FILE",
        "FILE", bare="-", instead="tests"),
    Key("selftest", str, (COMMAND,),
        "collapse copies of the samples and print where each gate fails; JSON to FILE",
        "FILE", bare="-", instead="tests"),
    Key("calibrate", str, (COMMAND,),
        "propose a bound for each budget of a healthy checkpoint, or write it",
        "write", bare="-", instead="tests"),
    Key("preflight", int, (COMMAND,),
        "before training by reinforcement: of 16 prompts of each domain draw K samples, and print "
        "whether rewards and answers differ enough to learn from", "K", bare="8", instead="tests",
        low=2, high=1024),
    Key("export", str, (COMMAND,),
        "write the samples of the checkpoints under test, in every domain that has a budget "
        "or is in the store, to FILE.jsonl or FILE.parquet; "
        "{checkpoint} in it stands for the name of each", "FILE", instead="tests"),

    Key("list", str, (COMMAND,),
        "print the gates, the baselines that no test uses, and what a run would draw and ask; "
        "JSON to FILE",
        "FILE", bare="-", instead="tests"),
    Key("doctor", bool, (COMMAND,),
        "look at all that a run needs, from the device to the baselines, and say what to fix; "
        "draws nothing", instead="run"),
    Key("init", bool, (COMMAND,),
        "write a diversity.toml, a test module and a CI file to begin with, here or in the folder "
        "that is named", instead="run"),

    # What a domain is.
    Key("kind", str, _OF_DOMAIN, "how its answers are read: answer, code, prose, ..."),
    Key("language", str, _OF_DOMAIN, "of its programs, for the kind code"),
    Key("style", str, _OF_DOMAIN,
        "an answer holds its program; as a continuation it goes on with the prompt's own code",
        choices=("answer", "continuation")),
    Key("extract", str, _OF_DOMAIN,
        "where the final answer stands, for the kind answer: auto, regex:PATTERN or "
        "callable:MODULE:FUNCTION"),
    Key("prompts", str, _OF_DOMAIN, "builtin:NAME or a JSONL file; none for texts at hand"),
    Key("max_prompts", int, _OF_DOMAIN,
        "use only this many prompts, spread over their groups; else all", low=1, high=_MANY),
    Key("samples_per_prompt", int, _OF_DOMAIN, "K: samples of each prompt", low=1, high=_MANY),
    Key("partial", bool, _OF_DOMAIN,
        "judge recordings that lack prompts or samples by those they have; else undefined"),
    Key("execution", str, _OF_DOMAIN, "whether generated programs are run, to see what they do",
        choices=("off", "sandbox")),  # running without walls is never a file's to say
    Key("thinking", str, _DRAWING,
        "strip tells a model's thoughts from its answers, keep measures both",
        choices=("strip", "keep")),
    Key("quality", object, _OF_DOMAIN,
        "what an answer is: a judge, or one with a threshold: 0.4, or "
        '"reference:p20", the 20th percentile of the reference\'s scores',
        written='`"adequate"` or `{ judge = "adequate", threshold = 0.4 }`'),
    Key("equivalence", object, _OF_DOMAIN,
        "what tells whether two answers in prose mean the same: similarity, embedding, normalised, "
        "exact, callable:MODULE:FUNCTION, cross_encoder:SOURCE or llm:CHECKPOINT",
        written='`"similarity"` or `{ judge = "cross_encoder:SOURCE", threshold = 0.5 }`'),
    Key("same_meaning", float, _OF_DOMAIN,
        "answers in prose mean the same below this distance; without an equivalence, one of "
        "embeddings", low=0, high=2),
    Key("surprise", str, _OF_DOMAIN,
        "a base language model, for conditional_surprise(): hub name, directory, GGUF file or "
        "package:NAME/path; else none"),
    Key("length_control", str, (DOMAIN, BUDGET, DEFAULTS),
        "how changes against a checkpoint are judged: at equal token counts, by windows of texts "
        "or rarefied; or, when off, as they are written", choices=("windows", "rarefy", "off")),
    Key("budget", dict, (DOMAIN,), "what each family must keep to: a table of budgets by family"),

    # How its texts are drawn: all of it is part of a sample's key.
    Key("temperature", float, _DRAWING, "0 is greedy, 1 the model's own distribution",
        low=0, high=100),
    Key("top_p", float, _DRAWING, "the smallest set of tokens with this probability; 1 keeps all",
        low=0, high=1, above=True),
    Key("top_k", int, _DRAWING, "the k likeliest tokens; 0 keeps all", low=0, high=_MANY),
    Key("min_p", float, _DRAWING,
        "tokens with at least this share of the likeliest one's probability; 0 keeps all",
        low=0, high=1),
    Key("repetition_penalty", float, _DRAWING,
        "above 1, tokens that were there before are less likely", low=0.01, high=100),
    Key("max_tokens", int, _DRAWING, "the most new tokens", low=1, high=_MANY),
    Key("seed", int, _DRAWING, "where the random numbers start", low=-_INT64, high=_INT64 - 1),
    Key("system", str, _DRAWING, "a system message before the prompt, for chat models"),
    Key("mode", str, _DRAWING, "verbalized asks for several answers at once, with probabilities",
        choices=("direct", "verbalized")),
    Key("answers_per_call", int, _DRAWING, "how many answers a verbalized call asks for",
        low=1, high=_MANY),
    Key("stop", list, _DRAWING, "strings before which a text ends"),

    # What a checkpoint is.
    Key("model", str, (CHECKPOINT,), "its source: hub id, directory, file, URL, replay:FILE, ..."),
    Key("replay", dict, (CHECKPOINT,),
        "recorded samples in place of a model: path, a file or folder; map, where each of our "
        "fields stands in its rows; only, what the rows that count have at a place"),
    Key("adapter", str, (CHECKPOINT,), "source of a LoRA adapter on top"),
    Key("quantization", str, (CHECKPOINT,),
        "bits a weight, made while loading; else as the weights are", choices=("8bit", "4bit")),
    Key("template", str, (CHECKPOINT,),
        "its chat template: a file or Jinja; none for base models; else the model's own"),
    Key("chat_template_kwargs", dict, (CHECKPOINT,),
        "what its chat template is told, such as { enable_thinking = false }"),
    Key("today", str, (CHECKPOINT,),
        "the date that its chat template reads, as 2026-01-31; else the clock's"),
    Key("vllm", dict, (CHECKPOINT, DEFAULTS), "arguments of vLLM's engine, by its own names"),

    # How its server is spoken to; all up to `rename` is part of a sample's key.
    Key("api", str, (SERVER,), "completions for models without a chat template",
        choices=("chat", "completions")),
    Key("body", dict, (SERVER,), "fields of each request beside those of the OpenAI API"),
    Key("send", list, (SERVER,), "the only settings that a request names; else all"),
    Key("omit", list, (SERVER,), "settings that a request does not name"),
    Key("rename", dict, (SERVER,), "the server's names for settings, by ours"),
    Key("api_key_env", str, (SERVER,),
        "the environment variable that holds the key; else OPENAI_API_KEY"),
    Key("headers_env", dict, (SERVER,),
        "further headers of each request: the environment variable that holds each"),
    Key("concurrency", int, (SERVER,), "the most requests at a time", low=1, high=10_000),
    Key("requests_per_minute", float, (SERVER,), "the most requests a minute; 0 sets no limit",
        low=0),
    Key("retries", int, (SERVER,),
        "how often a request is repeated that was lost, or answered with 429 or 5xx",
        low=0, high=10_000),
    Key("timeout", float, (SERVER,), "the longest wait for a whole answer, in seconds",
        low=0.001, high=_DAY),

    # What a family of a domain must keep to.
    Key("min", float, (BUDGET,), "lowest value allowed"),
    Key("max", float, (BUDGET,), "highest value allowed"),
    Key("max_drop", object, (BUDGET,), "largest loss of diversity against the reference"),
    Key("max_rise", object, (BUDGET,), "largest gain of diversity against the reference"),
    Key("max_quality_loss", object, (BUDGET,),
        "largest part of a loss of effective diversity that fewer valid answers may have"),
    Key("max_narrowing", object, (BUDGET,),
        "largest part of it that less diversity among valid answers may have"),
    Key("worst_group_min", float, (BUDGET,),
        "lowest value allowed for the lowest group of prompts"),
    Key("reference", str, (BUDGET, DOMAIN, DEFAULTS),
        "a checkpoint; baseline for what was recorded of the same one, baseline:NAME of another"),
    Key("metric", str, (BUDGET,),
        "such as pair_distinct(n=3); else the family's default for the kind of domain"),
    Key("level", str, (BUDGET,),
        "error fails the test, warn says so in the summary, off only measures",
        choices=("error", "warn", "off")),
)
# fmt: on
KEYS: Mapping[str, Key] = {key.name: key for key in _ROWS}


def keys_of(place: str) -> list[Key]:
    """The keys that may stand at a place, in the order of the table."""
    return [key for key in KEYS.values() if place in key.where]


def places(key: Key) -> str:
    """Where a key may stand and how it is spelt there, for a sentence."""
    spelt = {
        COMMAND: f"on the command line as {key.flag}",
        ENVIRONMENT: f"in the environment as {key.variable}",
    }
    return " or ".join(spelt.get(place, f"in {place}") for place in key.where)
