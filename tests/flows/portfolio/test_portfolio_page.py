import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.scene import Scene
from tallow.flows.backtest import Desk
from tallow.flows.portfolio import Book, PortfolioResult, portfolio
from tallow.flows.portfolio.page import render, shown_symbols, weights


@pytest.fixture
def done(desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]) -> PortfolioResult:
    return portfolio(book(), pair, desk)


def test_the_page_has_every_part_and_asks_nothing_of_a_server(done: PortfolioResult) -> None:
    page = render(done)
    assert page == render(done)
    for part in (
        "equity", "instruments", "weights", "honesty", "costs", "months", "rolling", "distribution", "drawdowns",
        "causality", "incidents", "reproduce", "definitions",
    ):  # fmt: skip
        assert f'<section id="{part}"' in page
        assert f'href="#{part}"' in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert f"tallow results replay {done.key[:12]}" in page
    assert "Rotated weights, p-value" in page
    assert "all turned together to" in page
    assert "No gap" not in page
    assert "gold.candles v" in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_words_of_the_program_are_escaped(done: PortfolioResult) -> None:
    scene = replace(done.scene, strategy="<b>", parameters={"<i>": "<u>"})
    page = render(replace(done, scene=scene, source="<script>alert(1)</script>"))
    assert not {"<b>", "<i>", "<u>", "<script>alert"} & set(re.findall(r"<b>|<i>|<u>|<script>alert", page))


@pytest.mark.parametrize(("verdict", "words"), [("leaky", "void"), ("unknown", "Because.")])
def test_a_verdict_that_is_not_good_stands_above_the_numbers(done: PortfolioResult, verdict: Any, words: str) -> None:
    page = render(replace(done, certificate=Certificate(verdict, "because")))
    assert page.index(words) < page.index('<section id="verdict"')


def test_nothing_held_nothing_wrong_and_many_instruments(
    desk: Desk, pair: tuple[Scene, ...], rising: Any, done: PortfolioResult
) -> None:
    class Idle(rising):  # type: ignore[misc]
        def weigh(self, bars: Any, timeframe: Any) -> Any:
            return 0.0 * super().weigh(bars, timeframe)

    idle = portfolio(Book(["ETH/USDT"], Idle()), pair[1:], desk, check=False)
    page = render(idle)
    assert "Nothing was ever held." in page
    assert "None: no gap, quarantined row" in page
    held = np.tile(done.run.weights, (1, 5))
    names = tuple(replace(pair[0].instrument, base=f"A{place}") for place in range(10))
    many = replace(done, scene=replace(done.scene, instruments=names))
    many.run.__dict__["weights"] = held
    assert "2 more were held less on average." in weights(many)
    assert shown_symbols(many) == "A0/USDT, A1/USDT, A2/USDT, A3/USDT, A4/USDT and 5 more"


def test_an_unknown_palette_is_refused(done: PortfolioResult) -> None:
    with pytest.raises(UserError, match="UNKNOWN_PALETTE"):
        render(done, colours="pink")
