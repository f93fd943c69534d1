"""What is meant where only a name is given: of a domain, of a family."""

from __future__ import annotations

import pytest

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.defaults import domain_of, metric_of
from pytest_diversity.errors import ConfigError


def test_a_domain_is_itself_or_a_built_in_one() -> None:
    """A name that is neither is refused with the one that was meant."""
    own = Domain("mine")
    assert domain_of(own) is own
    assert domain_of("code").kind == "code"
    with pytest.raises(ConfigError, match="unknown domain 'cod'; did you mean 'code'"):
        domain_of("cod")


def test_a_family_has_the_metric_that_is_named_or_that_of_the_kind() -> None:
    """A metric of another family is refused with the family that it is of."""
    assert str(metric_of(Domain("d"), "quality")) == "validity()"
    assert str(metric_of(Domain("d"), "lexical", "self_bleu()")) == "self_bleu(n=4)"
    with pytest.raises(ConfigError, match=r"validity\(\) measures quality, not lexical"):
        metric_of(Domain("d"), "lexical", "validity")
