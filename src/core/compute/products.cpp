// Products of matrices as arrays.
//
// A matrix whose rows or whose columns are contiguous goes to BLAS where it lies, as itself or as a transpose;
// anything else (both strides large, zero or negative) is copied first. Matrices and vectors of float32 and float64 are
// multiplied by kernels of our own (kernels/products.h) where the processor has what they are made of, and need no library;
// complex numbers, and floats elsewhere, go to BLAS, or through a loop where there is next to nothing to do; integers through
// a plain loop, which wraps around as integers do. An empty inner dimension gives zeros.
//
// BLAS's own rules hold for what is not finite: a product sums all its terms, so 0 * inf is nan here, where an
// elementwise derivative would leave a zero gradient zero.
#include "compute/products.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "array/checked.h"
#include "array/error.h"
#include "array/visit.h"
#include "compute/batches.h"
#include "compute/wrapping.h"
#include "kernels/products.h"
#include "library/blas.h"
#include "library/forks.h"
#include "program/interrupt.h"
#include "program/profile.h"
#include "program/program.h"
#include "program/threads.h"
#include "program/unlocked.h"
#include "program/work_log.h"

namespace pb {

void* product_room() {
    struct Free {
        void operator()(void* room) const { ::operator delete(room, std::align_val_t(kProductBorder)); }
    };
    thread_local std::unique_ptr<void, Free> room(
        ::operator new(kProductRoom, std::align_val_t(kProductBorder)));
    return room.get();
}

namespace {

// What BLAS multiplies.
template <class T> constexpr bool is_field = std::is_floating_point_v<T> || is_complex_v<T>;

// Flops from which the interpreter lock is worth releasing.
constexpr double kLongWork = 2e6;
constexpr int64_t kPlainSize = 100;  // of matrices whose product is no long work
// Nanoseconds from which threads may share a product: about 4 million flops.
constexpr double kSplitWork = 40e3;

// The matrices of an array, as BLAS wants them: rows `ld` elements apart, transposed or not.
struct Factor {
    Array array;
    int64_t rows, cols;  // of op(matrix)
    int64_t ld = 1;
    bool transposed = false;

