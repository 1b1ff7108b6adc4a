// Loading OpenBLAS, and the doors to the few functions of it that the core calls itself.
#include "library/blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "array/error.h"
#include "library/forks.h"

namespace pb::blas {

namespace {

// CBLAS's enumerations.
constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;

template <class T> struct Functions {
    void (*gemm)(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);
    void (*gemv)(int, int, int, int, T, const T*, int, const T*, int, T, T*, int);
    T (*dot)(int, const T*, int, const T*, int);
};
// Of complex numbers: what is passed as a number above is passed by its address, and the product of vectors (neither is
// conjugated) is written.
struct ComplexFunctions {
    void (*gemm)(int, int, int, int, int, int, const void*, const void*, int, const void*, int, const void*,
                 void*, int);
    void (*gemv)(int, int, int, int, const void*, const void*, int, const void*, int, const void*, void*,
                 int);
    void (*dot)(int, const void*, int, const void*, int, void*);
};
template <class T> struct Functions<Complex<T>> : ComplexFunctions {};
Functions<float> single_;
Functions<double> double_;
Functions<Complex<float>> complex_single_;
Functions<Complex<double>> complex_double_;
void* handle = nullptr;
bool unpacked = false;  // see takes_factors_as_they_lie

template <class T> Functions<T>& functions();
template <> inline Functions<float>& functions<float>() {
    if (!handle) load();
    return single_;
}
template <> inline Functions<double>& functions<double>() {
    if (!handle) load();
    return double_;
}

template <> inline Functions<Complex<float>>& functions<Complex<float>>() {
    if (!handle) load();
    return complex_single_;
}
template <> inline Functions<Complex<double>>& functions<Complex<double>>() {
    if (!handle) load();
    return complex_double_;
}

// A variable of the environment for as long as the library reads it: it does so once, while it is being loaded,
// and other copies of OpenBLAS in this process, loaded later, are to find what the user wrote. Whatever the user
// has set stays.
class Environment {
  public:
    Environment(const char* name, const char* value) : name_(std::getenv(name) ? nullptr : name) {
        if (name_) setenv(name_, value, 1);
    }
    Environment(const Environment&) = delete;
    ~Environment() {
        if (name_) unsetenv(name_);
    }

  private:
    const char* name_;
};

bool has_avx512() {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

void* find(const char* name) {
    // SciPy's build prefixes every symbol, so that it can live beside others; distributions' builds do not.
    if (void* f = dlsym(handle, (std::string("scipy_") + name).c_str())) return f;
    return dlsym(handle, name);
}

template <class F> void look_up(F& function, const char* name) {
    function = reinterpret_cast<F>(find(name));
    if (function) return;
    dlclose(std::exchange(handle, nullptr));
    fail(
        "the BLAS library has no function '{}'. Reinstall it with `pip install --force-reinstall "
        "scipy-openblas32`.",
        name);
}

}  // namespace

std::string (*library_path)() = [] { return std::string(); };

bool is_loaded() { return handle != nullptr; }
bool takes_factors_as_they_lie() { return unpacked; }

void load() {
    if (handle) return;
    std::string file = library_path();
    {
        // A processor newer than the library is taken for an old one without AVX-512 and would run at half its
        // speed; and a thread pool that nobody uses would not survive a fork.
        Environment threads("OPENBLAS_NUM_THREADS", "1");
        if (has_avx512()) {
            Environment core("OPENBLAS_CORETYPE", "SKYLAKEX");
            handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        } else {
            handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        }
    }
    if (!handle) {
        const char* why = dlerror();
        fail_as(ErrorKind::Import,
                "could not load the BLAS library {}: {}. Reinstall it with `pip install --force-reinstall "
                "scipy-openblas32`.",
                file, why ? why : "unknown reason");
    }
    look_up(single_.gemm, "cblas_sgemm");
    look_up(single_.gemv, "cblas_sgemv");
    look_up(single_.dot, "cblas_sdot");
    look_up(double_.gemm, "cblas_dgemm");
    look_up(double_.gemv, "cblas_dgemv");
    look_up(double_.dot, "cblas_ddot");
    look_up(complex_single_.gemm, "cblas_cgemm");
    look_up(complex_single_.gemv, "cblas_cgemv");
    look_up(complex_single_.dot, "cblas_cdotu_sub");
    look_up(complex_double_.gemm, "cblas_zgemm");
    look_up(complex_double_.gemv, "cblas_zgemv");
    look_up(complex_double_.dot, "cblas_zdotu_sub");
    if (auto core = reinterpret_cast<char* (*)()>(find("openblas_get_corename")))
        for (const char* name : {"SkylakeX", "Cooperlake", "SapphireRapids"})
            unpacked = unpacked || !std::strcmp(core(), name);
    wait_for_calls();
    // Also where the environment asks for more: threads are ours to hand out.
    if (auto set_threads = reinterpret_cast<void (*)(int)>(find("openblas_set_num_threads"))) set_threads(1);
}

void* symbol(const char* name) {
    load();
    void* f = find(name);
    if (!f) fail("the BLAS library has no function '{}'", name);
    return f;
}

const char* description() {
    load();
    auto config = reinterpret_cast<char* (*)()>(find("openblas_get_config"));
    return config ? config() : "a BLAS that does not say what it is";
}

// A number as the library takes it.
static float given(const float& number) { return number; }
static double given(const double& number) { return number; }
template <class T> static const void* given(const Complex<T>& number) { return &number; }

template <class T>
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
    Call call;
    functions<T>().gemm(kRowMajor, transpose_a ? kTransposed : kPlain, transpose_b ? kTransposed : kPlain,
                        static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), given(alpha), a,
                        static_cast<int>(lda), b, static_cast<int>(ldb), given(beta), c,
                        static_cast<int>(ldc));
}

template <class T>
void gemv(bool transpose, int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx,
          T beta, T* y, int64_t incy) {
    Call call;
    functions<T>().gemv(kRowMajor, transpose ? kTransposed : kPlain, static_cast<int>(m), static_cast<int>(n),
                        given(alpha), a, static_cast<int>(lda), x, static_cast<int>(incx), given(beta), y,
                        static_cast<int>(incy));
}

template <class T> T dot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) {
    Call call;
    const auto count = static_cast<int>(n), step_x = static_cast<int>(incx), step_y = static_cast<int>(incy);
    if constexpr (is_complex_v<T>) {
        T sum;
        functions<T>().dot(count, x, step_x, y, step_y, &sum);
        return sum;
    } else {
        return functions<T>().dot(count, x, step_x, y, step_y);
    }
}

#define INSTANCES(T)                                                                                         \
    template void gemm<T>(bool, bool, int64_t, int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, \
                          T*, int64_t);                                                                      \
    template void gemv<T>(bool, int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, T*, int64_t);  \
    template T dot<T>(int64_t, const T*, int64_t, const T*, int64_t);
INSTANCES(float)
INSTANCES(double)
INSTANCES(Complex<float>)
INSTANCES(Complex<double>)
#undef INSTANCES

}  // namespace pb::blas
