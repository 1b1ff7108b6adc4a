// The exponential of a matrix: Padé approximants, scaled and squared.
//
// N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM J. Matrix Anal. Appl. 26, 2005:
// of the degrees 3, 5, 7, 9, 13 the smallest whose error at the 1-norm of the matrix is below rounding; beyond the last one
// the matrix is halved so often first, and the result squared as often. Rows and columns may be exchanged throughout,
// since the exponential of a transpose is the transpose: what lies row by row goes to LAPACK as it is.
#include <array>
#include <cmath>
#include <limits>

#include "compute/decompositions.h"
#include "library/blas.h"

namespace pb::decompose {

namespace {

constexpr double kPade3[] = {120, 60, 12, 1};
constexpr double kPade5[] = {30240, 15120, 3360, 420, 30, 1};
constexpr double kPade7[] = {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1};
constexpr double kPade9[] = {17643225600, 8821612800, 2075673600, 302702400, 30270240,
                             2162160,     110880,     3960,       90,        1};
constexpr double kPade13[] = {64764752532480000,
                              32382376266240000,
                              7771770303897600,
                              1187353796428800,
                              129060195264000,
                              10559470521600,
                              670442572800,
                              33522128640,
                              1323241920,
                              40840800,
                              960960,
                              16380,
                              182,
                              1};

struct Approximant {
    double largest;  // 1-norm
    int degree;
    const double* coefficients;
};
template <class T>
inline constexpr std::array<Approximant, 5> kApproximants = {
    Approximant{1.495585217958292e-2, 3, kPade3}, Approximant{2.539398330063230e-1, 5, kPade5},
    Approximant{9.504178996162932e-1, 7, kPade7}, Approximant{2.097847961257068, 9, kPade9},
    Approximant{5.371920351148152, 13, kPade13}};
template <>
inline constexpr std::array<Approximant, 3> kApproximants<float> = {
    Approximant{4.258730016922831e-1, 3, kPade3}, Approximant{1.880152677804762, 5, kPade5},
    Approximant{3.925724783138660, 7, kPade7}};

constexpr int kMatrices = 6;  // of room

template <class T> class Exponential {
    using R = typename PartOf<T>::type;

  public:
    Exponential(int64_t n, T* room, lapack::Int* pivots)
        : n_(n), size_(n * n), room_(room), pivots_(pivots), lapack_(lapack::functions<T>()) {}

    void operator()(T* a) {  // in place
        double norm = 0;
        for (int64_t j = 0; j < n_; ++j) {
            double sum = 0;
            for (int64_t i = 0; i < n_; ++i) sum += size_of(a[j * n_ + i]);
            norm = sum > norm || std::isnan(sum) ? sum : norm;
            if (std::isnan(norm)) break;
        }
        if (!std::isfinite(norm)) {
            std::fill(a, a + size_, T(std::numeric_limits<R>::quiet_NaN()));
            return;
        }
        const auto& all = kApproximants<R>;
        size_t chosen = 0;
        while (chosen + 1 < all.size() && norm > all[chosen].largest) ++chosen;
        int halvings = 0;
        if (norm > all[chosen].largest) halvings = std::max(0, std::ilogb(norm / all[chosen].largest) + 1);
        if (halvings) {
            const R scale = static_cast<R>(std::ldexp(1.0, -halvings));
            for (int64_t i = 0; i < size_; ++i) a[i] *= scale;
        }
        approximate(a, all[chosen]);
        for (int s = 0; s < halvings; ++s) {
            times(a, a, matrix(0));
            std::copy(matrix(0), matrix(0) + size_, a);
        }
    }

  private:
    T* matrix(int k) { return room_ + k * size_; }
    void times(const T* a, const T* b, T* c) {
        blas::gemm<T>(false, false, n_, n_, n_, T(1), a, n_, b, n_, T(0), c, n_);
    }
    // (V - U) x = V + U, where U holds the odd powers and V the even ones.
    void approximate(T* a, const Approximant& chosen) {
        T *odd = matrix(0), *even = matrix(1), *power = matrix(2), *square = matrix(3), *next = matrix(4);
        times(a, a, square);
        std::fill(odd, odd + size_, T(0));
        std::fill(even, even + size_, T(0));
        for (int64_t i = 0; i < n_; ++i) {
            even[i * (n_ + 1)] = static_cast<R>(chosen.coefficients[0]);
            odd[i * (n_ + 1)] = static_cast<R>(chosen.coefficients[1]);
        }
        std::copy(square, square + size_, power);
        for (int k = 2; k < chosen.degree; k += 2) {
            const auto v = static_cast<R>(chosen.coefficients[k]),
                       u = static_cast<R>(chosen.coefficients[k + 1]);
            for (int64_t i = 0; i < size_; ++i) even[i] += v * power[i];
            for (int64_t i = 0; i < size_; ++i) odd[i] += u * power[i];
            if (k + 2 < chosen.degree) {
                times(power, square, next);
                std::swap(power, next);
            }
        }
        T* u = matrix(5);
        times(a, odd, u);
        for (int64_t i = 0; i < size_; ++i) {
            a[i] = even[i] + u[i];
            even[i] = even[i] - u[i];
        }
        auto n = static_cast<lapack::Int>(n_);
        lapack::Int info = 0;
        lapack_.getrf(&n, &n, even, &n, pivots_, &info);
        lapack_.getrs("N", &n, &n, even, &n, pivots_, a, &n, &info, 1);
    }
    int64_t n_, size_;
    T* room_;
    lapack::Int* pivots_;
    const lapack::Functions<T>& lapack_;
};

}  // namespace

Arrays matrix_exp(const Arrays& x, const Options&) {
    const Array& a = x[0];
    const int64_t n = row_count(a);
    lapack_size(n);
    const Batch batch({{a, 2}});
    Array result = Array::empty(a.dtype, a.layout->dims());
    if (result.numel() == 0) return {result};
    visit<Family::Fields>(a.dtype, "matrix_exp", [&](auto zero) {
        using T = decltype(zero);
        lapack::functions<T>();
        Room<T> room(checked_mul(kMatrices, n * n));
        Room<lapack::Int> pivots(n);
        for_each_matrix(batch.count, lapack_work(20 * cube(n)), [&](int64_t i, int worker) {
            T* matrix = result.as<T>() + i * n * n;
            const int64_t d = a.ndim();
            read_columns(a.as<T>() + batch.offset(0, i), a.stride(d - 1), a.stride(d - 2), n, n, matrix, n);
            Exponential<T>(n, room.of(worker), pivots.of(worker))(matrix);
        });
    });
    return {result};
}

}  // namespace pb::decompose
