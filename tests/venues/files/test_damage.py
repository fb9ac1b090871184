import gzip
import io
import zipfile
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallow.domain.columns import Bars, Ticks
from tallow.domain.errors import Error
from tallow.venues.files import Files

T = 1704067200
OK_TRADE = '{"tradeId":"7","px":"100.5","sz":"2","side":"sell","ts":"1704067200000"}'


def feather() -> bytes:
    stream = io.BytesIO()
    prices = {name: [1.0, 1.5] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"date": [T, T + 60], **prices}).with_columns(pl.from_epoch("date", "s")).write_ipc(stream)
    return stream.getvalue()


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1m.json", content)
    return stream.getvalue()


KLINES = (
    f'[[{T}000,"1","2","0.5","1.5","10",{T}999,"15",4,"6","9","0"],'
    f'[{T + 60}000,"1","2","1","1","0",1,"1",4,"6","9","0"]]'
)
TEXTS = (
    KLINES,
    f"[[{T}000, 1.0, 2.0, 0.5, 1.5, 10.0]]",
    '{"candles": [{"start": "1704067200", "low": "0.5", "high": "2", "open": "1", "close": "1.5", "volume": "10"}]}',
    '{"name": "ETH/USD_PT5M@BinanceUS", "ohlc": [{"endTime": 1704067499999, "openPrice": 1}]}',
    '{"chart": {"result": [{"meta": {"symbol": "BTC-USD", "dataGranularity": "1d"}, "timestamp": [1704067200],'
    ' "indicators": {"quote": [{"open": [1], "high": [2], "low": [1], "close": [1], "volume": [5]}]}}]}}',
    f'{{"code": "0", "data": [["{T}000","1","2","0.5","1.5","10","10","15","1"]]}}',
    f'{{"retCode": 0, "result": {{"symbol": "BTCUSDT", "list": [["{T}000","1","2","0.5","1.5","10","15"]]}}}}',
    f'{{"error": [], "result": {{"XBTUSDT": [["1","2",{T}.5,"b","l","",7]], "last": "1"}}}}',
    f'[{{"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingTime": {T}000}}]',
    f'[{{"a": 7, "p": "100", "q": "1", "f": 1, "l": 1, "T": {T}000, "m": true}}]',
    '1723161253937085768 {"stream":"x",'
    f'"data":{{"e":"trade","s":"BTCUSDT","t":7,"p":"1","q":"1","T":{T}000,"m":true}}}}',
    '{"t":"header","format":2,"exchange":"OKX"}\n{"t":"recv","conn":"1","ts":1704067200.5,"data":"'
    + f'{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{OK_TRADE}]}}'.replace('"', '\\"')
    + '"}',
    f'{T}.25: {{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{OK_TRADE}]}}',
    f"{T}000,1,2,0.5,1.5,10,{T}999,15,4,6,9,0\n{T + 60}000,1,2,0.5,1.5,10,{T + 60}999,15,4,6,9,0\n",
    "banner,https://x.y\ndate,symbol,open,high,low,close,volume_btc,volume\n2024-01-01 09-AM,BTCUSD,1,2,1,1,5,9\n",
    f"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nbinance,BTCUSDT,{T}000000,{T}000001,7,buy,1,2\n",
    f"7,100.5,1,100.5,{T}000,true,true\n",
    f"{T},90.54,1.1\n",
)
SEEDS = (
    *(text.encode() for text in TEXTS),
    feather(),
    zipped(KLINES.encode()),
    gzip.compress(KLINES.encode()),
    zstandard.compress(KLINES.encode()),
)


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_each_seed_is_read_before_it_is_damaged(seed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "binance" / "BTCUSDT-1m.data"
    path.parent.mkdir()
    path.write_bytes(seed)
    assert list(Files().read(path, received_time=T * 1_000_000))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.sampled_from(SEEDS),
    cut=st.floats(0, 1),
    patches=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=3),
    text=st.sampled_from(
        [b"", b"null", b"[]", b"{}", b"-1", b'"', b"NaN", b"1e999", b",", b"\n", b"99999999999999999999"]
    ),
)
def test_damage_is_told_in_tallows_words_or_set_aside(
    tmp_path: Path, seed: bytes, cut: float, patches: list[tuple[float, bytes]], text: bytes
) -> None:
    data = bytearray(seed[: int(len(seed) * cut)] if cut > 0.3 else seed)
    for place, patch in patches:
        start = int(place * len(data))
        data[start : start + len(patch)] = patch
    middle = len(data) // 2
    path = tmp_path / "binance" / "BTCUSDT-1m.data"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(data[:middle]) + text + bytes(data[middle + len(text) :]))
    pages = []
    with suppress(Error):  # anything else is a bug
        pages = list(Files().read(path, received_time=T * 1_000_000))
    for page in pages:
        columns = [c for c in vars(page.rows).values() if c.dtype.kind == "f"][:5]
        lengths = {len(column) for column in vars(page.rows).values()}
        assert lengths == {len(page.rows)}
        if isinstance(page.rows, Bars | Ticks):
            assert all(bool((column == column).all()) for column in columns)
