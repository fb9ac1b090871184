import hashlib
import io
import zipfile

import pytest

from tallow.domain.timeframes import DAY
from tallow.venues.simulated.endpoints import Endpoints
from tallow.venues.simulated.vault import Vault

KLINES = "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-12-28.zip"
TRADES = "/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2025-01-02.zip"


@pytest.fixture
def vault(market):
    return Vault(market, Endpoints(market, lambda: market.span.end))


def lines(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()[0], archive.read(archive.namelist()[0]).decode().splitlines()


def test_a_day_of_candles_and_its_checksum(vault, market):
    content = vault.answer(KLINES, market.span.end)
    name, rows = lines(content)
    assert (name, len(rows)) == ("BTCUSDT-1m-2024-12-28.csv", 1440)
    assert rows[0].split(",")[0] == str((market.span.start + DAY) // 1_000)
    stated = vault.answer(KLINES + ".CHECKSUM", market.span.end).decode().split()
    assert stated == [hashlib.sha256(content).hexdigest(), "BTCUSDT-1m-2024-12-28.zip"]


def test_spot_turns_to_microseconds_in_2025_and_futures_do_not(vault, market):
    spot = vault.answer(TRADES.replace("futures/um", "spot"), market.span.end)
    future = vault.answer(TRADES, market.span.end)
    day = market.span.start + 6 * DAY
    assert int(lines(spot)[1][0].split(",")[5]) // DAY == day // DAY
    assert int(lines(future)[1][1].split(",")[5]) * 1_000 // DAY == day // DAY


def test_files_exist_from_the_next_day_and_months_from_their_fifth(vault, market):
    assert vault.answer(KLINES, market.span.start + 3 * DAY - 1) is None
    assert vault.answer(KLINES, market.span.start + 3 * DAY) is not None
    month = "/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-12.zip"
    new_year = market.span.start + 5 * DAY
    assert vault.answer(month, new_year + 5 * DAY - 1) is None
    assert len(lines(vault.answer(month, new_year + 5 * DAY))[1]) > 100


@pytest.mark.parametrize(
    "path",
    [
        "/data/spot/daily/klines/NOPE/1m/NOPE-1m-2024-12-28.zip",
        "/data/spot/daily/klines/BTCUSDT/1s/BTCUSDT-1s-2024-12-28.zip",
        "/data/spot/daily/klines/BTCUSDT/1m/ETHUSDT-1m-2024-12-28.zip",
        "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-13-28.zip",
        "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-12-28.zip",
        "/data/futures/um/daily/klines/ETHUSDT/1m/ETHUSDT-1m-2024-12-28.zip",
        "/data/elsewhere",
    ],
)
def test_what_does_not_exist_is_not_served(vault, market, path):
    assert vault.answer(path, market.span.end) is None


def test_calendar_months_are_spelt_1mo(vault, market):
    path = "/data/spot/monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2024-12.zip"
    _, rows = lines(vault.answer(path, market.span.end))
    assert len(rows) == 1


def test_few_files_are_kept(vault, market):
    for day in range(2, 9):
        for symbol in ("BTCUSDT", "ETHUSDT"):
            for kind in ("aggTrades", "klines"):
                middle = f"{symbol}/1h/{symbol}-1h" if kind == "klines" else f"{symbol}/{symbol}-aggTrades"
                vault.answer(f"/data/spot/daily/{kind}/{middle}-2025-01-0{day - 1}.zip", market.span.end)
    assert len(vault._files) <= 16
