"""lwIP's error codes: their numbers are part of the API."""

from __future__ import annotations

import pytest

from netstack import errors
from netstack.errors import ERR_NAMES, err_name

# lwIP 2.2.1 err.h: err_enum_t
NUMBERS = {
    "ERR_OK": 0,
    "ERR_MEM": -1,
    "ERR_BUF": -2,
    "ERR_TIMEOUT": -3,
    "ERR_RTE": -4,
    "ERR_INPROGRESS": -5,
    "ERR_VAL": -6,
    "ERR_WOULDBLOCK": -7,
    "ERR_USE": -8,
    "ERR_ALREADY": -9,
    "ERR_ISCONN": -10,
    "ERR_CONN": -11,
    "ERR_IF": -12,
    "ERR_ABRT": -13,
    "ERR_RST": -14,
    "ERR_CLSD": -15,
    "ERR_ARG": -16,
}


def test_the_numbers_are_lwips() -> None:
    assert {name: value for name, value in vars(errors).items() if name in NUMBERS} == NUMBERS


def test_every_code_has_its_name_and_no_name_is_left_over() -> None:
    assert {name: code for code, name in ERR_NAMES.items()} == NUMBERS


@pytest.mark.parametrize(("code", "text"), [(0, "ERR_OK"), (-4, "ERR_RTE"), (-16, "ERR_ARG")])
def test_names(code: int, text: str) -> None:
    assert err_name(code) == text


@pytest.mark.parametrize("code", [1, -17, 110])
def test_what_is_no_code_of_lwip_is_shown_as_its_number(code: int) -> None:
    assert err_name(code) == str(code)
