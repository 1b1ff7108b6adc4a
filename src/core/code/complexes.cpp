// As array/complex.h and kernels/complex.cpp have it, where choices are branches of one element: here both are computed, and
// one is chosen.
#include "code/complexes.h"

#include "code/trace.h"

namespace pb::code {

namespace {

template <class T> struct Pair { Traced<T> re, im; };

template <class T> Pair<T> operator+(Pair<T> a, Pair<T> b) { return {a.re + b.re, a.im + b.im}; }
template <class T> Pair<T> operator-(Pair<T> a, Pair<T> b) { return {a.re - b.re, a.im - b.im}; }
template <class T> Pair<T> operator-(Pair<T> a) { return {-a.re, -a.im}; }
template <class T> Pair<T> operator*(Pair<T> a, Pair<T> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class T> Pair<T> choose(TracedMask<T> which, Pair<T> a, Pair<T> b) {
    return {select(which, a.re, b.re), select(which, a.im, b.im)};
}
template <class T> TracedMask<T> is_zero(Pair<T> a) { return (a.re == 0) & (a.im == 0); }
template <class T> Pair<T> one() { return {Traced<T>(1), Traced<T>(0)}; }

template <class T> Pair<T> operator/(Pair<T> a, Pair<T> b) {
    const Traced<T> none(0);
    const auto turned = !(absolute(b.re) >= absolute(b.im)), zero = is_zero(b);
    const Traced<T> most = select(turned, b.im, b.re), least = select(turned, -b.re, b.im);
    const Traced<T> ratio = select(zero, none, least / most),
                    scale = select(zero, none, most + least * ratio);
    const Pair<T> from = choose(turned, Pair<T>{a.im, -a.re}, a);
    const Pair<T> above = {from.re + from.im * ratio, from.im - from.re * ratio};
    const Pair<T> chosen = choose(zero, from, above);
    return {chosen.re / scale, chosen.im / scale};
}

template <class T> TracedMask<T> infinite(Traced<T> x) { return absolute(x) == infinity<Traced<T>>(); }
template <class T> Pair<T> pulled(Pair<T> g, Pair<T> p) {
    const Traced<T> none(0), unit(1);
    const auto re = infinite(p.re), im = infinite(p.im), any = re | im;
    const Pair<T> signs = {select(re, with_sign(unit, p.re), none), select(im, with_sign(unit, p.im), none)};
    const Pair<T> y = g * choose(any, signs, p);
    const Traced<T> factor = infinity<Traced<T>>();
    return choose(any, Pair<T>{y.re * factor, y.im * factor}, y);
}

template <class T> Pair<T> stated(Primitive p, Pair<T> a, Pair<T> b) {
    switch (p) {
        case Primitive::add: return a + b;
        case Primitive::sub: return a - b;
        case Primitive::mul: return a * b;
        case Primitive::div: return a / b;
        case Primitive::neg: return -a;
        case Primitive::conj: return {a.re, -a.im};
        case Primitive::square: return a * a;
        case Primitive::reciprocal: return one<T>() / a;
        case Primitive::one_minus_square: return (one<T>() - a) * (one<T>() + a);
        case Primitive::times_complement: return a * (one<T>() - a);
        case Primitive::zmul: return choose(is_zero(a), a, pulled(a, b));
        default: return choose(is_zero(a), a, choose(is_zero(b), b, a * b));  // gmul
    }
}

template <class T> Parts state_as(Primitive p, const Parts* in, int count) {
    auto operand = [&](int k) {
        const Parts& parts = in[k < count ? k : 0];
        return Pair<T>{Traced<T>::of(parts.re), Traced<T>::of(parts.im)};
    };
    const Pair<T> made = stated(p, operand(0), operand(1));
    return {made.re.at(), made.im.at()};
}

}  // namespace

bool is_stated_of_complexes(Primitive p) {
    switch (p) {
        case Primitive::add:
        case Primitive::sub:
        case Primitive::mul:
        case Primitive::div:
        case Primitive::neg:
        case Primitive::conj:
        case Primitive::square:
        case Primitive::reciprocal:
        case Primitive::one_minus_square:
        case Primitive::times_complement:
        case Primitive::zmul:
        case Primitive::gmul: return true;
        default: return false;
    }
}

Parts state_of_complexes(Sequence& s, Primitive p, const Parts* in) {
    const Tracing tracing(s);
    const int count = primitive_info(p).arity;
    return s.is_double() ? state_as<double>(p, in, count) : state_as<float>(p, in, count);
}

}  // namespace pb::code
