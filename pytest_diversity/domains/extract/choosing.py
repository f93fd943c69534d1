"""Which of the pieces of an answer is its program, and what it needs of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_diversity.domains.extract.reading import Piece, Reader, Statement, without

__all__ = ["assembled", "best"]


def best(pieces: Sequence[Piece], entry_point: str | None) -> Piece | None:
    """The piece that is the program: the last that defines the entry point with a body.

    Without an entry point, the last of those that are at least half as long as the longest.
    """
    if entry_point is not None:
        return next((one for one in reversed(pieces) if one.completes(entry_point)), None)
    programs = [one for one in pieces if one.codes]
    longest = max((len(one.text) for one in programs), default=0)
    return next((one for one in reversed(programs) if 2 * len(one.text) >= longest), None)


def assembled(chosen: Piece, others: Iterable[Piece], entry_point: str, reader: Reader) -> str:
    """The program: the chosen piece less its examples, after what it needs of other pieces.

    Args:
        chosen: It defines the entry point.
        others: In the order in which they are asked: of two that define a name, the first counts.
        entry_point: What it is asked for.
        reader: Of its language.
    """
    program = _without_examples(chosen, entry_point)
    needed = _needed(program, list(others), entry_point, reader)
    text = program.text
    if needed:
        future = [one for one in program.statements if "annotations" in one.binds]
        heads = [program.source(one) for one in future]
        heads = [head for head in heads if head.startswith("from __future__")]
        if heads:
            text = without(program, future).text
        text = "\n".join([*heads, *needed, "", text])
    bound = any(entry_point in one.binds for one in program.statements)
    return text if bound else reader.adapted(text, entry_point)


def _without_examples(given: Piece, entry_point: str) -> Piece:
    """Less what is done after the entry point is there, unless it changes what the program uses.

    Benchmarks do the same: they stop there (HumanEval), or keep only what is used (EvalPlus).
    """
    statements = given.statements
    first = next(n for n, one in enumerate(statements) if one.completes(entry_point))
    used = _closure({entry_point}, statements)
    dropped: list[Statement] = []
    unbound: set[str] = set()
    for one in statements[first + 1 :]:
        if one.changes & used:
            continue
        # an import that only examples use may fail, and with it what is made of its names
        imports = one.static and not one.whole and "*" not in one.binds
        if not one.static or imports or one.reads & unbound:
            dropped.append(one)
            unbound |= one.binds
    if not dropped:
        return given
    kept = without(given, dropped)
    return Piece(kept.text.rstrip() + "\n", kept.statements, kept.tag)


def _closure(names: set[str], statements: Sequence[Statement]) -> set[str]:
    """The names, and all that the statements that bind them read, and so on."""
    by_name: dict[str, list[Statement]] = {}
    for one in statements:
        for name in one.binds | one.methods:
            by_name.setdefault(name, []).append(one)
    used: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += (read for one in by_name.pop(name, []) for read in one.reads)
    return used


def _needed(program: Piece, others: Sequence[Piece], entry_point: str, reader: Reader) -> list[str]:
    """The statements of other pieces that bind what the program reads and nothing binds."""
    have = set(reader.known).union(*(one.binds for one in program.statements))
    providers = _providers(others, entry_point)
    taken: set[tuple[int, int]] = set()
    waiting = [name for one in program.statements for name in one.reads]
    missing = False
    while waiting:
        name = waiting.pop()
        if name in have:
            continue
        have.add(name)
        if name not in providers:
            missing = True
            continue
        number, place = providers[name]
        if (number, place) not in taken:
            taken.add((number, place))
            waiting += others[number].statements[place].reads
    if missing and "*" in providers:
        taken.add(providers["*"])
    order = sorted(taken, key=lambda where: (-where[0], where[1]))
    return [others[number].source(others[number].statements[place]) for number, place in order]


def _providers(others: Sequence[Piece], entry_point: str) -> dict[str, tuple[int, int]]:
    """Piece and place of the statement that binds each name, but for uses of the entry point."""
    providers: dict[str, tuple[int, int]] = {}
    for number, other in enumerate(others):
        for place, one in enumerate(other.statements):
            if entry_point in one.reads | one.binds:
                continue
            for name in one.binds:
                if providers.get(name, (number,))[0] == number:
                    providers[name] = number, place
    return providers
