import subprocess
import sys

import pytest

import tallow


def test_importing_loads_no_engine() -> None:
    code = (
        "import sys, tallow\n"
        "heavy = {'numpy', 'numba', 'pandas', 'polars', 'deltalake', 'sqlalchemy', 'httpx2', 'pyarrow', 'pyspark',\n"
        "         'confluent_kafka', 'mlflow', 'fastapi', 'lightgbm'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there_and_documented() -> None:
    for name in tallow.__all__:
        assert getattr(tallow, name).__doc__
    assert set(tallow.__all__) <= set(dir(tallow))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = tallow.nothing_like_it  # type: ignore[attr-defined]
