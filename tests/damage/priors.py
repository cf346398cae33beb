"""Damaged files of priors."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

from damage.entry import Damage, Spoil, data, folder, gone, text

FILE = "priors.toml"
CALL = "priors --data study --priors priors.toml --out out"


def priors(content: str) -> Spoil:
    return text(FILE, content)


def slopes(prior: str) -> Spoil:
    """A set with one prior of all slopes."""
    return priors(f"[mine]\ncommon = {prior}\n")


ENTRIES = (
    Damage(
        "missing",
        CALL,
        "priors.toml: the file of priors cannot be read: No such file or directory. Check that it exists, is a file and may be read by you.",
        gone(FILE),
    ),
    Damage(
        "a folder",
        CALL,
        "priors.toml: the file of priors cannot be read: Is a directory. Check that it exists, is a file and may be read by you.",
        folder(FILE),
    ),
    Damage(
        "empty",
        CALL,
        'priors.toml: the file holds no priors. Write [my_priors], and below it for example common = {name = "Normal", mu = 0, sigma = 2}.',
        priors(""),
    ),
    Damage(
        "no TOML",
        CALL,
        'priors.toml: the file of priors is not TOML: .... A set looks so: [my_priors], and below it for example common = {name = "Normal", mu = 0, sigma = 2}.',
        priors("[a\n"),
    ),
    Damage(
        "not UTF-8",
        CALL,
        "priors.toml, row 2: a byte is not UTF-8 text (found b'\\xf6'). Allowed: UTF-8 text. Save the file again with the encoding UTF-8.",
        data(FILE, b'[a]\nd1 = {name = "N\xf6rmal"}\n'),
    ),
    Damage(
        "a byte order mark",
        CALL,
        "priors.toml, column 'a.d1': Normal has no such parameter (found 'sigm'). Allowed: mu, sigma.",
        priors('\ufeff[a]\nd1 = {name = "Normal", mu = 0, sigm = 1}\n'),
    ),
    Damage(
        "nested without end",
        CALL,
        'priors.toml: the file of priors is not TOML: it is nested too deeply. A set looks so: [my_priors], and below it for example common = {name = "Normal", mu = 0, sigma = 2}.',
        priors("a = " + "[" * 20_000),
    ),
    Damage(
        "a number of 5,000 digits",
        CALL,
        'priors.toml: the file of priors is not TOML: a number in it has too many digits. A set looks so: [my_priors], and below it for example common = {name = "Normal", mu = 0, sigma = 2}.',
        slopes('{name = "Normal", mu = 0, sigma = ' + "9" * 5000 + "}"),
    ),
    Damage(
        "a number of 400 digits",
        CALL,
        "priors.toml, column 'mine.common': the parameter sigma is not a number (found '9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999...'). Allowed: one finite number.",
        slopes('{name = "Normal", mu = 0, sigma = ' + "9" * 400 + "}"),
    ),
    Damage(
        "no table",
        CALL,
        "priors.toml, column 'common': a set of priors is a table of terms (found 1). Write [common] on a line of its own, and below it the terms.",
        priors("common = 1"),
    ),
    Damage(
        "an empty table",
        CALL,
        "priors.toml, column 'mine': a set of priors is a table of terms (found {}). For example: common = {name = \"Normal\", mu = 0, sigma = 2}, below [mine].",
        priors("[mine]\n"),
    ),
    Damage(
        "a name alone",
        CALL,
        "priors.toml, column 'mine.common': a prior needs the name of its distribution (found 'Normal'). For example: common = {name = \"Normal\", mu = 0, sigma = 2}.",
        slopes('"Normal"'),
    ),
    Damage(
        "no name",
        CALL,
        "priors.toml, column 'mine.common': a prior needs the name of its distribution (found {'mu': 0, 'sigma': 1}). For example: common = {name = \"Normal\", mu = 0, sigma = 2}.",
        slopes("{mu = 0, sigma = 1}"),
    ),
    Damage(
        "an unknown distribution",
        CALL,
        "priors.toml, column 'mine.common': this distribution is not known here (found 'Wishart'). Allowed: Normal, StudentT, Cauchy, Logistic, Laplace, Flat.",
        slopes('{name = "Wishart", nu = 3}'),
    ),
    Damage(
        "an unknown parameter",
        CALL,
        "priors.toml, column 'mine.common': Normal has no such parameter (found 'sd'). Allowed: mu, sigma.",
        slopes('{name = "Normal", mu = 0, sd = 3}'),
    ),
    Damage(
        "a parameter missing",
        CALL,
        "priors.toml, column 'mine.common': Normal lacks its parameter sigma. Allowed: mu, sigma.",
        slopes('{name = "Normal", mu = 0}'),
    ),
    Damage(
        "a parameter of Python",
        CALL,
        "priors.toml, column 'mine.common': Normal has no such parameter (found 'cls'). Allowed: mu, sigma.",
        slopes('{name = "Normal", cls = 1}'),
    ),
    Damage(
        "a parameter in words",
        CALL,
        "priors.toml, column 'mine.common': the parameter sigma is not a number (found 'wide'). Allowed: one finite number.",
        slopes('{name = "Normal", mu = 0, sigma = "wide"}'),
    ),
    Damage(
        "a width of 0",
        CALL,
        "priors.toml, column 'mine.common': sigma of Normal cannot be this (found 0.0). Allowed: a number above 0.",
        slopes('{name = "Normal", mu = 0, sigma = 0}'),
    ),
    Damage(
        "a width below 0",
        CALL,
        "priors.toml, column 'mine.common': b of Laplace cannot be this (found -1.0). Allowed: a number above 0.",
        slopes('{name = "Laplace", mu = 0, b = -1}'),
    ),
    Damage(
        "an infinite width",
        CALL,
        "priors.toml, column 'mine.common': the parameter sigma is not a number (found inf). Allowed: one finite number.",
        slopes('{name = "Normal", mu = 0, sigma = inf}'),
    ),
    Damage(
        "NaN",
        CALL,
        "priors.toml, column 'mine.common': the parameter mu is not a number (found nan). Allowed: one finite number.",
        slopes('{name = "Normal", mu = nan, sigma = 1}'),
    ),
    Damage(
        "too many attributes",
        CALL,
        "priors.toml: the set 'a' names a term that the model does not have (found 'd4'). Allowed: common, Intercept, d1, d2, d3.",
        priors('[a]\nd4 = {name = "Normal", mu = 0, sigma = 3}'),
    ),
    Damage(
        "a name of this package",
        CALL,
        "priors.toml: this package has a set of priors of this name (found 'paper'). Choose a name other than paper, normal_0.5, normal_2, normal_5, student_t, logistic, flat, horseshoe, hierarchical, bambi.",
        priors('[paper]\nd1 = {name = "Normal", mu = 0, sigma = 3}'),
    ),
    Damage(
        "a name that is none",
        CALL,
        "priors.toml: a set of priors cannot have this name (found 'a b'). Allowed: letters, digits, '_', '-' and '.', beginning with a letter or digit.",
        priors('["a b"]\nd1 = {name = "Normal", mu = 0, sigma = 3}'),
    ),
    Damage(
        "a set that nobody has",
        f"{CALL} --only narrow",
        "there is no set of priors of this name (found 'narrow'). Allowed: paper, normal_0.5, normal_2, normal_5, student_t, logistic, flat, horseshoe, hierarchical, bambi, wide.",
    ),
)
