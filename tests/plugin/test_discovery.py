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