    struct Column {};  // a vector, its elements `step` apart
    Factor(Column, const Array& x, int64_t step) : array(x), rows(x.size(0)), cols(1), ld(step) {}
    Factor(const Array& a, bool transpose) : array(a) {
        int64_t n = a.ndim(), r = a.size(n - 2), c = a.size(n - 1), rs = a.stride(n - 2),
                cs = a.stride(n - 1);
        bool by_rows = (cs == 1 || c <= 1) && (rs >= c || r <= 1) && (rs >= 1 || r <= 1);
        bool by_cols = (rs == 1 || r <= 1) && (cs >= r || c <= 1) && (cs >= 1 || c <= 1);
        rows = transpose ? c : r;
        cols = transpose ? r : c;
        if (by_rows) {
            transposed = transpose;
            ld = r <= 1 ? std::max<int64_t>(c, 1) : rs;
        } else if (by_cols) {
            transposed = !transpose;
            ld = c <= 1 ? std::max<int64_t>(r, 1) : cs;
        }
        if ((!by_rows && !by_cols) || !blas::fits(ld)) {
            array = contiguous_array(a);
            transposed = transpose;
            ld = std::max<int64_t>(c, 1);
        }
        if (!blas::fits(r) || !blas::fits(c) || !blas::fits(ld))
            fail(
                "a matrix of shape {} is too large for BLAS, which counts rows and columns with 32 bits. "
                "Split it.",
                shape_text(*a.layout));
    }
};

// Multiplications up to which the call of BLAS would take longer than the product itself.
constexpr int64_t kTiny = 64;

// N columns of c, summed in registers; steps between rows and columns of the factors.
template <int N, class T>
inline void tiny_columns(int64_t m, int64_t k, const T* a, int64_t ai, int64_t ak, const T* b, int64_t bk,
                         int64_t bj, T* c, int64_t ldc) {
    for (int64_t i = 0; i < m; ++i) {
        T sum[N] = {};
        for (int64_t l = 0; l < k; ++l) {
            T s = a[i * ai + l * ak];
            for (int j = 0; j < N; ++j) sum[j] += s * b[l * bk + j * bj];
        }
        for (int j = 0; j < N; ++j) c[i * ldc + j] = sum[j];
    }
}

template <class T>
void tiny(int64_t m, int64_t n, int64_t k, const T* a, int64_t ai, int64_t ak, const T* b, int64_t bk,
          int64_t bj, T* c, int64_t ldc) {
    int64_t j = 0;
    for (; j + 4 <= n; j += 4)  // with a step that is known to be 1 the columns are one vector
        bj == 1 ? tiny_columns<4>(m, k, a, ai, ak, b + j, bk, 1, c + j, ldc)
                : tiny_columns<4>(m, k, a, ai, ak, b + j * bj, bk, bj, c + j, ldc);
    for (; j < n; ++j) tiny_columns<1>(m, k, a, ai, ak, b + j * bj, bk, bj, c + j, ldc);
}

// Long and thin products, two of whose sides are short: batches of points times a small matrix, and the gradient of
// that matrix. OpenBLAS packs both factors, which here costs a third of the time, but up to a million multiplications it
// has kernels that take factors as they lie: such products are cut into tiles of so many. The kernel for a transposed
// second factor is half as fast, so that is turned first if it is the small one. False: not done, no such product.
constexpr int64_t kUnpacked = 1000000, kThin = 64 * 64;

template <class T>
bool thin(bool ta, bool tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b,
          int64_t ldb, T beta, T* c, int64_t ldc) {
    T turned[kThin];
    if (tb && !ta && n * k <= kThin && m >= 64 && m >= n && m >= k && n > 1 && k > 1) {
        for (int64_t l = 0; l < k; ++l)
            for (int64_t j = 0; j < n; ++j) turned[l * n + j] = b[j * ldb + l];
        tb = false;
        b = turned;
        ldb = n;
    } else if (tb || m * n * k <= kUnpacked) {
        return false;
    }
    auto tile = [](int64_t face) { return std::max<int64_t>(kUnpacked / face & ~int64_t(15), 16); };
    if (n * k <= kThin) {
        int64_t rows = tile(n * k);
        for (int64_t i = 0; i < m; i += rows)
            blas::gemm<T>(ta, tb, std::min(rows, m - i), n, k, alpha, a + i * (ta ? 1 : lda), lda, b, ldb,
                          beta, c + i * ldc, ldc);
    } else if (m * k <= kThin) {
        int64_t columns = tile(m * k);
        for (int64_t j = 0; j < n; j += columns)
            blas::gemm<T>(ta, tb, m, std::min(columns, n - j), k, alpha, a, lda, b + j, ldb, beta, c + j,
                          ldc);
    } else if (m * n <= kThin && ta) {
        int64_t depth = tile(m * n);
        for (int64_t l = 0; l < k; l += depth)
            blas::gemm<T>(ta, tb, m, n, std::min(depth, k - l), alpha, a + l * lda, lda, b + l * ldb, ldb,
                          l ? T(1) : beta, c, ldc);
    } else {
        return false;
    }
    return true;
}

// Whether products are left to BLAS: those of dtypes that our kernels do not have.
template <class T> bool is_of_library() { return is_field<T> && !product_kernels().multiply[code_of<T>]; }
template <class T>
bool by_tiles(bool ta, bool tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b,
              int64_t ldb, T beta, T* c, int64_t ldc) {
    if constexpr (std::is_floating_point_v<T>) {
        if (is_of_library<T>()) return false;
        product_kernels().multiply[code_of<T>]({m, n, k, a, ta ? 1 : lda, ta ? lda : 1, b, tb ? 1 : ldb,
                                                tb ? ldb : 1, c, ldc, alpha, beta, product_room()});
        return true;
    } else {
        return false;
    }
}
template <class T> bool is_tiny(int64_t m, int64_t n, int64_t k, T alpha, T beta) {
    return m <= kTiny && n <= kTiny && k <= kTiny && m * n * k <= kTiny && alpha == T(1) && beta == T(0);
}

template <class T>
void matrices(bool ta, bool tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b,
              int64_t ldb, T beta, T* c, int64_t ldc) {
    if (is_tiny(m, n, k, alpha, beta))
        return tiny(m, n, k, a, ta ? 1 : lda, ta ? lda : 1, b, tb ? 1 : ldb, tb ? ldb : 1, c, ldc);
    if (by_tiles<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)) return;
    if (m == 1 || n == 1) {
        const int64_t step = n == 1 ? ldc : 1;
        // A beta of 0 means that c holds anything, nan included; some kernels multiply it all the same.
        if (beta == T(0))
            for (int64_t i = 0; i < m * n; ++i) c[i * step] = T(0);
        if (n == 1) blas::gemv<T>(ta, ta ? k : m, ta ? m : k, alpha, a, lda, b, tb ? 1 : ldb, beta, c, step);
        else blas::gemv<T>(!tb, tb ? n : k, tb ? k : n, alpha, b, ldb, a, ta ? lda : 1, beta, c, step);
        return;
    }
    if (!blas::takes_factors_as_they_lie() || !thin<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc))
        blas::gemm<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// For what is of the library and not tiny.
template <class T> void load_library(int64_t m, int64_t n, int64_t k, T alpha, T beta) {
    if constexpr (is_field<T>)
        if (is_of_library<T>() && !is_tiny(m, n, k, alpha, beta)) blas::load();
}

// The same of any numbers.
template <class T>
void numbers(bool ta, bool tb, int64_t m, int64_t n, int64_t k, T alpha, const T* pa, int64_t lda,
             const T* pb, int64_t ldb, T beta, T* c, int64_t ldc) {
    if constexpr (is_field<T>) {
        matrices<T>(ta, tb, m, n, k, alpha, pa, lda, pb, ldb, beta, c, ldc);
    } else {
        int64_t ai = ta ? 1 : lda, ak = ta ? lda : 1;
        int64_t bk = tb ? 1 : ldb, bj = tb ? ldb : 1;
        using U = std::common_type_t<std::make_unsigned_t<T>, unsigned>;  // wraps around, as PyTorch's do
        for (int64_t i = 0; i < m; ++i) {
            T* row = c + i * ldc;
            for (int64_t j = 0; j < n; ++j) row[j] = beta == 0 ? T(0) : static_cast<T>(U(beta) * U(row[j]));
            for (int64_t l = 0; l < k; ++l) {
                U s = static_cast<U>(U(alpha) * U(pa[i * ai + l * ak]));
                const T* r = pb + l * bk;
                if (bj == 1)
                    for (int64_t j = 0; j < n; ++j) row[j] = static_cast<T>(U(row[j]) + U(s * U(r[j])));
                else
                    for (int64_t j = 0; j < n; ++j) row[j] = static_cast<T>(U(row[j]) + U(s * U(r[j * bj])));
            }
        }
    }
}

// A part of a product, rows of op(a) times columns of op(b).
template <class T>
void multiply_part(const Factor& a, const Factor& b, int64_t m, int64_t n, const T* pa, const T* pb, T alpha,
                   T beta, T* c, int64_t ldc) {
    numbers<T>(a.transposed, b.transposed, m, n, a.cols, alpha, pa, a.ld, pb, b.ld, beta, c, ldc);
}

// Nanoseconds of one thread: a product of matrices computes, that with a vector waits for memory.
template <class T> double work_of(int64_t m, int64_t n, int64_t k) {
    double terms = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    if (!is_field<T>) return terms * 0.5;
    return terms * sizeof(T) * (m == 1 || n == 1 ? 0.025 : 0.005);
}

// Long products are cut into rows of c, or into columns where those are many more, whether or not there are threads to
// share the parts: where BLAS begins decides how it rounds. Narrower parts than these would repack the other factor too often; parts are as equal
// as whole steps of BLAS's kernels allow, and an even number of them, so that two threads end together.
constexpr int64_t kNarrowest = 128, kStep = 16, kMostParts = 32;
// A part is also what a signal waits for.
int64_t most_parts(double work) {
    return std::max(kMostParts, static_cast<int64_t>(3 * work / kPatience) & ~int64_t(1));
}

template <class T>
void multiply(const Factor& a, const Factor& b, const T* pa, const T* pb, T alpha, T beta, T* c,
              const Interruptible& scope) {
    int64_t m = a.rows, n = b.cols, k = a.cols, parts = 1;
    bool by_rows = m >= n || (2 * m >= n && m >= 2 * kNarrowest);
    int64_t side = by_rows ? m : n;
    double work = work_of<T>(m, n, k);
    if (work >= kSplitWork) parts = std::min<int64_t>(side / kNarrowest & ~int64_t(1), most_parts(work));
    if (parts < 2) return multiply_part<T>(a, b, m, n, pa, pb, alpha, beta, c, n);
    int64_t steps = (side + kStep - 1) / kStep;
    parallel(parts, work, [&](int64_t i, int) {
        if (scope.interrupted()) return;
        int64_t from = i * steps / parts * kStep,
                size = std::min((i + 1) * steps / parts * kStep, side) - from;
        if (by_rows)
            multiply_part<T>(a, b, size, n, pa + from * (a.transposed ? 1 : a.ld), pb, alpha, beta,
                             c + from * n, n);
        else
            multiply_part<T>(a, b, m, size, pa, pb + from * (b.transposed ? b.ld : 1), alpha, beta, c + from,
                             n);
    });
}

template <class T> void scale(T* c, int64_t n, T beta) {
    if (beta == 0) std::memset(c, 0, static_cast<size_t>(n) * sizeof(T));
    else if (beta != 1)
        for (int64_t i = 0; i < n; ++i) c[i] = wrapping_product(beta, c[i]);
}

template <class T>
void batches(const Array& c, const Factor& a, const Factor& b, const Batch& batch, T alpha, T beta,
             int64_t summed) {
    int64_t m = a.rows, n = b.cols, k = a.cols, matrix = m * n;
    T* pc = c.as<T>();
    if (c.numel() == 0) return;
    const T *pa = a.array.as<T>(), *pb = b.array.as<T>();
    // So many products that follow each other are summed.
    int64_t terms = 1;
    for (int64_t d = 0; d < summed; ++d) terms *= batch.shape.end()[-1 - d];
    const int64_t count = batch.count;
    if (k == 0 || count == 0) return scale(pc, c.numel(), beta);
    load_library(m, n, k, alpha, beta);  // before the lock is released
    double work = work_of<T>(m, n, k), all = work * static_cast<double>(count);
    int64_t group = std::max<int64_t>(1, static_cast<int64_t>(kSplitWork / (work + 1) / 4));
    auto attempt = [&] {
        // What is added to something cannot begin anew.
        Interruptible scope(beta == 0 ? all : 0);
        const bool yes =
            2.0 * static_cast<double>(matrix) * static_cast<double>(k) * static_cast<double>(count) >
            kLongWork;
        blas::Beside forks(yes);
        Unlocked free(yes);
        auto one = [&](int64_t i) {
            if (scope.interrupted()) return;
            multiply<T>(a, b, pa + batch.offset(0, i), pb + batch.offset(1, i), alpha,
                        i % terms ? T(1) : beta, pc + i / terms * matrix, scope);
        };
        if (terms > 1 || count <= group)
            for (int64_t i = 0; i < count; ++i) one(i);
        else
            parallel((count + group - 1) / group, all, [&](int64_t chunk, int) {
                for (int64_t i = chunk * group; i < std::min(count, (chunk + 1) * group); ++i) one(i);
            });
        if (scope.interrupted()) throw Interrupted();
    };
    with_interrupts(attempt);
}

// A vector with a positive stride that BLAS can count with.
Array walkable(const Array& x) {
    if (x.size(0) <= 1 || (x.stride(0) >= 1 && blas::fits(x.stride(0)))) return x;
    return contiguous_array(x);
}
int64_t step(const Array& x) { return x.size(0) <= 1 ? 1 : x.stride(0); }

template <class T>
void times_vector(const Array& y, const Factor& a, const Array& x, Scalar alpha, Scalar beta) {
    if (a.rows == 0) return;
    if (a.cols == 0) return scale(y.as<T>(), a.rows, beta.to<T>());
    load_library(a.rows, int64_t(1), a.cols, alpha.to<T>(), beta.to<T>());
    Factor column(Factor::Column{}, x, step(x));
    Interruptible none(0);  // memory is read once
    multiply<T>(a, column, a.array.as<T>(), x.as<T>(), alpha.to<T>(), beta.to<T>(), y.as<T>(), none);
}

template <class T> T dot_of(const T* x, int64_t step_x, const T* y, int64_t step_y, int64_t n) {
    T s(0);
    if constexpr (is_field<T>) {
        if (is_of_library<T>() && n > kTiny) {
            // In parts that an int can count.
            for (int64_t at = 0; at < n; at += int64_t(1) << 30) {
                int64_t part = std::min(n - at, int64_t(1) << 30);
                s += blas::dot<T>(part, x + at * step_x, step_x, y + at * step_y, step_y);
            }
        } else if (is_of_library<T>()) {
            for (int64_t i = 0; i < n; ++i) s += x[i * step_x] * y[i * step_y];
        } else if (step_x == 1 && step_y == 1) {
            product_kernels().dot[code_of<T>](x, y, n, &s);
        } else {  // gathered, a few at a time
            constexpr int64_t some = 512;
            T own_x[some], own_y[some], sum;
            for (int64_t at = 0; at < n; at += some) {
                const int64_t part = std::min(n - at, some);
                for (int64_t i = 0; i < part; ++i) {
                    own_x[i] = x[(at + i) * step_x];
                    own_y[i] = y[(at + i) * step_y];
                }
                product_kernels().dot[code_of<T>](own_x, own_y, part, &sum);
                s += sum;
            }
        }
    } else {
        using U = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
        for (int64_t i = 0; i < n; ++i) s = static_cast<T>(U(s) + U(U(x[i * step_x]) * U(y[i * step_y])));
    }
    return s;
}

// Vectors as matrices of one column.
Array as_columns(const Array& x) {
    Dims shape = x.layout->dims(), strides = x.layout->stride_dims();
    shape.push_back(1);
    strides.push_back(1);
    return x.view(Layout::strided(shape, strides), x.offset);
}

// A product and a sum for each term: what a profile says.
void count_terms(int64_t m, int64_t n, int64_t k, int64_t matrices = 1) {
    const double each = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    count_flops(each * static_cast<double>(matrices));
}

void into(const Array& c, const Factor& a, const Factor& b, const Batch& batch, Scalar alpha, Scalar beta,
          int64_t summed) {
    count_terms(a.rows, b.cols, a.cols, batch.count);
    const bool many = a.array.ndim() > 2 || b.array.ndim() > 2;
    visit<Family::Rings>(c.dtype, many ? "bmm" : "addmm_impl_cpu_", [&](auto zero) {
        using T = decltype(zero);
        batches<T>(c, a, b, batch, alpha.to<T>(), beta.to<T>(), summed);
    });
}

}  // namespace

