// What PyTorch calls the kernels that refuse a dtype, where a function here has another name than its kernel there; and
// what it says of complex numbers where that is a sentence of its own. Nobody reads this but who has raised.
#include <cstring>
#include <iterator>

#include "array/error.h"
#include "array/visit.h"

namespace pb {

namespace {

// The kernel is called as the function is, with a _cpu.
constexpr const char* kPlain[] = {"airy_ai",
                                  "aminmax",
                                  "atan2",
                                  "bessel_j0",
                                  "bessel_j1",
                                  "bessel_y0",
                                  "bessel_y1",
                                  "chebyshev_polynomial_t",
                                  "chebyshev_polynomial_u",
                                  "chebyshev_polynomial_v",
                                  "chebyshev_polynomial_w",
                                  "copysign",
                                  "cummax",
                                  "cummin",
                                  "div_floor",
                                  "elu",
                                  "entr",
                                  "erfcx",
                                  "fmod",
                                  "frac",
                                  "hardshrink",
                                  "hardsigmoid",
                                  "hardswish",
                                  "hermite_polynomial_h",
                                  "hermite_polynomial_he",
                                  "hypot",
                                  "i0e",
                                  "i1",
                                  "i1e",
                                  "igamma",
                                  "igammac",
                                  "kthvalue",
                                  "laguerre_polynomial_l",
                                  "leaky_relu",
                                  "legendre_polynomial_p",
                                  "log_ndtr",
                                  "logaddexp",
                                  "logaddexp2",
                                  "logit",
                                  "mish",
                                  "mode",
                                  "modified_bessel_k0",
                                  "modified_bessel_k1",
                                  "ndtri",
                                  "nextafter",
                                  "poisson",
                                  "remainder",
                                  "scaled_modified_bessel_k0",
                                  "scaled_modified_bessel_k1",
                                  "shifted_chebyshev_polynomial_t",
                                  "shifted_chebyshev_polynomial_u",
                                  "shifted_chebyshev_polynomial_v",
                                  "shifted_chebyshev_polynomial_w",
                                  "softplus",
                                  "spherical_bessel_j0",
                                  "threshold",
                                  "xlog1py",
                                  "xlogy",
                                  "zeta"};

struct Word {
    const char *ours, *theirs;
};
constexpr Word kWords[] = {{"MaxBackward1", "max_all"},
                           {"MinBackward1", "min_all"},
                           {"MedianBackward0", "median_cpu"},
                           {"MedianBackward1", "median_out"},
                           {"NanmedianBackward0", "median_cpu"},
                           {"NanmedianBackward1", "median_out"},
                           {"amax", "max_values_cpu"},
                           {"amin", "min_values_cpu"},
                           {"bernoulli", "bernoulli_tensor_cpu_self_"},
                           {"binary_cross_entropy_with_logits", "log_sigmoid_cpu"},
                           {"celu", "elu_cpu"},
                           {"erf", "erf_vml_cpu"},
                           {"erfc", "erfc_vml_cpu"},
                           {"erfinv", "erfinv_vml_cpu"},
                           {"floor_divide", "div_floor_cpu"},
                           {"gelu", "GeluKernelImpl"},
                           {"gelu_tanh", "GeluKernelImpl"},
                           {"histogramdd", "histogram_cpu"},
                           {"huber_loss", "huber_cpu"},
                           {"i0", "i0_vml_cpu"},
                           {"lgamma", "lgamma_vml_cpu"},
                           {"logit_clamped", "logit_cpu"},
                           {"logsigmoid", "log_sigmoid_cpu"},
                           {"ndtr", "erf_vml_cpu"},
                           {"random_", "random_kernel_cpu"},
                           {"round", "round_vml_cpu"},
                           {"round_decimals", "round_cpu"},
                           {"searchsorted", "searchsorted_out_cpu"},
                           {"selu", "elu_cpu"},
                           {"smooth_l1_loss", "smooth_l1_cpu"},
                           {"softshrink", "softshrink_check"},
                           {"trunc_divide", "div_trunc_cpu"},
                           {"unique2", "unique"},
                           {"uniquedim", "unique_dim"},
                           {"uniquedimconsecutive", "unique_dim"}};

struct Sentence {
    const char* ours;
    ErrorKind kind;
    const char* text;
};
constexpr auto kLacking = ErrorKind::NotImplemented, kRefused = ErrorKind::Runtime;
constexpr const char* kClamp = "clamp is not supported for complex types";
constexpr Sentence kOfComplex[] = {
    {"MaxBackward0", kRefused, "max(): does not support complex input"},
    {"MinBackward0", kRefused, "min(): does not support complex input"},
    {"SortBackward0", kRefused, " Sort does not support complex dtypes on CPU"},
    {"TopkBackward0", kRefused, " topk does not support complex dtypes on CPU"},
    {"argmax_cpu", kRefused, "argmax(): does not support complex input"},
    {"argmin_cpu", kRefused, "argmin(): does not support complex input"},
    {"ceil", kLacking, "ceil is not supported for complex inputs"},
    {"clamp", kLacking, kClamp},
    {"clamp_high", kLacking, kClamp},
    {"clamp_low", kLacking, kClamp},
    {"clamp_max", kLacking, kClamp},
    {"clamp_min", kLacking, kClamp},
    {"deg2rad", kRefused, "deg2rad is not supported for complex tensors"},
    {"floor", kLacking, "floor is not supported for complex inputs"},
    {"fmax", kRefused, "fmax not implemented for complex tensors"},
    {"fmin", kRefused, "fmin not implemented for complex tensors"},
    {"hardtanh", kLacking, kClamp},
    {"heaviside", kRefused, "heaviside is not yet implemented for complex tensors"},
    {"isneginf", kRefused, "isneginf does not support complex inputs"},
    {"isposinf", kRefused, "isposinf does not support complex inputs"},
    {"maximum", kRefused, "maximum not implemented for complex tensors"},
    {"minimum", kRefused, "minimum not implemented for complex tensors"},
    {"nansum", kRefused, "nansum on CPU does not support complex inputs"},
    {"rad2deg", kRefused, "rad2deg is not supported for complex tensors"},
    {"relu", kLacking, kClamp},
    {"relu6", kLacking, kClamp},
    {"sign", kLacking, "Unlike NumPy, torch.sign is not intended to support complex numbers"},
    {"signbit", kLacking, "signbit is not implemented for complex tensors"},
    {"trunc", kLacking, "trunc is not supported for complex inputs"},
};

const char* cure_of(DType d) {
    return !is_supported(d) ? "Kernels exist for "
           : is_complex(d)  ? "It takes real numbers only: x.real, x.imag, x.abs() and x.angle() are"
                            : "Convert it first: x.to(...), x.double(), x.long()";
}

template <class Table> const auto* entry_of(const Table& table, const char* name) {
    for (const auto& each : table)
        if (!std::strcmp(each.ours, name)) return &each;
    return static_cast<decltype(&table[0])>(nullptr);
}

}  // namespace

bool refuses_complex_at_once(const char* name, bool named) {
    const Sentence* known = entry_of(kOfComplex, name);
    return known && (known->kind == kRefused || named);
}
bool is_refusal(const char* name) { return entry_of(kWords, name) || entry_of(kOfComplex, name); }

void fail_unsupported(const char* name, DType d) {
    if (is_complex(d) && is_supported(d))
        if (const Sentence* known = entry_of(kOfComplex, name))
            fail_as(known->kind, "{}. {}.", known->text, cure_of(d));
    const Word* known = entry_of(kWords, name);
    bool plain = false;
    for (const char* each : kPlain) plain = plain || !std::strcmp(each, name);
    fail_as(ErrorKind::NotImplemented, "\"{}{}\" not implemented for '{}'. {}{}.",
            known ? known->theirs : name, plain ? "_cpu" : "", dtype_legacy_name(d), cure_of(d),
            is_supported(d) ? "" : supported_dtypes());
}

}  // namespace pb
