"""ADBench's Gaussian mixture: the logarithm of the posterior of a mixture of K Gaussians, given n points.

The instances come from `data/`, whose README names source and licence. The formula is that of Srajer, Kukelova and
Fitzgibbon (arXiv:1807.10129, section 4.1): a factor Q of each inverse covariance is a lower triangular matrix that
is stored as the logarithms of its diagonal and the entries below it, with a Wishart prior.
"""

import math
import os

import numpy as np

FOLDER = os.path.join(os.path.dirname(__file__), "data")


def inputs(instance, rng=None):
    with np.load(os.path.join(FOLDER, f"gmm_{instance}.npz")) as stored:
        made = {name: stored[name] for name in ("alphas", "means", "icf", "x")}
        d = made["means"].shape[1]
        return {
            **made,
            "places": places(d),
            "gamma": float(stored["gamma"]),
            "constant": constant(made, float(stored["gamma"]), int(stored["wishart_m"])),
            "wishart_m": int(stored["wishart_m"]),
        }


def places(d):
    """For each entry of a d x d lower triangular matrix, row by row, where it stands in `icf`; above, past its end."""
    where = np.full((d, d), d * (d + 1) // 2)
    where[np.diag_indices(d)] = np.arange(d)
    columns, rows = np.triu_indices(d, 1)  # the entries below the diagonal, column by column
    where[rows, columns] = d + np.arange(len(rows))
    return where.reshape(-1)


def constant(arrays, gamma, wishart_m):
    """What depends on nothing that is differentiated."""
    n, d = arrays["x"].shape
    freedom = d + wishart_m + 1
    log_gamma = d * (d - 1) / 4 * math.log(math.pi)
    log_gamma += sum(math.lgamma((freedom - j) / 2) for j in range(d))
    prior = freedom * d * math.log(gamma / math.sqrt(2)) - log_gamma
    return -n * d / 2 * math.log(2 * math.pi) - len(arrays["alphas"]) * prior


def objective(lib, alphas, means, icf, x, places, gamma, constant, wishart_m):
    """For PyTorch and pullback."""
    (n, d), k = x.shape, len(alphas)
    diagonals, below = icf[:, :d].exp(), icf[:, d:]
    log_determinants = icf[:, :d].sum(1)
    entries = lib.cat([diagonals, below, icf.new_zeros(k, 1)], 1)
    factors = entries.index_select(1, places).reshape(k, d, d)
    z = (x - means[:, None]) @ factors.transpose(1, 2)
    densities = (alphas + log_determinants)[:, None] - 0.5 * (z * z).sum(2)
    likelihood = lib.logsumexp(densities, 0).sum() - n * lib.logsumexp(alphas, 0)
    squares = (diagonals * diagonals).sum() + (below * below).sum()
    return constant + likelihood + 0.5 * gamma**2 * squares - wishart_m * log_determinants.sum()


def objective_numpy(lib, alphas, means, icf, x, places, gamma, constant, wishart_m):
    """For JAX and HIPS autograd."""
    (n, d), k = x.shape, len(alphas)
    diagonals, below = lib.exp(icf[:, :d]), icf[:, d:]
    log_determinants = icf[:, :d].sum(1)
    entries = lib.concatenate([diagonals, below, lib.zeros((k, 1))], 1)
    factors = entries[:, places].reshape((k, d, d))
    z = lib.matmul(x - means[:, None], lib.swapaxes(factors, 1, 2))
    densities = (alphas + log_determinants)[:, None] - 0.5 * (z * z).sum(2)
    likelihood = lib.logsumexp(densities, 0).sum() - n * lib.logsumexp(alphas, 0)
    squares = (diagonals * diagonals).sum() + (below * below).sum()
    return constant + likelihood + 0.5 * gamma**2 * squares - wishart_m * log_determinants.sum()