static void batched_into(const Array& c, Array a, Array b, bool ta, bool tb, Scalar alpha, Scalar beta,
                         int64_t summed) {
    if (c.numel()) compute::merge_batches(a, b, ta, tb, summed);
    const Factor fa(a, ta), fb(b, tb);
    into(c, fa, fb, Batch({{fa.array, 2}, {fb.array, 2}}), alpha, beta, summed);
}

void multiply_plain(DType dtype, const PlainProduct& p) {
    visit<Family::Rings>(dtype, "addmm_impl_cpu_", [&](auto zero) {
        using T = decltype(zero);
        T* c = static_cast<T*>(p.c);
        if (!p.k && !p.added)
            for (int64_t i = 0; i < p.m; ++i) std::fill(c + i * p.c_row, c + i * p.c_row + p.n, T(0));
        if (!p.m || !p.n || !p.k) return;
        numbers<T>(p.transpose_a, p.transpose_b, p.m, p.n, p.k, T(1), static_cast<const T*>(p.a), p.a_row,
                   static_cast<const T*>(p.b), p.b_row, p.added ? T(1) : T(0), c, p.c_row);
    });
}

void load_for_products(DType dtype) {
    visit<Family::Rings>(dtype, "addmm_impl_cpu_", [](auto zero) {
        using T = decltype(zero);
        load_library<T>(kTiny, kTiny, kTiny, T(1), T(0));
    });
}

