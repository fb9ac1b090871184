"""Let Optuna propose combinations from what the earlier ones gave."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tallow.domain.columns import Floats
from tallow.domain.scene import Value
from tallow.domain.sweep import Axis, Row, Search
from tallow.flows.sweep.plan import TRIALS, missing

if TYPE_CHECKING:
    import optuna

BATCH = 16  # proposals between two looks at the results: fixed, so that the number of processes changes nothing
_PATIENCE = 8  # batches without a new combination after which the space counts as used up


def propose(search: Search, meets: Callable[[Row], bool], score: Callable[[Sequence[Row]], Floats]) -> list[Row]:
    """Search with a seeded tree-structured Parzen estimator; give every distinct combination in order of proposal.

    Args:
        search: settled; `trials` distinct combinations are tried, fewer when nothing new is proposed any more.
        meets: says whether a combination is allowed; others are told to Optuna as failed.
        score: evaluates combinations; the larger the better, NaN has no value.

    Raises:
        UserError: MISSING_EXTRA when Optuna is not installed.
    """
    study = _study(search.seed)
    found: dict[Row, None] = {}
    idle = 0
    wanted = search.trials or TRIALS
    while len(found) < wanted and idle < _PATIENCE:
        asked = [study.ask() for _ in range(min(BATCH, wanted - len(found)))]
        rows = [tuple(_suggest(trial, axis) for axis in search.axes) for trial in asked]
        fitting = [row for row in dict.fromkeys(rows) if meets(row)]
        values = dict(zip(fitting, score(fitting).tolist(), strict=True)) if fitting else {}
        for trial, row in zip(asked, rows, strict=True):
            _tell(study, trial, values.get(row, math.nan))
        before = len(found)
        found.update(dict.fromkeys(fitting))
        idle = idle + 1 if len(found) == before else 0
    return list(found)


def _study(seed: int) -> "optuna.Study":
    try:
        import optuna
    except ImportError:
        raise missing("--method optuna", "optuna") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))


def _suggest(trial: Any, axis: Axis) -> Value:
    if axis.is_open:
        return float(trial.suggest_float(axis.name, axis.low, axis.high))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.values):
        # By place: the values of an axis need not be evenly spaced.
        return axis.values[int(trial.suggest_int(axis.name, 0, len(axis.values) - 1))]
    return axis.values[int(trial.suggest_categorical(axis.name, tuple(range(len(axis.values)))))]


def _tell(study: "optuna.Study", trial: Any, value: float) -> None:
    from optuna.trial import TrialState

    if math.isnan(value):
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, value)
