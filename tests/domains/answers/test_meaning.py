"""Answers that say the same mean the same, however they are written; hostile ones are bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.domains.answers import meaning
from pytest_diversity.domains.answers.meaning import LONGEST, number

# Each row is one meaning in all of its spellings; the rows differ.
SAME: Mapping[str, Sequence[str]] = {
    "thousands separators": ["1234", "1,234", "1{,}234", r"1\,234", "1\u202f234", "1,234.00"],
    "a whole number": ["42", "42.", "42.0", "042", "+42", "**42**", "`42`", "$42$", "(42)", "{42}"],
    "spelt out": ["43", "forty-three", "Forty-Three", "\uff14\uff13"],
    "a negative number": ["-3", "\u22123", "\u20133", "-3.0", "$-3$"],
    "a half": ["1/2", "0.5", ".5", r"\frac{1}{2}", r"\dfrac{1}{2}", r"\tfrac12", "\u00bd", "2/4"],
    "a mixed number": ["7/4", "1 3/4", "1.75", r"1\frac{3}{4}", "1\u00be", r"\frac{7}{4}"],
    "minus a half": ["-1/2", r"-\frac{1}{2}", r"\frac{-1}{2}", r"\frac{1}{-2}", "-0.5"],
    "a column": [r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"],
    "a row": [r"\begin{pmatrix} 12 \end{pmatrix}"],
    "a negative mixed number": ["-7/4", "-1 3/4", r"-1\frac{3}{4}"],
    "powers of ten": ["300000", "3e5", "3E+5", r"3 \times 10^5", r"3 \cdot 10^{5}", "3 x 10^5"],
    "money": [
        "18.5",
        "$18.50",
        r"\$18.50",
        "18.50 dollars",
        "\u20ac18.50",
        "USD 18.50",
        "18.5 USD",
    ],
    "a percentage": ["50", "50%", r"50\%", "50 percent", "50 per cent"],
    "with a unit": [
        "5",
        "5 cm",
        r"5 \text{ cm}",
        r"5\mathrm{cm}^2",
        "5 apples",
        "5 m/s",
        "about 5",
    ],
    "degrees": ["90", r"90^\circ", r"90^{\circ}", "90\u00b0", "90 degrees"],
    "large words": ["3000000", "3 million", "3,000,000 people"],
    "of a variable": ["9", "x = 9", "x=9.0", r"$x = \frac{18}{2}$", "= 9", "f(x) = 9"],
    "a tuple": ["(1/2,3)", "(0.5, 3)", r"\left(\frac12, 3\right)", r"(\frac{1}{2},\ 3.0)"],
    "the other tuple": ["(3,1/2)", "(3, 0.5)"],
    "an interval": ["[0,1)", "[0, 1)", r"\left[0, 1\right)", r"x \in [0,1)"],
    "a set, in any order": [r"\{1, 2\}", r"\{2,1\}", "1, 2", "2 and 1", "1 and 2"],
    "a root": [r"\frac{\sqrt{3}}{2}", r"\sqrt3/2", r"\dfrac{\sqrt 3}{2}", "sqrt(3)/2", "\u221a3/2"],
    "a multiple of pi": [r"\frac{3\pi}{4}", r"3\pi/4", "3\u03c0/4", "3pi/4"],
    "a formula": ["2x+1", "2x + 1", r"2 \cdot x + 1", "2*x+1"],
    "a power": ["x^2", "x^{2}", "x**2", "x\u00b2"],
    "nested fractions": [r"\frac{\frac{a}{b}}{c}", r"\dfrac{\frac{a}{b}}{c}"],
    "a name": ["Paris", "paris.", "**Paris**", "**Paris**.", '"Paris"', r"\text{Paris}", " PARIS "],
    "a name with an article": ["Pacific Ocean", "the Pacific Ocean", "The Pacific  Ocean."],
    "a letter": ["B", "(B)", r"\text{(B)}", r"\textbf{B}", "b", "**B**"],
    "a verdict": ["yes", "Yes.", "Yes, because it flows.", "YES!"],
    "the other verdict": ["no", "No.", "no, it is not"],
    "a variable is no unit": ["3x", "3 x", "3*x"],
    "a morning": ["3 am"],
    "an afternoon": ["3 pm"],
    "a sum in words": ["3 and a half"],
    "infinity": [r"\infty", "\u221e", "infinity"],
    "a division by zero": ["1/0", r"\frac{1}{0}"],
    "a name with marks": ["C++"],
    "what is not computed": ["9**9**9**9", "9^9^9^9"],
    "factorials": ["100000!"[:7]],
    "other words": ["no solution exists here"[3:]],
}


@pytest.mark.parametrize("case", SAME)
def test_spellings_of_one_answer(case: str) -> None:
    """They mean the same, and nothing else in the table does."""
    found = {spelt: meaning(spelt) for spelt in SAME[case]}
    assert len(set(found.values())) == 1, found
    others = {meaning(spelt) for name, row in SAME.items() if name != case for spelt in row}
    assert not others & set(found.values())


HOSTILE: Mapping[str, str] = {
    "a million digits": "9" * 10**6,
    "a tower of powers": "9**9**9**9",
    "a long tower": "9" + "**9" * 99,
    "a large power of ten": "1e999999999",
    "the largest that is read": "9" * 290 + "e999",
    "open brackets": "(" * LONGEST,
    "brackets in brackets": "(" * 150 + ")" * 150,
    "tuples in tuples": "(1," * 90,
    "open fractions": r"\frac{" * 50,
    "fractions in fractions": r"\frac{1}{" * 30 + "2" + "}" * 30,
    "roots of roots": r"\sqrt" * 60,
    "commas": "," * LONGEST,
    "equations": "x=" * 150,
    "raised marks": "^" * LONGEST,
    "half of a surrogate pair": "\ud800 42",
    "null characters": "\0" * 20,
    "nothing": "",
    "marks alone": " ** ",
    "a letter that folds to two": "\u1e9e\u0130" * 140,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_answers(case: str) -> None:
    """They are read at once, or are none; what is long is none."""
    found = meaning(HOSTILE[case])
    assert found is None or len(found) < 5000
    if len(HOSTILE[case]) > LONGEST or not HOSTILE[case].strip(" *"):
        assert found is None


@given(st.text(max_size=LONGEST))
def test_any_text_is_read(text: str) -> None:
    """To the same meaning each time, and case is no part of it."""
    found = meaning(text)
    assert found == meaning(text)
    assert found is None or found


@given(st.fractions(max_denominator=10**6), st.sampled_from(["{}", "${}$", " {} .", "**{}**"]))
def test_fractions_are_exact(value: Fraction, form: str) -> None:
    """Whatever stands around them."""
    assert number(form.format(value)) == value
    assert meaning(form.format(value)) == str(value)


@given(st.integers(-(10**12), 10**12))
def test_separators_change_nothing(value: int) -> None:
    """Nor do trailing zeros."""
    assert meaning(f"{value:,}") == meaning(f"{value:,}.00") == str(value)