// f(c, a, b), which reads c unless beta is 0; noted where somebody does.
template <class F>
static void compute_noted(const Array& c, const Array& a, const Array& b, Scalar beta, const F& f) {
    if (__builtin_expect(work_log == nullptr, 1)) return f(c, a, b);
    if (beta.to_double() != 0) work_log->place_of(c);
    work_log->call([f](const Array* x) { f(x[0], x[1], x[2]); }, c, {&a, &b});
}

void product_into(const Array& c, const Array& a, const Array& b, bool transpose_a, bool transpose_b,
                  Scalar alpha, Scalar beta, int64_t summed) {
    compute_noted(c, a, b, beta, [=](const Array& c, const Array& a, const Array& b) {
        if (a.ndim() > 2 || b.ndim() > 2)
            return batched_into(c, a, b, transpose_a, transpose_b, alpha, beta, summed);
        static const Batch one{};
        into(c, Factor(a, transpose_a), Factor(b, transpose_b), one, alpha, beta, summed);
    });
}

namespace {

// Two contiguous matrices of floats with rows to share: no copies, no batches, nothing to convert. Lone rows and columns are
// vectors, which have a function of their own; long work releases the lock.
bool is_plain(const Array& a, const Array& b, bool ta, bool tb) {
    if (!is_differentiable(a.dtype) || a.ndim() != 2 || b.ndim() != 2 || !a.is_contiguous() ||
        !b.is_contiguous())
        return false;
    const int64_t m = a.size(ta), k = a.size(!ta), n = b.size(!tb);
    return m > 1 && n > 1 && k > 0 && m <= kPlainSize && n <= kPlainSize && k <= kPlainSize;
}
Array plain_result(const Array& a, const Array& b, bool ta, bool tb) {
    const int64_t m = a.size(ta), n = b.size(!tb);
    const bool like_a = m == a.size(0) && n == a.size(1), like_b = m == b.size(0) && n == b.size(1);
    return Array::empty(a.dtype, like_a ? a.layout : like_b ? b.layout : Layout::contiguous(Dims{m, n}));
}
void plain_product(const Array& c, const Array& a, const Array& b, bool ta, bool tb) {
    const int64_t m = a.size(ta), k = a.size(!ta), n = b.size(!tb);
    count_terms(m, n, k);
    visit<Family::Fields>(a.dtype, "addmm_impl_cpu_", [&](auto zero) {
        using T = decltype(zero);
        matrices<T>(ta, tb, m, n, k, T(1), a.as<T>(), a.size(1), b.as<T>(), b.size(1), T(0), c.as<T>(), n);
    });
}

}  // namespace

