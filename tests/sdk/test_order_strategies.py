"""Strategies of files that send orders, from the file to the stored, certified, replayable result."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.cli import run
from tallow.core.orders import run_orders
from tallow.core.orders.replay import run_sent
from tallow.domain.errors import UserError
from tallow.domain.orders import KINDS, Target
from tallow.domain.scene import Execution
from tallow.sdk.frames import take_bars

RANGE = "2024-01-01..2024-02-01"
BRACKETS = '''
from tallow import Order, Side, Strategy


class Brackets(Strategy):
    """Bids below the market; protects what it gets, and gives up a bid after `patience` bars."""

    below = 0.004
    patience = 12

    def init(self):
        self.sent_at = 0

    def next(self):
        now, close = len(self.bars), self.bars.close[-1]
        if now % 200 == 0:
            self.target = 0.2 if now % 400 else 0.3
        elif self.position == 0 and not self.orders():
            entry = Order(Side.BUY, 0.05, "limit", price=close * (1 - self.below))
            self.entry, _, _ = self.bracket(entry, stop=close * 0.98, take_profit=close * 1.01)
            self.sent_at = now
        elif self.position == 0 and now - self.sent_at >= self.patience:
            self.cancel(self.entry)
'''


@pytest.fixture
def lake(own_lake: Path) -> "tallow.Lake":
    return tallow.open(str(own_lake))


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "brackets.py").write_text(BRACKETS)
    return str(tmp_path / "brackets.py")


@pytest.fixture
def frame() -> pd.DataFrame:
    """900 seeded hourly candles."""
    draw, count = np.random.default_rng(5), 900
    close = 20_000 * np.exp(np.cumsum(draw.normal(0, 0.006, count)))
    opened = np.concatenate(([20_000], close[:-1]))
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    time = pd.date_range("2024-01-01", periods=count, freq="1h", tz="UTC")
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": np.full(count, 50.0)}
    return pd.DataFrame(columns, index=time)


def the_same_on_the_desk(bars, below=0.004, patience=12):
    """Give the decisions of the file for `run_orders`."""
    sent_at = entry = 0

    def decide(row, desk):
        nonlocal sent_at, entry
        now, close = row + 1, float(bars.close[row])
        if now % 200 == 0:
            desk.submit(Target(0.2 if now % 400 else 0.3))
        elif desk.position == 0 and not desk.orders():
            order = tallow.Order(tallow.Side.BUY, 0.05, "limit", price=close * (1 - below))
            entry, _, _ = desk.bracket(order, close * 0.98, close * 1.01)
            sent_at = now
        elif desk.position == 0 and now - sent_at >= patience:
            desk.cancel(entry)

    return decide


def test_a_file_gives_the_bits_of_the_order_engine(file, frame, lake):
    result = tallow.backtest(file, data=frame, lake=lake, check=False)
    bars = take_bars(frame)
    direct = run_orders(bars, the_same_on_the_desk(bars), Execution(), cash=10_000.0)
    assert result.digest == direct.run.digest()
    assert len(direct.run.trades) > 5
    orders, fills = result.orders, result.fills
    assert orders["id"].tolist() == direct.orders.id.tolist()
    assert {"buy", "sell", "target"} == set(orders["side"])
    assert {"limit", "stop", "target"} == set(orders["kind"])
    assert {"filled", "cancelled"} <= set(orders["state"])
    assert {"", "asked", "other_filled", "parent_ended"} <= set(orders["reason"])
    assert len(fills) == len(direct.run.fills)


def test_it_is_certified_scored_laddered_stored_and_replayed(file, lake):
    result = tallow.backtest(file, timerange=RANGE, lake=lake)
    assert result.check is not None
    assert result.check.verdict == "certified", result.check.reason
    assert result.score is not None
    labels = result.ladder["label"].tolist()
    assert "close (optimistic)" not in labels
    at_own_costs = result.ladder.set_index("label").loc["1x costs", "return_pct"]
    assert at_own_costs == pytest.approx(result.metrics["return_pct"], rel=1e-12)
    again = tallow.backtest(file, timerange=RANGE, lake=lake)
    assert (again.key, again.digest) == (result.key, result.digest)
    pd.testing.assert_frame_equal(again.orders, result.orders)
    outcome = again.replay()
    assert (outcome.equal, outcome.differences) == (True, ())


def test_the_command_line_says_what_became_of_the_orders(file, own_lake, capsys, tmp_path):
    page = tmp_path / "page.html"
    words = ["backtest", file, "--timerange", RANGE, "--lake", str(own_lake), "-q", "--report", str(page)]
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert "Orders" in shown
    assert "filled" in shown
    assert "other filled" in page.read_text()
    assert run([*words[:6], "-q", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["orders"]["filled"] > 0


def test_a_combination_of_a_sweep_is_the_single_backtest(file, lake):
    swept = tallow.sweep(file, {"patience": "6..12:6"}, timerange=RANGE, lake=lake, check=False, workers=1)
    single = tallow.backtest(file, timerange=RANGE, lake=lake, check=False, params={"patience": 6})
    row = swept.frame().set_index("patience").loc[6]
    assert row["final_equity"] == single.metrics["final_equity"]
    assert row["trades"] == single.metrics["trades"]
    assert row["max_drawdown"] == pytest.approx(single.metrics["max_drawdown_pct"] / 100, rel=1e-9)
    assert row["fees"] == pytest.approx(single.metrics["fees"], rel=1e-12)


def test_orders_that_make_no_sense_are_named_with_their_line(lake, frame, tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(BRACKETS.replace('"limit", price=', '"limit", trigger='))
    with pytest.raises(UserError) as caught:
        tallow.backtest(str(bad), data=frame, lake=lake, check=False)
    assert caught.value.code == "BAD_ORDER"
    assert caught.value.facts["line"].startswith(f"{bad}:")
    assert "Order(Side.BUY" in caught.value.facts["line"]


def test_an_order_in_init_is_refused(lake, frame, tmp_path):
    early = tmp_path / "early.py"
    early.write_text(BRACKETS.replace("self.sent_at = 0\n", "self.submit(Order(Side.BUY, 1.0))\n", 1))
    with pytest.raises(UserError, match="sent before the first bar") as caught:
        tallow.backtest(str(early), data=frame, lake=lake, check=False)
    assert caught.value.code == "BAD_STRATEGY"


def test_orders_do_not_fill_at_the_deciding_close(file, lake, frame):
    with pytest.raises(UserError, match="fill = 'close'"):
        tallow.backtest(file, data=frame, lake=lake, check=False, fill="close")


def test_a_walk_forward_joins_orders_and_is_stored_and_replayed(file, own_lake, capsys, tmp_path):
    words = [
        "walkforward",
        file,
        "patience=6..12:6",
        "--train",
        "15d",
        "--test",
        "5d",
        "--timerange",
        RANGE,
        "--no-check",
    ]
    page = tmp_path / "walk.html"
    where = ["--lake", str(own_lake), "-q"]
    assert run([*words, *where, "--workers", "1", "--json", "--html", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["orders"]["filled"] > 4
    assert any("begins flat" in note for note in told["notes"])
    assert "Orders by kind and end" in page.read_text()
    assert run([*words, *where, "--workers", "1", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["digest"], again["computed"], again["orders"]) == (told["digest"], 0, told["orders"])
    assert run(["results", "replay", told["key"][:12], *where]) == 0
    assert run(["results", "show", told["key"][:12], *where]) == 0
    assert "Orders filled" in capsys.readouterr().out


def test_each_test_of_a_walk_is_the_strategy_on_the_account_it_is_given(file, lake, frame):
    walk = tallow.walk_forward(file, {"patience": [6, 12]}, data=frame, lake=lake, train=240, test=120, check=False)
    result, bars = walk._done.result, take_bars(frame)
    assert len(walk._done.folds) > 3
    for fold in walk._done.folds:
        # The bars of the test after those of the training, with the cash that the account had at its first close.
        start = fold.test.start - 240
        assert result.run.position[start] == 0.0
        code = lake.workspace.strategy(file, dict(fold.parameters))
        cash = float(result.run.equity[start])
        scene = lake.workspace.scene(code, symbol="own:BTC/USDT", cash=cash)
        seen = bars[fold.train.start : fold.test.stop]
        evaluate = lake.workspace.desk(check=False).evaluate
        sent = evaluate(code, seen, scene, None, 240)
        assert sent.row.min() >= 240
        alone = run_sent(seen, sent, scene.execution, cash=cash).run
        last = len(fold.test) - 1  # at its last close the account is told to close
        mine, theirs = result.run.equity[start : start + last], alone.equity[240 : 240 + last]
        assert mine.tobytes() == theirs.tobytes()


def test_what_lies_behind_a_test_does_not_change_it(file, lake, frame):
    def walked(frame):
        walk = tallow.walk_forward(file, {"patience": [6, 12]}, data=frame, lake=lake, train=240, test=120, check=False)
        return walk._done.result.run

    changed = frame.copy()
    changed.iloc[700:, changed.columns.get_indexer(["open", "high", "low", "close"])] *= 1.5
    whole, other = walked(frame), walked(changed)
    assert whole.equity[: 700 - 240].tobytes() == other.equity[: 700 - 240].tobytes()
    assert whole.equity.tobytes() != other.equity.tobytes()


@pytest.mark.parametrize("verb", ["backtest", "sweep"])
def test_how_the_market_fills_orders_is_part_of_the_scene(file, own_lake, capsys, verb):
    axes = ["patience=6..12:6", "--workers", "1"] if verb == "sweep" else []
    words = [verb, file, *axes, "--timerange", RANGE, "--no-check", "--lake", str(own_lake), "-q", "--json"]
    told = []
    for more in ([], ["--touch-fills"], ["--participation", "0.0001", "--touch-fills"]):
        assert run([*words, *more]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert len({one["key"] for one in told}) == 3
    results = [one["result"] if verb == "sweep" else one["key"] for one in told]
    for key, one in zip(results, told, strict=True):
        assert run(["results", "show", key[:12], "--lake", str(own_lake), "-q", "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert ("filling" in shown["scene"]) == (one is not told[0])
        notes = [note for note in shown["notes"] if note.startswith("FILL RULES")]
        assert len(notes) == (one is not told[0])
        assert run(["results", "replay", key[:12], "--lake", str(own_lake), "-q"]) == 0
        capsys.readouterr()
    if verb == "backtest":
        assert notes == [
            "FILL RULES orders fill at most 0.01 % of a bar's volume, a limit order fills where its price is touched"
        ]


def test_rules_of_fills_say_that_targets_fill_whole(lake, frame):
    plain = tallow.backtest("sma_cross", data=frame, lake=lake, check=False)
    told = tallow.backtest("sma_cross", data=frame, lake=lake, check=False, participation=0.1)
    assert plain.digest == told.digest
    assert [note for note in told._stored.notes if "targets fill whole" in note]


def test_orders_follow_the_rules_of_a_file(file, lake, frame, tmp_path):
    rules = tmp_path / "rules.csv"
    moment = pd.Timestamp(take_bars(frame).time[100], unit="us").isoformat()
    rules.write_text(f"valid_from,lot_size,min_notional\n2000-01-01,0.02,\n{moment},0.03,\n")
    done = tallow.backtest(file, data=frame, lake=lake, check=False, venue_rules=str(rules))
    log = done._stored.orders
    bought = (log.side == 1) & (log.filled > 0)
    early, late = bought & (log.end_row < 100), bought & (log.row >= 100) & (log.kind == KINDS.index("limit"))
    assert set(log.filled[early].round(9)) == {0.04}
    assert set(log.filled[late].round(9)) == {0.03}
    assert done.replay().equal


def test_it_may_decide_on_coarser_candles(file, frame, lake):
    coarse = tallow.backtest(file, data=frame, lake=lake, check=False, params={"decide-on": "4h"})
    sent = coarse.orders["row"]
    assert len(sent) > 10
    assert set(sent % 4) == {3}  # at the close of every fourth hour


FOLLOWING = """
from tallow import Order, Side, Strategy


class Following(Strategy):
    below = 0.004

    def next(self):
        price = self.bars.close[-1] * (1 - self.below)
        if not self.orders() and self.position == 0:
            self.bid = self.submit(Order(Side.BUY, 0.05, "limit", price=price))
        elif self.orders():
            self.amend(self.bid, price=price)
        elif len(self.bars) % 9 == 0:
            self.submit(Order(Side.SELL, 0.05))
"""


def test_a_file_amends_its_orders_and_is_checked_and_replayed(lake, frame, tmp_path):
    (tmp_path / "following.py").write_text(FOLLOWING)
    done = tallow.backtest(str(tmp_path / "following.py"), data=frame, lake=lake)
    assert done.check.verdict == "certified"
    assert (done._stored.sent.column("cancels") < 0).sum() > 50
    assert len(done.fills) > 20
    assert done.replay().equal
