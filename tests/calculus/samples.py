"""Where the rows of the table are sampled: domains and kinks come from the rows, parameters from here."""

import numpy as np
from calculus.interpreter import ROWS

# Parameters that have no default, or whose default hides a mistake (1 is every factor's favourite).
PARAMETERS = {
    "add_scaled": {"alpha": 2.5},
    "sub_scaled": {"alpha": 2.5},
    "rsub_scaled": {"alpha": 2.5},
    "addcmul": {"value": 1.5},
    "addcdiv": {"value": 1.5},
    "nan_to_num": {"nan": 0.25, "posinf": 7.0, "neginf": -8.0},
    "logit_clamped": {"eps": 0.2},
    "polygamma": {"n": 2},
    "threshold": {"threshold": 0.5, "value": 0.25},
    "elu": {"alpha": 1.3},
    "celu": {"alpha": 1.3},
    "softplus": {"beta": 1.7, "threshold": 4.0},
    "hardtanh": {"min_val": -1.5, "max_val": 0.5},
    "leaky_relu": {"negative_slope": 0.2},
    "smooth_l1_loss": {"beta": 0.7},
    "huber_loss": {"delta": 0.7},
    "round_decimals": {"scale": 100.0},
    "round_tens": {"scale": 10.0},
}


def differentiable_rows():
    return [row for row in ROWS.values() if row.differentiable]


def free_operands(row):
    """The indices of the operands that are differentiated."""
    skipped = set(row.parameter_indices) | ({0} if row.promotion == "where" else set())
    return [index for index in range(row.arity) if index not in skipped]


def operands(row, free, defaults=False):
    """All operands of a row, from its differentiated ones; parameters and conditions are added."""
    values = iter(free)
    given = dict(row.parameters) | (
        {} if defaults and ... not in row.parameters.values() else PARAMETERS.get(row.name, {})
    )
    filled = []
    for index, name in enumerate(row.operands):
        if name in row.parameters:
            filled.append(given[name])
        elif row.promotion == "where" and index == 0:
            filled.append(np.arange(np.size(free[0])).reshape(np.shape(free[0])) % 2 == 0)
        else:
            filled.append(next(values))
    return filled


def random_points(row, count=64, seed=0):
    """Random values for each operand that is differentiated, in the row's domain."""
    generator = np.random.default_rng(seed)
    free = free_operands(row)
    domain = row.domain if isinstance(row.domain[0], tuple) else (row.domain,) * len(free)
    return [generator.uniform(low, high, count) for low, high in domain]
