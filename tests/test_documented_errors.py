"""What docstrings say that functions raise, they raise; and the docstring of what is called here names the error.

One line is one call: the function, its arguments, and the error. What rows say is tested in calculus/test_row_pages.py.
"""

import warnings

import pytest

import pullback as pb
from pullback.autograd.gradcheck import GradcheckError

CALLS = """
as_tensor        ("a")                                              TypeError
as_tensor        ([[1], [1, 2]])                                    ValueError
ones             (-1)                                               RuntimeError
ones             ("a")                                              TypeError
empty            (-1)                                               RuntimeError
empty_strided    ((2,), (1, 2))                                     RuntimeError
zeros_like       (3)                                                TypeError
ones_like        (3)                                                TypeError
empty_like       (3)                                                TypeError
full_like        (x, "a")                                           TypeError
Tensor.new_tensor (x, "a")                                          TypeError
Tensor.new_zeros (x, -1)                                            RuntimeError
Tensor.new_full  (x, (-1,), 2)                                      RuntimeError
linspace         (0, 1, -1)                                         RuntimeError
logspace         (0, 1, -1)                                         RuntimeError
eye              (-1)                                               RuntimeError
scalar_tensor    ([1])                                              TypeError
Tensor.fill_     (x.clone(), v)                                     RuntimeError
Tensor.fill_     (g, 1)                                             RuntimeError
Tensor.zero_     (g)                                                RuntimeError
Tensor.size      (x, 5)                                             IndexError
Tensor.stride    (x, 5)                                             IndexError
Tensor.is_set_to (x, 3)                                             TypeError
stack            ([x, v])                                           RuntimeError
stack            ([])                                               RuntimeError
stack            ([x, x], 7)                                        IndexError
hstack           ([x, v])                                           RuntimeError
hstack           ([])                                               RuntimeError
vstack           ([x, v])                                           RuntimeError
dstack           ([x, v])                                           RuntimeError
column_stack     ([x, v])                                           RuntimeError
cartesian_prod   (x, x)                                             RuntimeError
block_diag       (pb.ones(1, 1, 1))                                 RuntimeError
combinations     (x)                                                RuntimeError
combinations     (v, -1)                                            RuntimeError
sort             (x, 7)                                             IndexError
argsort          (x, 7)                                             IndexError
msort            (3)                                                TypeError
kthvalue         (x, 9)                                             RuntimeError
kthvalue         (x, 1, 7)                                          IndexError
median           (x, 7)                                             IndexError
median           (pb.empty(0), 0)                                   IndexError
nanmedian        (x, 7)                                             IndexError
mode             (pb.empty(0))                                      IndexError
unique           (x, dim=7)                                         IndexError
unique_consecutive (x, dim=7)                                       IndexError
searchsorted     (x, v)                                             RuntimeError
searchsorted     (v, v, side="up")                                  RuntimeError
bucketize        (v, x)                                             RuntimeError
bincount         (x)                                                NotImplementedError
bincount         (i - 5)                                            RuntimeError
bincount         (i, v)                                             RuntimeError
histc            (i)                                                NotImplementedError
histc            (v, 0)                                             RuntimeError
histc            (v, 3, 5, 1)                                       RuntimeError
isin             (1, 2)                                             TypeError
isin             (x > 0, x)                                         RuntimeError
diff             (x, -1)                                            RuntimeError
diff             (pb.tensor(1.0))                                   RuntimeError
diff             (x, dim=7)                                         IndexError
narrow           (x, 0, 1, 9)                                       RuntimeError
narrow           (x, 7, 0, 1)                                       IndexError
diagonal         (x, 0, 0, 0)                                       RuntimeError
diagonal         (v)                                                IndexError
Tensor.unfold    (x, 0, 9, 1)                                       RuntimeError
Tensor.unfold    (x, 0, 1, 0)                                       RuntimeError
unbind           (x, 7)                                             IndexError
Tensor.split     (x, -1)                                            RuntimeError
Tensor.split     (x, [1, 9])                                        RuntimeError
split_with_sizes (x, [1, 9])                                        RuntimeError
chunk            (x, 0)                                             RuntimeError
tensor_split     (x, 0)                                             RuntimeError
hsplit           (x, 2)                                             RuntimeError
vsplit           (v, 2)                                             RuntimeError
dsplit           (x, 2)                                             RuntimeError
select_scatter   (x, v, 0, 0)                                       RuntimeError
select_scatter   (x, pb.ones(3), 0, 9)                              IndexError
slice_scatter    (x, v)                                             RuntimeError
diagonal_scatter (x, v)                                             RuntimeError
diagonal_scatter (v, v)                                             IndexError
as_strided_scatter (x, v, (9,), (9,))                               RuntimeError
Tensor.repeat    (x, 2)                                             RuntimeError
Tensor.repeat    (x, -1, 1)                                         RuntimeError
tile             (x, -1)                                            RuntimeError
tile             (x, "a")                                           TypeError
flip             (x, 7)                                             IndexError
flip             (x, 0, 0)                                          RuntimeError
fliplr           (v)                                                RuntimeError
flipud           (pb.tensor(1.0))                                   RuntimeError
roll             (x, (1, 2))                                        RuntimeError
roll             (x, 1, 7)                                          IndexError
rot90            (v)                                                RuntimeError
rot90            (x, 1, (0, 0))                                     RuntimeError
tril             (v)                                                RuntimeError
triu             (v)                                                RuntimeError
Tensor.tril_     (v.clone())                                        RuntimeError
Tensor.triu_     (leaf)                                             RuntimeError
tril_indices     (-1, 2)                                            RuntimeError
triu_indices     (2, 2, dtype=pb.float32)                           NotImplementedError
diag             (x.unsqueeze(0))                                   RuntimeError
diag             (pb.tensor(1.0))                                   RuntimeError
diag_embed       (x, dim1=0, dim2=0)                                RuntimeError
diag_embed       (x, dim1=7)                                        IndexError
trace            (v)                                                RuntimeError
Tensor.sum_to_size (x, 7)                                          RuntimeError
nansum           (x, 7)                                             IndexError
prod             (x, 7)                                             IndexError
prod             (x, (0, 1))                                        TypeError
any              (x, 7)                                             IndexError
all              (x, 7)                                             IndexError
count_nonzero    (x, 7)                                             IndexError
amax             (x, 7)                                             IndexError
amax             (pb.empty(0))                                      RuntimeError
amin             (pb.empty(0))                                      RuntimeError
aminmax          (pb.empty(0))                                      RuntimeError
argmin           (pb.empty(0))                                      IndexError
std              (i)                                                RuntimeError
std              (x, 7)                                             IndexError
std_mean         (i)                                                RuntimeError
var_mean         (x, 7)                                             IndexError
linalg.vector_norm (i)                                              RuntimeError
linalg.vector_norm (x, dim=7)                                       IndexError
linalg.vector_norm (pb.empty(0), pb.inf)                            RuntimeError
linalg.solve     (pb.zeros(2, 2), pb.ones(2))                       LinAlgError
linalg.solve     (pb.eye(3), x)                                     RuntimeError
linalg.inv       (pb.zeros(2, 2))                                   LinAlgError
linalg.inv       (x)                                                RuntimeError
linalg.inv_ex    (pb.zeros(2, 2), check_errors=True)                LinAlgError
linalg.solve_ex  (pb.zeros(2, 2), v[:2], check_errors=True)         LinAlgError
linalg.det       (i)                                                RuntimeError
linalg.cholesky  (pb.zeros(2, 2))                                   LinAlgError
linalg.cholesky_ex (pb.zeros(2, 2), check_errors=True)              LinAlgError
linalg.lu_factor (pb.zeros(2, 2))                                   RuntimeError
linalg.lu_factor (v)                                                RuntimeError
linalg.solve_triangular (pb.eye(3), x, upper=True)                  RuntimeError
linalg.eigh      (pb.eye(2), "X")                                   RuntimeError
linalg.eigh      (pb.full((2, 2), pb.nan))                          LinAlgError
linalg.svd       (pb.full((2, 2), pb.nan))                          LinAlgError
linalg.svdvals   (v)                                                RuntimeError
linalg.qr        (x, "x")                                           RuntimeError
linalg.pinv      (v)                                                RuntimeError
linalg.lstsq     (x, v)                                             RuntimeError
linalg.matrix_rank (v)                                              RuntimeError
linalg.matrix_norm (x, 3)                                           RuntimeError
linalg.matrix_norm (x, dim=(0, 5))                                  IndexError
linalg.norm      (pb.ones(2, 2, 2), 1)                              RuntimeError
linalg.cond      (x, 1)                                             RuntimeError
linalg.matrix_exp (x)                                               RuntimeError
linalg.matrix_power (x, 2)                                          RuntimeError
linalg.matrix_power (pb.eye(2), 1.5)                                TypeError
linalg.cross     (v, v)                                             RuntimeError
linalg.vander    (v, N=1)                                           RuntimeError
linalg.tensorinv (x, 0)                                             RuntimeError
linalg.tensorsolve (x, v)                                           RuntimeError
linalg.vecdot    (i, i)                                             RuntimeError
linalg.householder_product (x, v)                                   RuntimeError
linalg.ldl_factor (pb.zeros(2, 2))                                  RuntimeError
lu_unpack        (x, v)                                             RuntimeError
trapezoid        (b)                                                RuntimeError
cov              (b)                                                RuntimeError
corrcoef         (pb.ones(2, 2, 2))                                 RuntimeError
cdist            (x, x, -1)                                         RuntimeError
cdist            (x, x, compute_mode="x")                           ValueError
dist             (i, i)                                             RuntimeError
renorm           (x, 0, 0, 1)                                       RuntimeError
renorm           (x, 2, 7, 1)                                       IndexError
Tensor.renorm_   (leaf, 2, 0, 1)                                    RuntimeError
log_softmax      (x, 7)                                             IndexError
log_softmax      (i, 0)                                             NotImplementedError
logsumexp        (x, 7)                                             IndexError
cumsum           (x, 7)                                             IndexError
cumprod          (x, 7)                                             IndexError
cummax           (x, 7)                                             IndexError
cummin           (x, 7)                                             IndexError
logcumsumexp     (x, 7)                                             IndexError
logcumsumexp     (i, 0)                                             NotImplementedError
nanquantile      (x, 2.0)                                           RuntimeError
nanquantile      (i, 0.5)                                           RuntimeError
Tensor.view_as   (x, v)                                             RuntimeError
Tensor.reshape_as (x, v)                                            RuntimeError
flatten          (x, 1, 0)                                          RuntimeError
flatten          (x, 7)                                             IndexError
unflatten        (x, 0, (5,))                                       RuntimeError
unflatten        (x, 7, (5,))                                       IndexError
ravel            (3)                                                TypeError
transpose        (x, 0, 7)                                          IndexError
swapaxes         (x, 0, 7)                                          IndexError
swapdims         (x, 0, 7)                                          IndexError
adjoint          (v)                                                RuntimeError
permute          (x, (0, 0))                                        RuntimeError
permute          (x, (0,))                                          RuntimeError
permute          (x, (0, 7))                                        IndexError
squeeze          (x, 7)                                             IndexError
unsqueeze        (x, 7)                                             IndexError
Tensor.expand    (x, 2)                                             RuntimeError
Tensor.expand    (x, 5, 3)                                          RuntimeError
Tensor.expand_as (x, v)                                             RuntimeError
broadcast_to     (x, (2,))                                          RuntimeError
broadcast_tensors (x, v)                                            RuntimeError
atleast_1d       (3)                                                TypeError
atleast_2d       (3)                                                TypeError
atleast_3d       (3)                                                TypeError
detach           (3)                                                TypeError
clone            (3)                                                TypeError
Tensor.squeeze_  (x.clone(), 7)                                     IndexError
Tensor.squeeze_  (g)                                                RuntimeError
Tensor.unsqueeze_ (x.clone(), 7)                                    IndexError
Tensor.transpose_ (leaf, 0, 7)                                      IndexError
Tensor.transpose_ (leaf, 0, 1)                                      RuntimeError
Tensor.swapaxes_ (leaf, 0, 1)                                       RuntimeError
Tensor.swapdims_ (leaf, 0, 1)                                       RuntimeError
Tensor.t_        (pb.ones(1, 1, 1))                                 RuntimeError
Generator.manual_seed (pb.Generator(), "a")                         RuntimeError
Generator.manual_seed (pb.Generator(), 2**64)                       ValueError
Generator.set_state (pb.Generator(), x)                             TypeError
Generator.set_state (pb.Generator(), pb.zeros(3, dtype=pb.uint8))   RuntimeError
rand             (-1)                                               RuntimeError
rand             (2, dtype=pb.int64)                                NotImplementedError
randn            (-1)                                               RuntimeError
randn            (2, dtype=pb.int64)                                NotImplementedError
randperm         (-1)                                               RuntimeError
rand_like        (i)                                                NotImplementedError
randn_like       (i)                                                NotImplementedError
randint_like     (x, 0)                                             RuntimeError
Tensor.uniform_  (v.clone(), 1, 0)                                  RuntimeError
Tensor.uniform_  (i.clone())                                        NotImplementedError
Tensor.uniform_  (g)                                                RuntimeError
Tensor.normal_   (v.clone(), 0, -1)                                 RuntimeError
Tensor.normal_   (i.clone())                                        NotImplementedError
Tensor.exponential_ (v.clone(), -1)                                 RuntimeError
Tensor.exponential_ (i.clone())                                     RuntimeError
Tensor.bernoulli_ (v.clone(), 2)                                    RuntimeError
Tensor.random_   (v.clone(), 5, 5)                                  RuntimeError
Tensor.random_   (g)                                                RuntimeError
where            (x, 1, 2)                                          RuntimeError
where            (b, x, x)                                          RuntimeError
Tensor.where     (x, x, 1)                                          RuntimeError
scatter_add      (x, 0, pb.tensor([[5]]), x)                        RuntimeError
scatter_reduce   (x, 0, pb.tensor([[5]]), x, "sum")                 RuntimeError
scatter_reduce   (x, 0, pb.tensor([[1]]), x, "bad")                 RuntimeError
take_along_dim   (x, pb.tensor([[9]]), 1)                           RuntimeError
take_along_dim   (x, pb.ones(1, 1), 1)                              RuntimeError
masked_fill      (x, x, 1)                                          RuntimeError
masked_fill      (x, x > 0, v)                                      RuntimeError
masked_select    (x, x)                                             RuntimeError
Tensor.put       (x, pb.tensor([99]), pb.ones(1))                   IndexError
Tensor.put       (x, pb.ones(1), pb.ones(1))                        RuntimeError
Tensor.put       (x, pb.tensor([0]), i[:1])                         RuntimeError
Tensor.index_add_ (g, 0, i, v[:2])                                  RuntimeError
Tensor.addmm_    (pb.ones(3, 3), x, x.t())                          RuntimeError
is_floating_point (3)                                               TypeError
is_complex       (3)                                                TypeError
is_nonzero       (x)                                                RuntimeError
equal            (x, 3)                                             TypeError
Tensor.as_subclass (x, int)                                         TypeError
Tensor.type      (x, "nothing")                                     ValueError
Tensor.backward  (x)                                                RuntimeError
Tensor.backward  (g)                                                RuntimeError
autograd.graph.increment_version (3)                                RuntimeError
autograd.graph.register_multi_grad_hook ([g], print, mode="x")      ValueError
autograd.graph.register_multi_grad_hook ([v], print)                AssertionError
autograd.forward_ad.exit_dual_level ()                              RuntimeError
autograd.gradcheck (lambda x: x.detach() * x, pb.ones(2, dtype=pb.float64, requires_grad=True))  GradcheckError
autograd.gradcheck (lambda x: x, x)                                 ValueError
autograd.gradcheck (lambda x: x, pb.ones(1, dtype=pb.float64).expand(3).requires_grad_()) RuntimeError
autograd.gradcheck (lambda x: x, leaf, check_backward_ad=False)     AssertionError
autograd.gradgradcheck (lambda x: x, x)                             ValueError
autograd.gradgradcheck (lambda x: x, leaf, check_rev_over_rev=False) AssertionError
autograd.functional.vjp (pb.sin, x, v)                              RuntimeError
autograd.functional.vjp (pb.sin, [x], v)                            TypeError
autograd.functional.jvp (pb.sin, x, v)                              RuntimeError
autograd.functional.vhp (pb.sin, x, x)                              RuntimeError
autograd.functional.hvp (pb.sin, x, x)                              RuntimeError
autograd.functional.jacobian (pb.sin, x, strict=True, vectorize=True) RuntimeError
autograd.functional.jacobian (pb.sin, x, strategy="forward-mode")   NotImplementedError
autograd.functional.jacobian (pb.sin, x, strategy="sideways")       AssertionError
autograd.functional.hessian (pb.sin, x)                             RuntimeError
autograd.functional.hessian (pb.sin, 3)                             TypeError
func.vjp         (pb.sin, i)                                        RuntimeError
func.vjp         (pb.sin, 3)                                        ValueError
func.jvp         (pb.sin, (x,), (v,))                               RuntimeError
func.jvp         (pb.sin, (i,), (i,))                               ValueError
func.linearize   (pb.sin, i)                                        RuntimeError
func.linearize   (pb.sin, 3)                                        ValueError
func.custom_root (pb.sin, i)                                        TypeError
func.custom_root (lambda x: x.sum(), v)                             RuntimeError
func.custom_root (lambda x: x - 1, v, solve=lambda f, x: 3 * x)     ConvergenceError
func.fixed_point (pb.sin, i)                                        TypeError
func.fixed_point (lambda x: x.sum(), v)                             RuntimeError
func.fixed_point (lambda x: x + 1, v)                               ConvergenceError
func.linear_solve (pb.sin, i)                                       TypeError
func.linear_solve (lambda x: 0 * x, v)                              LinAlgError
func.linear_solve (lambda x: x[0], v)                               RuntimeError
func.linear_solve (lambda x: 0 * x, v, solve="gmres")               ConvergenceError
func.solvers.lu  (lambda x: 0 * x, v)                               LinAlgError
func.solvers.lu  (lambda x: x, i)                                   TypeError
func.solvers.cg  (lambda x: 0 * x, v)                               ConvergenceError
func.solvers.cg  (lambda x: x, i)                                   TypeError
func.solvers.bicgstab (lambda x: 0 * x, v)                          ConvergenceError
func.solvers.bicgstab (lambda x: x, i)                              TypeError
func.solvers.gmres (lambda x: 0 * x, v)                             ConvergenceError
func.solvers.gmres (lambda x: x, i)                                 TypeError
func.roots.newton (lambda x: x * x + 1, 0.7 * v)                    ConvergenceError
func.roots.newton (lambda x: 0 * x + 1, v)                          LinAlgError
func.roots.iterate (lambda x: x + 1, v)                             ConvergenceError
func.roots.anderson (lambda x: x + 1, v)                            ConvergenceError
checkpoint_loop  (pb.sin, x, 1.5, memory=1)                         TypeError
checkpoint_loop  (pb.sin, x, 3, memory=0)                           ValueError
checkpoint_loop  (lambda x: None, x, 3, memory=1)                   RuntimeError
utils.schedules.advances (-1, 2)                                    ValueError
utils.schedules.repetitions (1, 0)                                  ValueError
utils.schedules.split (1, 2)                                        ValueError
utils.schedules.Online (0)                                          ValueError
func.jacrev      (pb.sin, chunk_size=0)                             ValueError
func.jacfwd      (pb.sin, randomness="some")                        RuntimeError
func.functional_call (pb.sin, 3)                                    ValueError
func.stack_module_state ([])                                        RuntimeError
func.tree.tree_unflatten ([1], 2)                                   TypeError
func.tree.tree_unflatten ([1], pb.func.tree.tree_structure([]))     ValueError
func.tree.tree_map (sum, [1], (1,))                                 ValueError
func.tree.register_pytree_node (list, list, list)                   ValueError
func.tree.register_dataclass (int)                                  ValueError
utils.data.TensorDataset (x, v)                                     AssertionError
utils.data.StackDataset ([1], [1, 2])                               ValueError
utils.data.ConcatDataset ([])                                       AssertionError
utils.data.random_split ([1, 2], [3])                               ValueError
utils.data.RandomSampler ([1], replacement=1)                       TypeError
utils.data.RandomSampler ([1], num_samples=0)                       ValueError
utils.data.WeightedRandomSampler ([1.0], 0)                         ValueError
utils.data.BatchSampler ([1], 0, True)                              ValueError
utils.data.DistributedSampler ([1])                                 RuntimeError
utils.data.DistributedSampler ([1], 2, 2)                           ValueError
utils.data.DataLoader ([1], num_workers=-1)                         ValueError
utils.data.DataLoader ([1], num_workers=1, multiprocessing_context=3) TypeError
utils.data.default_collate ([None])                                 TypeError
utils.data.default_collate ([[1], [1, 2]])                          RuntimeError
utils.checkpoint.detach_variable ([x])                              RuntimeError
utils.checkpoint.checkpoint (pb.sin, x, use_reentrant=True, scale=1) ValueError
utils.checkpoint.checkpoint_sequential ([pb.sin], 1, x, True, scale=1) ValueError
nn.functional.layer_norm (x, (5,))                                  RuntimeError
nn.functional.softmax (x, 7)                                        IndexError
nn.functional.softmax (i, 0)                                        NotImplementedError
nn.functional.tanh (3)                                              AttributeError
nn.functional.gelu (i)                                              NotImplementedError
nn.functional.gelu (x, "erf")                                       RuntimeError
nn.functional.gelu (3)                                              TypeError
promote_types    (3, 4)                                             TypeError
result_type      ("a", x)                                           TypeError
can_cast         (3, pb.int64)                                      TypeError
add              (1, 2)                                             TypeError
add              (i, i, alpha=0.5)                                  RuntimeError
add              (x, v)                                             RuntimeError
add              (x, 1, out=i)                                      RuntimeError
sub              (b, b)                                             RuntimeError
rsub             (b, b)                                             RuntimeError
div              (i, 0, rounding_mode="floor")                      RuntimeError
div              (i, 1, rounding_mode="up")                         RuntimeError
div              (b, b, rounding_mode="floor")                      NotImplementedError
true_divide      (2, 3)                                             TypeError
clamp            (x)                                                RuntimeError
clamp            (b, b, b)                                          NotImplementedError
clamp            (i.to(pb.uint8), 0, 300)                           RuntimeError
clamp            (3, 0, 1)                                          TypeError
round            (b)                                                NotImplementedError
round            (i, decimals=1)                                    NotImplementedError
round            (3)                                                TypeError
logit            (3)                                                TypeError
nan_to_num       (3)                                                TypeError
isclose          (x, i)                                             RuntimeError
isclose          (x, x, rtol=-1.0)                                  RuntimeError
isclose          (x, 3)                                             TypeError
polygamma        (-1, v)                                            RuntimeError
polygamma        (1, 3)                                             TypeError
Tensor.polygamma_ (i.clone(), 1)                                    RuntimeError
igamma           (1.0, x)                                           TypeError
igamma           (i, i)                                             NotImplementedError
igamma           (x, v)                                             RuntimeError
igammac          (x, 1.0)                                           TypeError
igammac          (i, i)                                             NotImplementedError
igammac          (x, v)                                             RuntimeError
special.zeta     (1, 2)                                             TypeError
special.zeta     (x, v)                                             RuntimeError
mvlgamma         (x, 0)                                             RuntimeError
Tensor.mvlgamma_ (x.clone(), 0)                                     RuntimeError
float_power      (2, 3)                                             TypeError
Tensor.float_power_ (x.clone(), 2)                                  RuntimeError
frexp            (i)                                                RuntimeError
ldexp            (x, 2)                                             TypeError
Tensor.ldexp_    (i.clone(), i)                                     RuntimeError
positive         (b)                                                RuntimeError
fill             (x, v)                                             RuntimeError
Tensor.cumsum_   (x.clone(), 5)                                     IndexError
Tensor.cumsum_   (leaf, 0)                                          RuntimeError
Tensor.cumprod_  (x.clone(), 5)                                     IndexError
Tensor.cumprod_  (leaf, 0)                                          RuntimeError
Tensor.apply_    (g, abs)                                           RuntimeError
Tensor.map_      (x.clone(), v, max)                                RuntimeError
Tensor.map2_     (x.clone(), v, v, max)                             RuntimeError
Tensor.fill_diagonal_ (v.clone(), 1)                                RuntimeError
Tensor.resize_   (g, 3)                                             RuntimeError
Tensor.resize_   (x.clone(), -1)                                    RuntimeError
Tensor.resize_as_ (g, x)                                            RuntimeError
Tensor.new_empty_strided (x, (2,), (1, 2))                          RuntimeError
Tensor.new       (x, 2.5)                                           TypeError
unravel_index    (x, 3)                                             TypeError
unravel_index    (i, (-1,))                                         ValueError
nonzero_static   (x, size=-1)                                       RuntimeError
histogram        (i, 3)                                             NotImplementedError
histogram        (x, 0)                                             RuntimeError
histogramdd      (x, [2])                                           RuntimeError
gradient         (x, edge_order=3)                                  RuntimeError
gradient         (x, dim=5)                                         IndexError
index_reduce     (x, 0, i, x, "sum")                                RuntimeError
index_reduce     (x, 0, i + 5, x, "prod")                           IndexError
LongTensor       (2.5)                                              TypeError
range            (3)                                                TypeError
range            (0, 3, 0)                                          RuntimeError
set_default_tensor_type (pb.LongTensor)                             TypeError
set_deterministic_debug_mode ("all")                                RuntimeError
"""
CASES = [(line.split()[0], line.split(None, 1)[1].rsplit(None, 1)) for line in CALLS.strip().splitlines()]


@pytest.mark.parametrize("name, case", CASES, ids=[f"{name}{case[0].strip()}" for name, case in CASES])
def test_what_is_documented_is_raised(name, case):
    arguments, error = case
    names = {
        "pb": pb,
        "GradcheckError": GradcheckError,
        "ConvergenceError": pb.func.ConvergenceError,
        "LinAlgError": pb.linalg.LinAlgError,
        "x": pb.ones(2, 3),
        "v": pb.ones(4),
        "i": pb.tensor([0, 1]),
        "b": pb.tensor([True, False]),
        "g": pb.ones(2, requires_grad=True),
        "leaf": pb.ones(2, 3, requires_grad=True),
    }
    function = eval(f"pb.{name}", names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(eval(error, names)) as raised:
            eval(f"function{arguments}", {**names, "function": function})
    assert raised.type.__name__ == error
    assert error in function.__doc__, f"{name}: its documentation does not speak of {error}"
