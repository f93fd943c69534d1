"""Which file configures a run, whatever pytest was told to test."""

from __future__ import annotations

import pytest

NO_CACHE = ("-p", "no:cacheprovider")


@pytest.mark.parametrize(
    "argument", ["~nobody-of-this-name/test_a.py", "a" * 300], ids=["of a user unknown", "too long"]
)
def test_a_path_that_cannot_be_looked_at_is_left_to_pytest(
    pytester: pytest.Pytester, argument: str
) -> None:
    """Its own sentence is shown, and no traceback of the plugin's."""
    result = pytester.runpytest_inprocess(*NO_CACHE, argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: file or directory not found: {argument}"])


def test_a_configuration_at_the_home_of_nobody(project: pytest.Pytester) -> None:
    """A user who is not known is taken for the name of a folder, as a shell does."""
    result = project.runpytest_inprocess(*NO_CACHE, "--diversity-config", "~nobody-here/d.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: diversity: {project.path}/~nobody-here/d.toml does not exist; check the path"]
    )


def test_a_wrong_environment_is_none_of_a_run_without_the_plugin(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite that has no use for the plugin runs, whatever PYTEST_DIVERSITY_* says."""
    monkeypatch.setenv("PYTEST_DIVERSITY_STRICT", "perhaps")
    monkeypatch.setenv("PYTEST_DIVERSITY_STRIKT", "1")
    pytester.makepyfile("def test_a(): ...")
    pytester.runpytest_inprocess(*NO_CACHE).assert_outcomes(passed=1)


WRONG = {
    "PYTEST_DIVERSITY_STRICT": (
        "perhaps",
        "'strict' must be true or false, not 'perhaps' *STRICT*",
    ),
    "PYTEST_DIVERSITY_STRIKT": (
        "1",
        "unknown environment variable 'PYTEST_DIVERSITY_STRIKT'; did *",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_environment_ends_a_run_with_the_plugin(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One sentence, and no test has run."""
    value, message = WRONG[name]
    monkeypatch.setenv(name, value)
    result = project.runpytest_inprocess(*NO_CACHE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: diversity: {message}"])


def test_defaults_of_the_file_reach_the_run(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header says what is on and who said so; the environment has the last word over a file."""
    path = project.path / "diversity.toml"
    text = path.read_text()
    path.write_text(text.replace("[defaults]", "[defaults]\nstrict = true\nsamples = 2"))
    monkeypatch.setenv("PYTEST_DIVERSITY_SAMPLES", "3")
    result = project.runpytest_inprocess(*NO_CACHE, "--diversity-adaptive", "-k", "base")
    result.stdout.fnmatch_lines(
        [
            "diversity: *, samples 3 (environment), adaptive on (*), strict on (diversity.toml), *",
            "base * prose * lexical * pass * 8 x 3",
        ]
    )


NEAR = '[checkpoints]\nnear = "replay:../base.jsonl"\n'
GATE = "[domains.prose.budget]\nlexical = { min = 0.6 }\n"
TESTS = """
from pytest_diversity import assert_lexical_diversity

def test_fixture(checkpoint, diversity):
    assert checkpoint.name == diversity.checkpoint == "near"

def test_samples():
    assert_lexical_diversity(["a b c d e", "f g h i j"], domain="mine", min=0.1)
"""


@pytest.mark.parametrize("arguments", [(), ("part",), ("-n", "1")], ids=["all", "part", "workers"])
@pytest.mark.parametrize("root", [True, False], ids=["beside another file", "alone"])
def test_the_nearest_configuration_is_a_tests_own(
    project: pytest.Pytester, arguments: tuple[str, ...], *, root: bool
) -> None:
    """From wherever pytest is run, with the fixtures and without them."""
    if not root:
        (project.path / "diversity.toml").unlink()
    part = project.mkdir("part")
    (part / "diversity.toml").write_text(f"{NEAR}[domains.mine]\n")
    (part / "test_it.py").write_text(TESTS)
    result = project.runpytest_inprocess(*NO_CACHE, *arguments, "-k", "test_it")
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["one process", "workers"])
def test_a_named_configuration_runs_alone(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Others that lie about are not collected, and it is, wherever it lies."""
    project.mkdir("gates").joinpath("own.toml").write_text(NEAR + GATE)
    part = project.mkdir("part")
    (part / "diversity.toml").write_text(NEAR + GATE)
    project.makeini("[pytest]\ntestpaths = part")
    for folder, named in ((project.path, "gates/own.toml"), (part, "../gates/own.toml")):
        monkeypatch.chdir(folder)
        result = project.runpytest_inprocess(*NO_CACHE, "--diversity-config", named, *options)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["near *prose *lexical *pass *"])


def test_a_named_configuration_where_pytest_does_not_look(project: pytest.Pytester) -> None:
    """Its budgets are not passed over in silence."""
    project.mkdir(".gates").joinpath("own.toml").write_text(NEAR + GATE)
    result = project.runpytest_inprocess(*NO_CACHE, "--diversity-config", ".gates/own.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: diversity: */.gates/own.toml lies where pytest does not look for tests; *"]
    )
    spread = project.runpytest_inprocess(
        *NO_CACHE, "--diversity-config", ".gates/own.toml", "-n", "1"
    )
    spread.stdout.fnmatch_lines([".gates/own.toml: none of its budgets was judged in this run"])
    named = project.runpytest_inprocess(*NO_CACHE, "--diversity-config", *[".gates/own.toml"] * 2)
    named.assert_outcomes(passed=1)


def test_a_named_configuration_is_collected_once(project: pytest.Pytester) -> None:
    """Also where it lies among the tests."""
    (project.path / "diversity.toml").write_text(NEAR.replace("../", "") + GATE)
    result = project.runpytest_inprocess(*NO_CACHE, "--diversity-config", "diversity.toml")
    result.assert_outcomes(passed=1)


def test_a_named_configuration_beside_a_named_test(project: pytest.Pytester) -> None:
    """Who names tests gets those, configured by the file."""
    test = project.makepyfile("def test_it(checkpoint): assert checkpoint.name == 'near'")
    (project.path / "own.toml").write_text(NEAR.replace("../", "") + GATE)
    result = project.runpytest_inprocess(*NO_CACHE, "--diversity-config", "own.toml", str(test))
    result.assert_outcomes(passed=1)


def test_a_fixture_of_the_suite_named_like_ours(project: pytest.Pytester) -> None:
    """`diversity` asks for the plugin's own."""
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def checkpoint():
            return "epoch-3.pt"

        def test_it(checkpoint, diversity):
            assert checkpoint == "epoch-3.pt"
            diversity.assert_lexical_diversity(domain="prose", level="off", min=0.1)
        """
    )
    result = project.runpytest_inprocess(*NO_CACHE, "-k", "test_it")
    result.assert_outcomes(passed=2)


UNJUDGED = {
    "no budget at all": ("[domains.own]\n", "diversity.toml: there is no budget, and no test *"),
    "no domain at all": ("", "diversity.toml: there is no budget, and no test judged anything"),
    "two domains without a budget": (
        f"[domains.own]\n[domains.other]\n{GATE}",
        "diversity.toml: no budget for own, other, and no test judged them",
    ),
}


@pytest.mark.parametrize("case", UNJUDGED)
def test_what_has_no_budget_is_said(project: pytest.Pytester, case: str) -> None:
    """Who forgot it would take the silence for a pass."""
    text, said = UNJUDGED[case]
    (project.path / "diversity.toml").write_text(f"{NEAR.replace('../', '')}{text}")
    project.runpytest_inprocess(*NO_CACHE, "-q").stdout.fnmatch_lines([said])


def test_a_domain_that_a_test_judges_needs_no_budget(project: pytest.Pytester) -> None:
    """Nothing is said of it."""
    (project.path / "diversity.toml").write_text(f"{NEAR.replace('../', '')}[domains.own]\n")
    project.makepyfile(
        "def test_it(diversity): diversity.assert_lexical_diversity(domain='own', min=0.1)"
    )
    result = project.runpytest_inprocess(*NO_CACHE)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*no budget*")
