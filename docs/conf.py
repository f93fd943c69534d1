"""How the documentation site is built: `make docs`."""

from importlib import metadata

project = "pytest-diversity"
author = "The pytest-diversity developers"
release = metadata.version("pytest-diversity")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project

# A link to a page, heading or public name that is not there fails the build (-W -n).
nitpicky = True
myst_heading_anchors = 4

# Only what is typed is copied, not the prompt or what a command answers.
copybutton_prompt_text = "$ "

# Docstrings are plain text in Google's style: `a name` in them is code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"  # a class is read by its attributes; few are made by hand
autodoc_default_options = {"exclude-members": "__init__, __new__"}
autodoc_type_aliases = {name: name for name in ("ArrayLike", "Labels", "Valid")}
napoleon_use_ivar = True
python_maximum_signature_line_length = 80
# The build has no network to look up the names of Python and of libraries.
nitpick_ignore_regex = [(r"py:.*", r"(?!pytest_diversity\.).*")]
# Types that stand in signatures and that nobody makes by hand: the plugin does.
nitpick_ignore = [
    ("py:class", f"pytest_diversity.{name}")
    for name in (
        "config.quality.Alike",
        "config.recorded.Recorded",
        "config.server.Endpoint",
        "config.quality.Alike | str | ~collections.abc.Mapping[str",
        "config.budget.Change",
        "features.Embed",
        "metrics._grams.Bags",
        "metrics._grams.Sections",
        "metrics._limits.Limit",
        "metrics.registry.Written",
        "prompts.Message",
        "sampling.protocol.Chat",
        "session.Session",
    )
]
