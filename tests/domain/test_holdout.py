import pytest

from tallow.domain.holdout import Seal, version_of
from tallow.domain.timeframes import DAY, HOUR, parse_timeframe


@pytest.mark.parametrize(
    ("timeframe", "start", "limit"),
    [("1h", 10 * HOUR, 10 * HOUR), ("4h", 10 * HOUR, 8 * HOUR), ("1d", 10 * HOUR, 0), ("1M", 40 * DAY, 31 * DAY)],
)
def test_a_longer_candle_that_would_reach_into_the_seal_is_not_free(timeframe: str, start: int, limit: int) -> None:
    assert Seal("binance:BTC/USDT", "1h", start, 0).limit(parse_timeframe(timeframe)) == limit


def test_source_parameters_and_length_make_a_version() -> None:
    hour, day = parse_timeframe("1h"), parse_timeframe("1d")
    base = version_of("abc", {"fast": 1, "slow": 2}, hour)
    assert version_of("abc", {"slow": 2, "fast": 1}, hour) == base
    others = {version_of("abd", {"fast": 1, "slow": 2}, hour), version_of("abc", {"fast": 1}, hour),
              version_of("abc", {"fast": 1, "slow": 2}, day)}  # fmt: skip
    assert len(others | {base}) == 4
    assert len(base) == 64
