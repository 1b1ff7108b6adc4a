// A complex number as an element: two reals side by side, as C, C++ and NumPy lay them out.
//
// Files compiled per instruction set use it, too: everything is inlined, so that nothing of it is left to the linker to
// merge. Products are the schoolbook's and quotients Smith's, as PyTorch's: an infinite number times a finite one may have
// NaN parts. Equality is all there is of order.
#pragma once

#define PB_ALWAYS [[gnu::always_inline]] constexpr

namespace pb {

template <class T> struct Complex {
    T re, im;
    Complex() = default;
    PB_ALWAYS Complex(T re, T im = 0) : re(re), im(im) {}
    template <class U> PB_ALWAYS explicit Complex(Complex<U> z) : re(T(z.re)), im(T(z.im)) {}

    PB_ALWAYS friend Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
    PB_ALWAYS friend Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
    PB_ALWAYS friend Complex operator-(Complex a) { return {-a.re, -a.im}; }
    // Added, not subtracted: GCC 12 makes one rounding of a product and what alternates between both, where it sees vectors.
    PB_ALWAYS friend Complex operator*(Complex a, Complex b) {
        return {a.re * b.re + a.im * -b.im, a.re * b.im + a.im * b.re};
    }
    PB_ALWAYS friend Complex operator/(Complex a, Complex b) {
        using Part = decltype(b.re / b.re);  // what is narrow is divided as float
        // Both are multiplied by -i where that makes the divisor's real part the larger one. Without branches, so that loops
        // become vector code; added, as in a product. A zero has no sign.
        const Part r = b.re, i = b.im, x = r < 0 ? -r : r, y = i < 0 ? -i : i;
        const bool turned = !(x >= y), zero = (x == 0) & (y == 0);
        const Part most = turned ? i : r, least = turned ? -r : i, ratio = zero ? Part(0) : least / most;
        const Part scale = zero ? Part(0) : most + least * ratio;
        const Part re = turned ? Part(a.im) : Part(a.re), im = turned ? -Part(a.re) : Part(a.im);
        return {(zero ? re : re + im * ratio) / scale, (zero ? im : im + re * -ratio) / scale};
    }
    PB_ALWAYS friend bool operator==(Complex a, Complex b) { return a.re == b.re && a.im == b.im; }
    PB_ALWAYS friend bool operator!=(Complex a, Complex b) { return !(a == b); }
    PB_ALWAYS Complex& operator+=(Complex b) { return *this = *this + b; }
    PB_ALWAYS Complex& operator*=(Complex b) { return *this = *this * b; }
};

template <class T> inline constexpr bool is_complex_v = false;
template <class T> inline constexpr bool is_complex_v<Complex<T>> = true;

// What the parts of a number are: itself, of a real one.
template <class T> struct PartOf { using type = T; };
template <class T> struct PartOf<Complex<T>> { using type = T; };

}  // namespace pb

#undef PB_ALWAYS
