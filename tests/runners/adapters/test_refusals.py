from tallow.domain.timeframes import parse_timeframe
from tallow.runners.adapters.refusals import Setting, not_carried_over


def test_a_refusal_names_what_and_what_instead():
    error = not_carried_over("self.dp", "tallow.higher")
    assert error.code == "NOT_CARRIED_OVER"
    assert "self.dp cannot be carried over" in str(error)
    assert "tallow.higher" in str(error)
    assert error.exit_code == 2


def test_a_setting_may_be_unknown():
    assert Setting() == Setting(None, "")
    assert Setting() != Setting(parse_timeframe("1h"))


def test_a_setting_travels_as_texts():
    for setting in (Setting(), Setting(parse_timeframe("1M"), "BTC/USDT")):
        assert Setting.from_texts(setting.as_texts()) == setting
