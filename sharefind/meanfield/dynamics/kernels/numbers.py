"""Numbers of compiled trainings: exponentials and sigmoids, and Gaussian noise that depends on its place alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from sharefind.meanfield.dynamics.kernels.compiling import INNER, compiled

_f, _i, _u = np.float32, np.int32, np.uint64


@intrinsic
def _float_of_bits(typing: Any, bits: Any) -> Any:
    """The float32 or float64 with the bits of an int32 or int64."""
    is_single = bits == types.int32
    result, low = (types.float32, ir.FloatType()) if is_single else (types.float64, ir.DoubleType())
    return result(bits), lambda context, builder, signature, arguments: builder.bitcast(arguments[0], low)


@intrinsic
def _bits_of_float(typing: Any, value: Any) -> Any:
    """The bits of a float32, as an int32."""
    return types.int32(value), lambda context, builder, signature, arguments: builder.bitcast(
        arguments[0], ir.IntType(32)
    )


def _exponential(t):
    """(a, b) with exp(t) = a / b up to rounding; t is cut to where both are finite."""
    raise NotImplementedError("compiled code only")


@overload(_exponential, inline="always")
def _exponential_of(t):
    """exp(t) = 2^k exp(r), |r| <= log(2) / 2, the second factor by its Padé approximant: [3/3] or [6/6].

    Relative error of the approximant 6e-9 in float32 and 2e-19 in float64, below rounding in both; log(2) is subtracted
    in two parts (Cody & Waite 1980).
    """
    return _single if t == types.float32 else _double


def _single(t):
    cut = min(max(t, _f(-80.0)), _f(80.0))
    k = np.floor(cut * _f(1.4426950408889634) + _f(0.5))
    r = (cut - k * _f(0.693359375)) + k * _f(2.12194440e-4)
    q = r * r
    even = _f(120.0) + _f(12.0) * q
    odd = r * (_f(60.0) + q)
    return (even + odd) * _float_of_bits(_i((_i(k) + _i(127)) << _i(23))), even - odd


def _double(t):
    cut = min(max(t, -650.0), 650.0)
    k = np.floor(cut * 1.4426950408889634 + 0.5)
    r = (cut - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    q = r * r
    even = 665280.0 + q * (75600.0 + q * (840.0 + q))
    odd = r * (332640.0 + q * (10080.0 + q * 42.0))
    return (even + odd) * _float_of_bits((np.int64(k) + np.int64(1023)) << np.int64(52)), even - odd


@compiled(inline="always", **INNER)
def philox(c0, c1, c2, c3, k0, k1):
    """Return four words of 32 bits by Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011), as uint64.

    Args:
        c0: First word of the counter, uint64.
        c1: Second word of the counter.
        c2: Third word of the counter.
        c3: Fourth word of the counter.
        k0: First word of the key.
        k1: Second word of the key.
    """
    low = _u(0xFFFFFFFF)
    for _ in range(10):
        p, q = _u(0xD2511F53) * c0, _u(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (q >> _u(32)) ^ c1 ^ k0, q & low, (p >> _u(32)) ^ c3 ^ k1, p & low
        k0, k1 = (k0 + _u(0x9E3779B9)) & low, (k1 + _u(0xBB67AE85)) & low
    return c0, c1, c2, c3


@compiled(inline="always", **INNER)
def _normal_pair(a, b):
    """Two independent standard Gaussians, float32, from two words of 32 bits (Box & Muller 1958); at most 6.7."""
    uniform = (_f(np.uint32(a)) + _f(0.5)) * _f(2.0**-32)
    bits = _bits_of_float(uniform)
    e = (bits - _i(0x3F3504F3)) >> _i(23)  # the mantissa lies between the roots of 1/2 and of 2
    g = _float_of_bits(_i(bits - (e << _i(23)))) - _f(1)
    s = g / (_f(2) + g)
    q = s * s
    series = _f(1) + q * (_f(1 / 3) + q * (_f(1 / 5) + q * (_f(1 / 7) + q * _f(1 / 9))))
    log = _f(e) * _f(0.6931471805599453) + _f(2) * s * series
    length = np.sqrt(max(_f(-2) * log, _f(0)))
    turns = _f(_i(np.uint32(b))) * _f(2.0**-32)
    k = np.floor(_f(4) * turns + _f(0.5))
    angle = (turns - _f(0.25) * k) * _f(6.283185307179586)  # at most pi / 4 from a quarter turn
    q = angle * angle
    sine = angle * (_f(1) + q * (_f(-1 / 6) + q * (_f(1 / 120) + q * (_f(-1 / 5040) + q * _f(1 / 362880)))))
    cosine = _f(1) + q * (_f(-0.5) + q * (_f(1 / 24) + q * (_f(-1 / 720) + q * _f(1 / 40320))))
    quarter = _i(k)
    is_odd = (quarter & _i(1)) != 0
    first, second = (sine, cosine) if is_odd else (cosine, sine)
    if ((quarter + _i(1)) & _i(2)) != 0:
        first = -first
    if (quarter & _i(2)) != 0:
        second = -second
    return length * first, length * second


@compiled(**INNER)
def padded(count, multiple):
    """Return the next multiple, so that vector instructions leave no rest.

    Args:
        count: A number.
        multiple: Divides the result.
    """
    return (count + multiple - 1) // multiple * multiple


@compiled(**INNER)
def fill_gaussians(out, key0, key1, step, replicate):
    """Draw the standard Gaussians of one step and replicate; each is a function of the key and of its place.

    Args:
        out: Written, shape (4 q,).
        key0: First word of the key, uint64.
        key1: Second word of the key, uint64.
        step: Number of the step, uint64.
        replicate: Number of the replicate, uint64.
    """
    a, b, c = _u(out.shape[0] // 4), _u(out.shape[0] // 4 * 2), _u(out.shape[0] // 4 * 3)
    for n in range(_u(0), a):
        w0, w1, w2, w3 = philox(n, _u(0), step, replicate, key0, key1)
        x0, x1 = _normal_pair(w0, w1)
        x2, x3 = _normal_pair(w2, w3)
        out[n] = x0
        out[n + a] = x1
        out[n + b] = x2
        out[n + c] = x3


@compiled()
def gaussians(out, seed, first):
    """Fill an array with the Gaussian numbers behind the noise of `advance`.

    Args:
        out: Written, shape (K, R, k, N), for the steps first, first + 1, ...
        seed: Seed of the noise, uint64.
        first: Number of the first step.
    """
    numbers = np.empty(padded(out.shape[2] * out.shape[3], 64), out.dtype)
    for k in range(out.shape[0]):
        for r in range(out.shape[1]):
            fill_gaussians(numbers, seed & _u(0xFFFFFFFF), seed >> _u(32), _u(first + k), _u(r))
            zeta = numbers[: out.shape[2] * out.shape[3]].reshape(out.shape[2], out.shape[3])
            for i in range(out.shape[2]):
                for n in range(out.shape[3]):
                    out[k, r, i, n] = zeta[i, n]


@compiled(inline="always", **INNER)
def sigmoid(u, odd):
    """Return value and derivative of an activation.

    Args:
        u: Argument, float32 or float64.
        odd: 0 for the logistic function, 1 for tanh, of the same type.
    """
    a, b = _exponential(u + odd * u)
    value = (a - odd * b) / (a + b)
    return value, odd + (value - odd * value) - value * value
