#include "library/lapack.h"

#include <string>

#include "library/blas.h"

namespace pb::lapack {

namespace {

template <class T> inline constexpr char letter = 's';
template <> inline constexpr char letter<double> = 'd';
template <> inline constexpr char letter<Complex<float>> = 'c';
template <> inline constexpr char letter<Complex<double>> = 'z';

template <class T, class F> void look_up(F& function, const char* name) {
    function = reinterpret_cast<F>(blas::symbol((letter<T> + std::string(name) + '_').c_str()));
}

template <class T> Functions<T> found() {
    Functions<T> f;
#define FIND(name) look_up<T>(f.name, #name);
    FIND(getrf)
    FIND(getrs)
    FIND(potrf)
    FIND(sytrf)
    FIND(sytrs)
    FIND(trsm)
    FIND(geqrf)
    FIND(gesdd)
    FIND(gesvd)
    FIND(geev)
    FIND(gels)
    FIND(gelsy)
    FIND(gelss)
    FIND(gelsd)
    if constexpr (is_complex_v<T>) {
        look_up<T>(f.orgqr, "ungqr");
        FIND(hetrf)
        FIND(hetrs)
        FIND(heevd)
    } else {
        FIND(orgqr)
        FIND(syevd)
    }
#undef FIND
    return f;
}

}  // namespace

template <class T> const Functions<T>& functions() {
    static const Functions<T> f = found<T>();
    return f;
}
template const Functions<float>& functions<float>();
template const Functions<double>& functions<double>();
template const Functions<Complex<float>>& functions<Complex<float>>();
template const Functions<Complex<double>>& functions<Complex<double>>();

}  // namespace pb::lapack
