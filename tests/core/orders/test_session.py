import numpy as np
import pytest

from tallow.core.orders.session import Session
from tallow.core.orders.state import M_EVENTS
from tallow.domain.errors import UserError
from tallow.domain.orders import FillRules
from tallow.domain.scene import Execution


def test_ids_count_what_is_kept_and_not_yet_taken():
    session = Session(Execution(), FillRules(), 1.0)
    session.send([0.0] * 13)
    session.send([4.0, *[0.0] * 12])
    session.send([0.0] * 13)
    assert (session.next_id, session.sent) == (3, 3)
    assert (session.take(), session.sent, session.next_id) == (3, 0, 1)


def test_tables_are_replaced_when_full_and_grow():
    session = Session(Execution(), FillRules(), 1.0)
    logs = session.make_logs(0)
    assert session.drain(logs) is logs
    session.view[M_EVENTS] = len(logs.events) - 1
    logs.events[:, 0] = np.arange(len(logs.events))
    larger = session.drain(logs)
    assert len(larger.events) > len(logs.events)
    assert session.view[M_EVENTS] == 0
    assert session.events[-1][:, 0].tolist() == list(range(len(logs.events) - 1))


def test_cash_must_be_positive():
    with pytest.raises(UserError, match="cash"):
        Session(Execution(), FillRules(), 0.0)
