"""Recorded profiles: `tests/__diversity__/<domain>.json`, made to be committed and read in a diff.

A file holds, for each checkpoint, what its values depend on and its value of each metric for each
prompt, so that a later run is compared with it prompt by prompt without its samples.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NoReturn

from pytest_diversity.config.checks import as_float
from pytest_diversity.errors import DiversityError, reason_of
from pytest_diversity.files import read_text, write_text
from pytest_diversity.prompts import Prompt

__all__ = [
    "RECORD",
    "SCHEMA",
    "BaselineError",
    "Profile",
    "Values",
    "digest",
    "make_folder",
    "merge",
    "read",
    "rounded",
    "write",
]

SCHEMA = 1
RECORD = "pytest --diversity-record"
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)")


class BaselineError(DiversityError):
    """A recorded baseline is missing, broken, or of something else than this run."""


@dataclass(frozen=True, slots=True)
class Values:
    """One metric of one checkpoint.

    Attributes:
        values: Of each prompt where it is defined, to six significant digits.
        quality: Of each such prompt the factor of quality in it, where the metric has one.
        embedder: Digest of the embedder, where the metric depends on one.
        sandbox: Fingerprint of the sandbox, where it depends on what programs do.
        judge: Judge of quality, its version and threshold, where it depends on one.
        equivalence: What told whether answers mean the same, where it depends on that.
        surprise: What told how surprising answers are, with its digest, where it depends on that.
    """

    values: Mapping[str, float]
    quality: Mapping[str, float] | None = None
    embedder: str | None = None
    sandbox: str | None = None
    judge: str | None = None
    equivalence: str | None = None
    surprise: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What was recorded of one checkpoint in one domain.

    Attributes:
        settings: Of the domain and of sampling; K among them, as `samples`.
        prompts: Digest of the prompts.
        weights: Digest of the model, or of the file of recorded samples.
        versions: Of the libraries that the values depend on.
        metrics: Values by the canonical name of the metric.
    """

    settings: Mapping[str, Any]
    prompts: str
    weights: str
    versions: Mapping[str, str]
    metrics: Mapping[str, Values] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; what a metric does not depend on is left out."""
        plain = asdict(self)
        plain["metrics"] = {
            name: {key: value for key, value in asdict(one).items() if value is not None}
            for name, one in self.metrics.items()
        }
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Profile:
        """The counterpart of `as_dict`."""
        metrics = {name: Values(**one) for name, one in plain["metrics"].items()}
        return cls(**{**plain, "metrics": metrics})


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Values to six significant digits, by sorted prompt."""
    return {prompt: float(f"{values[prompt]:.6g}") for prompt in sorted(values)}


def digest(prompts: Mapping[str, Prompt]) -> str:
    """A short digest of everything in the prompts, whatever their order."""
    plain = json.dumps({name: prompts[name].as_dict() for name in sorted(prompts)}, default=str)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def merge(old: Profile | None, new: Profile) -> Profile:
    """`new` in place of `old`; metrics that only `old` has stay, if nothing else has changed."""
    if old is None or (old.settings, old.prompts, old.weights) != (
        new.settings,
        new.prompts,
        new.weights,
    ):
        return new
    return replace(new, metrics={**old.metrics, **new.metrics})


def write(path: Path, profiles: Mapping[str, Profile]) -> None:
    """Write a domain's profiles by checkpoint, whole or not at all; with none, remove the file.

    Raises:
        BaselineError: The file cannot be written.
    """
    if profiles:
        write_text(path, _dump(path.stem, profiles), BaselineError, fix=_WRITABLE)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise BaselineError(
            f"the baseline {path} cannot be removed: {reason_of(error)}", fix=_WRITABLE
        ) from None