Array product(const Array& a, const Array& b, bool transpose_a, bool transpose_b, int64_t summed) {
    if (is_plain(a, b, transpose_a, transpose_b)) {
        Array c = plain_result(a, b, transpose_a, transpose_b);
        compute_noted(c, a, b, Scalar(0), [=](const Array& c, const Array& a, const Array& b) {
            plain_product(c, a, b, transpose_a, transpose_b);
        });
        return c;
    }
    Dims shape;
    if (a.ndim() > 2 || b.ndim() > 2) shape = Batch({{a, 2}, {b, 2}}).shape;
    shape.resize(shape.size() - static_cast<size_t>(summed));
    shape.push_back(a.size(a.ndim() - (transpose_a ? 1 : 2)));
    shape.push_back(b.size(b.ndim() - (transpose_b ? 2 : 1)));
    Array c = Array::empty(a.dtype, shape);
    product_into(c, a, b, transpose_a, transpose_b, Scalar(1), Scalar(0), summed);
    return c;
}

void matrix_vector_into(const Array& y, const Array& a, const Array& x, bool transpose, Scalar alpha,
                        Scalar beta) {
    if (a.ndim() > 2) return product_into(as_columns(y), a, as_columns(x), transpose, false, alpha, beta);
    compute_noted(y, a, x, beta, [=](const Array& y, const Array& a, const Array& x) {
        Factor matrix(a, transpose);
        Array vector = walkable(x);
        count_terms(matrix.rows, 1, matrix.cols);
        visit<Family::Rings>(a.dtype, "addmv_impl_cpu", [&](auto zero) {
            times_vector<decltype(zero)>(y, matrix, vector, alpha, beta);
        });
    });
}

