"""SGD of the matrix unit, compiled by numba: several steps of all replicates in one call, on one core.

The recursion of `sgd` for sigma(W x [+ b]) under the squared loss and the ridge, in closed form. A particle's row of
activations stays in cache between the pass that predicts and the pass that descends; every inner loop runs along
particles and writes few arrays, which is what LLVM turns into vector instructions. `stepping` says when it is used and
holds the same recursion in plain torch, which is what this is tested against.

Machine code is kept on disk: compiling takes seconds, once a machine and version.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

_FAST: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}
"""Sums may be taken in any order; nothing is assumed about infinities or what is no number."""

_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of functions that only compiled code calls: less to compile."""

_INLINED: dict[str, Any] = {**_INNER, "forceinline": True}
"""Options of functions called for each row: passing arrays costs as much as a hundred particles."""


def _compiled(**options):
    """`numba.njit`, with machine code kept on disk wherever there is a folder that may be written."""

    def decorate(function):
        try:
            return njit(cache=True, **_FAST, **options)(function)
        except RuntimeError:  # neither beside this file nor in the user's cache folder
            return njit(**_FAST, **options)(function)

    return decorate


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


@_compiled(inline="always", **_INNER)
def _philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011): four words of 32 bits from a counter and a key, all uint64."""
    low = _u(0xFFFFFFFF)
    for _ in range(10):
        p, q = _u(0xD2511F53) * c0, _u(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (q >> _u(32)) ^ c1 ^ k0, q & low, (p >> _u(32)) ^ c3 ^ k1, p & low
        k0, k1 = (k0 + _u(0x9E3779B9)) & low, (k1 + _u(0xBB67AE85)) & low
    return c0, c1, c2, c3


@_compiled(inline="always", **_INNER)
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


@_compiled(**_INNER)
def _padded(count, multiple):
    """The next multiple, so that vector instructions leave no rest."""
    return (count + multiple - 1) // multiple * multiple


@_compiled(**_INNER)
def _fill_gaussians(out, key0, key1, step, replicate):
    """Standard Gaussians of one step and replicate, out (4 q,); each is a function of the key and of its place."""
    a, b, c = _u(out.shape[0] // 4), _u(out.shape[0] // 4 * 2), _u(out.shape[0] // 4 * 3)
    for n in range(_u(0), a):
        w0, w1, w2, w3 = _philox(n, _u(0), step, replicate, key0, key1)
        x0, x1 = _normal_pair(w0, w1)
        x2, x3 = _normal_pair(w2, w3)
        out[n] = x0
        out[n + a] = x1
        out[n + b] = x2
        out[n + c] = x3


@_compiled()
def gaussians(out, seed, first):
    """Fill an array with the Gaussian numbers behind the noise of `advance`.

    Args:
        out: Written, shape (K, R, k, N), for the steps first, first + 1, ...
        seed: Seed of the noise, uint64.
        first: Number of the first step.
    """
    numbers = np.empty(_padded(out.shape[2] * out.shape[3], 64), out.dtype)
    for k in range(out.shape[0]):
        for r in range(out.shape[1]):
            _fill_gaussians(numbers, seed & _u(0xFFFFFFFF), seed >> _u(32), _u(first + k), _u(r))
            zeta = numbers[: out.shape[2] * out.shape[3]].reshape(out.shape[2], out.shape[3])
            for i in range(out.shape[2]):
                for n in range(out.shape[3]):
                    out[k, r, i, n] = zeta[i, n]


@_compiled(inline="always", **_INNER)
def _sigmoid(u, odd):
    """Value and derivative of the logistic function (odd = 0) or of tanh (odd = 1)."""
    a, b = _exponential(u + odd * u)
    value = (a - odd * b) / (a + b)
    return value, odd + (value - odd * value) - value * value


@_compiled(**_INLINED)
def _activate(u, odd, slopes, row, low, high):
    """Sum of sigma(u) over u[0, low:high]; sigma' goes to slopes[row, low:high]."""
    total = u.dtype.type(0)
    for n in range(low, high):
        value, slopes[row, n] = _sigmoid(u[0, n], odd)
        total += value
    return total


