#include "ops/matrix/decomposition.h"

#include <cmath>
#include <cstring>
#include <string_view>

#include "array/error.h"
#include "ops/rule/apply.h"

namespace pb::ops {

namespace {

DecompositionKind kinds[] = {
    {"lu", pb::decompose::lu, 1, 0, true},
    {"lu_solve", pb::decompose::lu_solve, 3, 0b10, true},
    {"permutation", pb::decompose::permutation, 2, 0b10, true},
    {"solve", pb::decompose::solve, 4, 0b100, true},
    {"determinant", pb::decompose::determinant, 3, 0b100, true},
    {"log_determinant", pb::decompose::log_determinant, 3, 0b100},
    {"cholesky", pb::decompose::cholesky, 1, 0, true},
    {"ldl", pb::decompose::ldl, 1, 0, true},
    {"ldl_solve", pb::decompose::ldl_solve, 3, 0b10, true, true},
    {"triangular_solve", pb::decompose::triangular_solve, 2, 0, true},
    {"qr", pb::decompose::qr, 1, 0, true, true},
    {"geqrf", pb::decompose::geqrf, 1, 0, true},
    {"eigh", pb::decompose::eigh, 1, 0, true, true},
    {"svd", pb::decompose::svd, 1, 0, true, true},
    {"eigvalsh", pb::decompose::eigvalsh, 1, 0, true, true},
    {"svdvals", pb::decompose::svdvals, 1, 0, true, true},
    {"eig", pb::decompose::eig, 1, 0, true, true},
    {"eigvals", pb::decompose::eigvals, 1, 0, true, true},
    {"nearest", pb::decompose::lstsq, 2, 0, true},
    {"least_squares", pb::decompose::given, 3, 0, true, true},
    {"pseudo_inverse", pb::decompose::given, 2, 0, true, true},
    {"matrix_exp", pb::decompose::matrix_exp, 1, 0, true},
    {"distances", pb::decompose::distances, 2},
    {"slopes_along_points", pb::decompose::slopes_along_points, 3},
    {"slopes_across_points", pb::decompose::slopes_across_points, 3},
    {"gamma_slope", pb::decompose::gamma_slope, 2},
    {"beta_slope", pb::decompose::beta_slope, 3},
    {"gamma_cdf", pb::decompose::gamma_cdf, 2},
    {"beta_cdf", pb::decompose::beta_cdf, 3},
    {"gamma_of_shape", pb::decompose::given, 2},
    {"dirichlet_of_concentrations", pb::decompose::given, 2, 0b11},
};

struct Decomposition {
    static constexpr bool moves = true;
    const DecompositionKind* kind;
    Options options;
    static constexpr uint32_t saves = 0b1111, saves_outputs = 0b1111;
    static constexpr bool holomorphic = true;  // but for what `stated` conjugates itself
    size_t axes = 0;                           // of a vmap, in front of what is seen
    void lead(const MappedAxes& all) { axes = all.size(); }
    const char* node_name() const { return kind->node.c_str(); }
    uint32_t reads(uint32_t) const { return kind->reads; }
    uint32_t reads_outputs() const { return kind->reads_outputs; }
    Dims flags() const {  // the options that are whole numbers
        Dims found;
        for (double o : options) found.push_back(std::abs(o) < 1e15 ? static_cast<int64_t>(o) : 0);
        return found;
    }
    Tensors forward(const Tensors& x) {
        if (!kind->compute) return kind->derivative->forward(options, x);
        Arrays inputs;
        for (const Tensor& t : x) inputs.push_back(t.array());
        if (axes) align(inputs);
        Tensors results;
        for (Array& a : kind->compute(inputs, options)) results.push_back(Tensor::make(std::move(a)));
        return results;
    }
    // Ones between the axes and smaller batches, so that batches broadcast as they do without axes.
    void align(Arrays& inputs) const {
        size_t most = 0;
        auto inside = [&](size_t i) { return size_t{2} - (kind->vectors >> i & 1); };
        for (size_t i = 0; i < inputs.size(); ++i)
            most = std::max(most, static_cast<size_t>(inputs[i].ndim()) - inside(i));
        for (size_t i = 0; i < inputs.size(); ++i) {
            const size_t missing = most + inside(i) - static_cast<size_t>(inputs[i].ndim());
            if (!missing) continue;
            Dims shape = inputs[i].layout->dims(), strides = inputs[i].layout->stride_dims(), longer, steps;
            for (size_t d = 0; d < shape.size(); ++d) {
                for (size_t k = 0; d == axes && k < missing; ++k) {
                    longer.push_back(1);
                    steps.push_back(0);
                }
                longer.push_back(shape[d]);
                steps.push_back(strides[d]);
            }
            inputs[i] = inputs[i].view(Layout::strided(longer, steps), inputs[i].offset);
        }
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        kind->derivative->pullback(options, c, g, out);
    }
    Tensors pushforward(Context& c, const Tensors& t) { return kind->derivative->pushforward(options, c, t); }
};

// What states the adjoint, of complex numbers, too.
struct StatesAdjoint : Decomposition {
    static constexpr bool adjoint = true;
};

// What LAPACK's number means, by the last part of the operation's name.
std::string failure_text(std::string_view operation, int64_t info) {
    const std::string number = std::to_string(info);
    auto is = [&](std::initializer_list<const char*> names) {
        for (const char* name : names)
            if (operation.find(name) != std::string_view::npos) return true;
        return false;
    };
    if (info < 0 && is({"svd"}))
        return "The algorithm failed to converge because the input matrix contained non-finite values.";
    if (info < 0) return "Argument " + std::to_string(-info) + " has illegal value.";
    if (is({"inv"}))
        return "The diagonal element " + number +
               " is zero, the inversion could not be completed because the input matrix is singular.";
    if (is({"solve"})) return "The solver failed because the input matrix is singular.";
    if (is({"cholesky"}))
        return "The factorization could not be completed because the input is not positive-definite (the "
               "leading minor of "
               "order " +
               number + " is not positive-definite).";
    if (is({"svd"}))
        return "The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
               "repeated "
               "singular values (error code: " +
               number + ").";
    if (is({"eig"}))
        return "The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
               "repeated "
               "eigenvalues (error code: " +
               number + ").";
    if (is({"lstsq"}))
        return "The least squares solution could not be computed because the input matrix does not have full "
               "rank (error "
               "code: " +
               number + ").";
    if (is({"ldl"}))
        return "D[" + number + "," + number + "] is zero: nothing can be solved with these factors.";
    return "U[" + number + "," + number +
           "] is zero and using it on lu_solve would result in a division by zero. If you "
           "still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
           "linalg.lu_factor_ex(A, "
           "pivot)";
}

Array of_all_entries(const Tensor& t) {
    return t.is_mapped() ? reveal_value(t, t.layout().axes()) : t.array();
}

}  // namespace

DecompositionKind& decomposition_kind(const char* name) {
    for (DecompositionKind& kind : kinds)
        if (!std::strcmp(kind.name, name)) return kind;
    fail_as(ErrorKind::Value, "the core has no decomposition named '{}'", name);
}

Tensors decompose(const DecompositionKind& kind, const Tensors& inputs, const Options& options) {
    if (!kind.complex && any_complex(inputs)) fail_complex(kind.name, inputs);
    if (kind.adjoint) return apply_all(StatesAdjoint{{&kind, options, 0}}, inputs);
    return apply_all(Decomposition{&kind, options, 0}, inputs);
}

void check_decomposition(const Tensor& info, const char* operation) {
    const Array all = of_all_entries(info);
    const auto [entry, failed] = pb::decompose::first_failure(all);
    if (entry < 0) return;
    const std::string batch = all.ndim() ? "(Batch element " + std::to_string(entry) + "): " : "";
    const bool plain =
        std::strstr(operation, "lu_factor") || std::strstr(operation, "ldl_factor");  // PyTorch's choice
    fail_as(plain ? ErrorKind::Runtime : ErrorKind::LinAlg, "{}: {}{}", operation, batch,
            failure_text(operation, failed));
}

bool holds_anywhere(const Tensor& mask) { return pb::decompose::holds_anywhere(of_all_entries(mask)); }

int64_t small_pivots(const Tensor& factors, double threshold) {
    return pb::decompose::small_pivots(of_all_entries(factors), threshold);
}

}  // namespace pb::ops