Array matrix_vector(const Array& a, const Array& x, bool transpose) {
    Dims shape = a.layout->dims();
    const int64_t columns = shape.back();
    shape.pop_back();
    if (transpose) shape.back() = columns;
    Array y = Array::empty(a.dtype, shape);
    matrix_vector_into(y, a, x, transpose, Scalar(1), Scalar(0));
    return y;
}

static void dot_into(const Array& out, const Array& a, const Array& b) {
    const bool one = a.ndim() == 1;
    Array x = one ? walkable(a) : contiguous_array(a), y = one ? walkable(b) : contiguous_array(b);
    const int64_t n = x.size(x.ndim() - 1);
    count_terms(out.numel(), 1, n);
    visit<Family::Rings>(x.dtype, "dot", [&](auto zero) {
        using T = decltype(zero);
        for (int64_t i = 0; i < out.numel(); ++i)
            out.as<T>()[i] =
                dot_of(x.as<T>() + i * n, one ? step(x) : 1, y.as<T>() + i * n, one ? step(y) : 1, n);
    });
}

Array dot_product(const Array& a, const Array& b) {
    Dims shape = a.layout->dims();
    shape.pop_back();
    Array out = Array::empty(a.dtype, shape);
    compute_noted(out, a, b, Scalar(0), dot_into);
    return out;
}

}  // namespace pb