@_compiled(**_INLINED)
def _activate_pair(rows, j, x, b, odd, slopes, row, low, high):
    """`_activate` of x[b, 0] rows[j] + x[b, 1] rows[j + 1], which is not stored, and the same for b + 1."""
    first, second = slopes.dtype.type(0), slopes.dtype.type(0)
    x0, x1, z0, z1 = x[b, 0], x[b, 1], x[b + 1, 0], x[b + 1, 1]
    for n in range(low, high):
        w0, w1 = rows[j, n], rows[j + 1, n]
        value, slopes[row, n] = _sigmoid(x0 * w0 + x1 * w1, odd)
        first += value
        value, slopes[row + 1, n] = _sigmoid(z0 * w0 + z1 * w1, odd)
        second += value
    return first, second


@_compiled(**_INLINED)
def _combine(out, to, rows, first, count, weights, b, low, high):
    """out[to] += sum_j weights[b, j] rows[first + j] from low to high; eight rows a pass: `out` moves little."""
    j, f = 0, first
    while j + 8 <= count:
        c0, c1, c2, c3 = weights[b, j], weights[b, j + 1], weights[b, j + 2], weights[b, j + 3]
        c4, c5, c6, c7 = weights[b, j + 4], weights[b, j + 5], weights[b, j + 6], weights[b, j + 7]
        for n in range(low, high):
            left = c0 * rows[f, n] + c1 * rows[f + 1, n] + c2 * rows[f + 2, n] + c3 * rows[f + 3, n]
            right = c4 * rows[f + 4, n] + c5 * rows[f + 5, n] + c6 * rows[f + 6, n] + c7 * rows[f + 7, n]
            out[to, n] += left + right
        j, f = j + 8, f + 8
    if j + 4 <= count:
        c0, c1, c2, c3 = weights[b, j], weights[b, j + 1], weights[b, j + 2], weights[b, j + 3]
        for n in range(low, high):
            out[to, n] += c0 * rows[f, n] + c1 * rows[f + 1, n] + c2 * rows[f + 2, n] + c3 * rows[f + 3, n]
        j, f = j + 4, f + 4
    while j < count:
        c0 = weights[b, j]
        for n in range(low, high):
            out[to, n] += c0 * rows[f, n]
        j, f = j + 1, f + 1


@_compiled(**_INLINED)
def _inner(weights, x, o, b, has_bias, out, low, high):
    """out[0] = (W x_b + b)_o from low to high."""
    d_in = x.shape[1]
    d_out = weights.shape[0] // (d_in + has_bias)
    for n in range(low, high):
        out[0, n] = weights[d_out * d_in + o, n] if has_bias else 0
    _combine(out, 0 * o, weights, o * d_in, d_in, x, b, low, high)


@_compiled(**_INNER)
def _predict(weights, x, odd, has_bias, slopes, scratch, stretch, means):
    """means (B, d_out) = mean over particles of sigma(W x_b + b), and sigma' in slopes (d_out B, N)."""
    batch, d_out = means.shape
    particles = weights.shape[1]
    pairs = batch // 2 if x.shape[1] == 2 and not has_bias else 0
    for b in range(batch):
        for o in range(d_out):
            means[b, o] = 0.0
    for start in range(0, particles, stretch):
        low, high = _u(start), _u(min(particles, start + stretch))
        for o in range(d_out):
            for b in range(0, 2 * pairs, 2):
                first, second = _activate_pair(weights, 2 * o, x, b, odd, slopes, o * batch + b, low, high)
                means[b, o] += first
                means[b + 1, o] += second
            for b in range(2 * pairs, batch):
                _inner(weights, x, o, b, has_bias, scratch, low, high)
                means[b, o] += _activate(scratch, odd, slopes, o * batch + b, low, high)
    for b in range(batch):
        for o in range(d_out):
            means[b, o] /= particles


@_compiled(**_INNER)
def _pull_back(x, covector, size, pulled):
    """pulled (D, B): weights of the rows of slopes in the step of each row of the particles; covector (d_out, B)."""
    batch, d_in = x.shape
    d_out = covector.shape[0]
    for row in range(pulled.shape[0]):
        is_bias = row >= d_out * d_in
        o = row - d_out * d_in if is_bias else row // d_in
        for b in range(batch):
            pulled[row, b] = -size * covector[o, b]
            if not is_bias:
                pulled[row, b] *= x[b, row - o * d_in]


