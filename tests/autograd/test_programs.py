"""Every program of programs_*.py: pullback answers what PyTorch answered."""

import json

import parity
import pytest

import pullback as pb

PROGRAMS = parity.load_programs()
ANSWERS = json.loads(parity.ANSWERS.read_text())


@pytest.mark.parametrize("name", PROGRAMS)
def test_pullback_gives_the_answer(name):
    assert parity.observe(PROGRAMS[name], pb) == ANSWERS[name]


@pytest.mark.torch
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_answer_is_pytorchs(name):
    import torch

    assert parity.observe(PROGRAMS[name], torch) == ANSWERS[name]


def test_no_answer_is_without_its_program():
    assert set(ANSWERS) == set(PROGRAMS)
