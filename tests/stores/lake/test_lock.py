"""One holder at a time, between objects, threads and waits."""

import threading

import pytest

from tallow.domain.errors import TransientError
from tallow.stores.lake.lock import WriterLock


def test_taking_it_again_inside_is_free(tmp_path, clock):
    lock = WriterLock(tmp_path / "lock", clock, 0.0)
    assert not lock.held
    with lock.hold() as outermost:
        assert outermost
        assert lock.held
        with lock.hold() as inner:
            assert not inner
        assert lock.held
    assert not lock.held


def test_another_holder_is_busy_until_it_is_free(tmp_path, clock):
    first, second = (WriterLock(tmp_path / "lock", clock, 0.0) for _ in range(2))
    with first.hold(), pytest.raises(TransientError, match="another process is writing"), second.hold():
        pass
    with second.hold() as outermost:
        assert outermost


def test_waiting_lasts_as_long_as_patience(tmp_path, clock):
    first, second = (WriterLock(tmp_path / "lock", clock, 2.0) for _ in range(2))
    before = clock.monotonic()
    with first.hold(), pytest.raises(TransientError), second.hold():
        pass
    assert 2.0 <= clock.monotonic() - before < 2.2


def test_a_wait_ends_when_the_holder_leaves(tmp_path, clock):
    first, second = (WriterLock(tmp_path / "lock", clock, 5.0) for _ in range(2))
    holding = first.hold()
    holding.__enter__()
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        holding.__exit__(None, None, None)

    clock.sleep = pause
    with second.hold() as outermost:
        assert outermost
    assert len(pauses) == 1


def test_another_thread_of_the_same_process_is_busy_too(tmp_path, clock):
    lock = WriterLock(tmp_path / "lock", clock, 0.0)
    codes = []

    def attempt():
        try:
            with lock.hold():
                codes.append("held")
        except TransientError as error:
            codes.append(error.code)

    with lock.hold():
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert codes == ["BUSY"]


def test_a_holder_that_left_no_name_is_unknown(tmp_path, clock):
    lock = WriterLock(tmp_path / "lock", clock, 0.0)
    assert lock._busy().facts["held by"] == "unknown"


def test_the_lock_is_freed_when_the_body_fails(tmp_path, clock):
    lock = WriterLock(tmp_path / "lock", clock, 0.0)
    with pytest.raises(ZeroDivisionError), lock.hold():
        raise ZeroDivisionError
    with lock.hold() as outermost:
        assert outermost