@_compiled(**_INNER)
def _stir(weights, shrink, spread, zeta, place, length, mixing, low, high):
    """weights (D, N) <- shrink weights + spread noise from low to high; see `advance` for the noise."""
    for row in range(weights.shape[0]):
        if place.shape[0] > 0:
            source, scale = place[row], spread * length[row]
            for n in range(low, high):
                weights[row, n] = weights[row, n] * shrink + scale * zeta[source, n]
        else:
            for n in range(low, high):
                weights[row, n] *= shrink
            _combine(weights, row, zeta, 0 * row, zeta.shape[0], mixing, row, low, high)


@_compiled(**_INNER)
def _descend(weights, d_in, d_out, slopes, pulled, stretch):
    """weights (D, N) += sum_b pulled slopes."""
    batch, particles = pulled.shape[1], slopes.shape[1]
    for start in range(0, particles, stretch):
        low, high = _u(start), _u(min(particles, start + stretch))
        for row in range(weights.shape[0]):
            o = row - d_out * d_in if row >= d_out * d_in else row // d_in
            _combine(weights, row, slopes, o * batch, batch, pulled, row, low, high)


@_compiled(nogil=True)
def advance(
    theta, x, y, first, sizes, shrinks, spreads, is_odd, has_bias, seed, rank, place, length, basis, stretch,
    loss,
):  # fmt: skip
    """Take K steps of SGD, in place.

    Args:
        theta: Particles, shape (R, D, N), written.
        x: Inputs, shape (K, R or 1, B, d_in).
        y: Outputs, shape (K, R or 1, B, d_out).
        first: Number of the first step.
        sizes: Factors of the gradient, shape (K,).
        shrinks: Factors of the particles, 1 - size tau, shape (K,).
        spreads: Factors of the noise, shape (K,).
        is_odd: Whether the activation is tanh; otherwise it is logistic.
        has_bias: Whether Z has a bias block.
        seed: Seed of the noise, uint64.
        rank: Number k of Gaussian numbers a particle; 0 for no noise.
        place: Shape (D,); row i of the noise is length[i] times number place[i]. Empty where `basis` is used.
        length: Shape (D,), see `place`.
        basis: Shape (D, k); the noise is basis times the numbers where `place` is empty.
        stretch: Number of particles that are worked on at a time.
        loss: Shape (R,), float64; the mean squared loss of every minibatch before its update is added to it.
    """
    replicates, dim, particles = theta.shape
    steps, batch, d_out, d_in = y.shape[0], y.shape[2], y.shape[3], x.shape[3]
    odd = theta.dtype.type(1 if is_odd else 0)
    means = np.empty((batch, d_out), np.float64)
    covector = np.empty((d_out, batch), theta.dtype)
    pulled = np.empty((dim, batch), theta.dtype)
    slopes = np.empty((d_out * batch, particles), theta.dtype)
    scratch = np.empty((1, particles), theta.dtype)
    numbers = np.empty(_padded(rank * particles, 64), theta.dtype)
    zeta = numbers[: rank * particles].reshape(rank, particles)
    mixing = np.empty(basis.shape, theta.dtype)
    for r in range(replicates):
        weights = theta[r]
        for k in range(steps):
            inputs, labels = x[k, min(r, x.shape[1] - 1)], y[k, min(r, y.shape[1] - 1)]
            _predict(weights, inputs, odd, has_bias, slopes, scratch, stretch, means)
            for b in range(batch):
                for o in range(d_out):
                    gap = means[b, o] - labels[b, o]
                    loss[r] += gap * gap / batch
                    covector[o, b] = 2 * gap / batch
            _pull_back(inputs, covector, sizes[k], pulled)
            _fill_gaussians(numbers, seed & _u(0xFFFFFFFF), seed >> _u(32), _u(first + k), _u(r))
            for i in range(basis.shape[0]):
                for j in range(rank):
                    mixing[i, j] = spreads[k] * basis[i, j]
            _stir(weights, shrinks[k], spreads[k], zeta, place, length, mixing, _u(0), _u(particles))
            _descend(weights, d_in, d_out, slopes, pulled, stretch)