def make_folder(path: Path) -> None:
    """Make the folder of the baseline `path`.

    Raises:
        BaselineError: It cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BaselineError(
            f"the baselines in {path.parent} cannot be written: {reason_of(error)}", fix=_WRITABLE
        ) from None


def _dump(domain: str, profiles: Mapping[str, Profile]) -> str:
    recorded = {name: profile.as_dict() for name, profile in profiles.items()}
    plain = {
        "schema": SCHEMA,
        "domain": domain,
        "checkpoints": {name: {**one, _CHECKSUM: _checksum(one)} for name, one in recorded.items()},
    }
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def _checksum(profile: Mapping[str, Any]) -> str:
    """Of all that was recorded of a checkpoint, so that a changed digit is no other value."""
    return hashlib.sha256(json.dumps(profile, sort_keys=True).encode()).hexdigest()[:16]


def read(path: Path) -> dict[str, Profile]:
    """The profiles of a domain by checkpoint; none where there is no file.

    Raises:
        BaselineError: The file is broken; the message starts with `path:line:`.
    """
    return _Reader(path, read_text(path, BaselineError)).profiles() if path.exists() else {}


_WRITABLE = "record in a checkout that can be written to"
_FIX = f"restore it from version control, or delete it and record it anew: {RECORD}"
_CHECKSUM = "checksum"  # files of before it was written have none
_TEXTS = ("prompts", "weights")
_TABLES = ("settings", "versions", "metrics")
_NUMBERS = {"values", "quality"}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Checks a file piece by piece, and points at the line of the piece that is wrong."""

    path: Path
    text: str

    def profiles(self) -> dict[str, Profile]:
        """All profiles of the file."""
        plain = self._parse()
        if not isinstance(plain, dict) or type(plain.get("schema")) is not int:
            self._fail("not a baseline of pytest-diversity: it has no schema version")
        if plain["schema"] < 1:
            self._fail(f"there was never a schema {plain['schema']} of baselines", "schema")
        if plain["schema"] > SCHEMA:
            self._fail(
                f"schema {plain['schema']} is from a newer pytest-diversity, this reads {SCHEMA}",
                "schema",
            )
        checkpoints = plain.get("checkpoints")
        if not isinstance(checkpoints, dict):
            self._fail("'checkpoints' must be a table", "checkpoints")
        return {name: self._profile(name, one) for name, one in checkpoints.items()}

    def _parse(self) -> Any:
        for number, line in enumerate(self.text.splitlines(), start=1):
            if _CONFLICT.match(line):
                raise BaselineError(
                    f"{self.path}:{number}: a merge conflict",
                    fix=f"keep one side, or delete the file and record it anew: {RECORD}",
                )
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            raise BaselineError(
                f"{self.path}:{error.lineno}: not JSON: {error.msg}", fix=_FIX
            ) from None
        except RecursionError:
            self._fail("nested too deeply")

    def _profile(self, name: str, plain: Any) -> Profile:
        if not isinstance(plain, dict):
            self._fail(f"checkpoint {name!r} must be a table", name)
        checksum = plain.pop(_CHECKSUM, None)
        for key in (*_TEXTS, *_TABLES):
            if not isinstance(plain.get(key), str if key in _TEXTS else dict):
                kind = "a string" if key in _TEXTS else "a table"
                self._fail(f"{key!r} of checkpoint {name!r} must be {kind}", name, key)
        unknown = set(plain) - {*_TEXTS, *_TABLES}
        if unknown:
            self._fail(f"unknown key {min(unknown)!r}", name, min(unknown))
        for metric, one in plain["metrics"].items():
            self._values(name, metric, one)
        if checksum not in {None, _checksum(plain)}:
            self._fail(f"checkpoint {name!r} is not what was recorded: it was changed since", name)
        return Profile.from_dict(plain)

    def _values(self, checkpoint: str, metric: str, plain: Any) -> None:
        where = (checkpoint, "metrics", metric)
        if not isinstance(plain, dict) or not isinstance(plain.get("values"), dict):
            self._fail(f"{metric} of checkpoint {checkpoint!r} has no values", *where)
        for key, value in plain.items():
            if key not in {one.name for one in fields(Values)}:
                self._fail(f"unknown key {key!r}", *where, key)
            kind = dict if key in _NUMBERS else str
            if not isinstance(value, kind):
                what = "a table" if kind is dict else "a string"
                self._fail(f"{key!r} must be {what}", *where, key)
        for key in _NUMBERS & set(plain):
            for prompt, value in plain[key].items():
                self._number(value, prompt, *where, key)

    def _number(self, value: Any, prompt: str, *where: str) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(as_float(value)):
            self._fail(
                f"{where[2]} of prompt {prompt!r} is not a number: {json.dumps(value)[:40]}",
                *where,
                prompt,
            )

    def _fail(self, message: str, *keys: str) -> NoReturn:
        """Point at the last of `keys`, each looked for behind the one before."""
        place = 0
        for key in keys:
            found = self.text.find(f"{json.dumps(key)}:", place)
            place = found if found >= 0 else place
        line = self.text.count("\n", 0, place) + 1
        raise BaselineError(f"{self.path}:{line}: {message}", fix=_FIX)
