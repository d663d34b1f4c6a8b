// SPDX-License-Identifier: Apache-2.0
#pragma once

// What vectors can do in one instruction, and what a compiler makes many of where it is written lane by lane, as the
// library has it for all vectors. Sums and products stand alone, so that none is fused with another.

#include <stdint.h>

typedef float clanes_f4 __attribute__((ext_vector_type(4)));
typedef float clanes_f8 __attribute__((ext_vector_type(8)));
typedef double clanes_d4 __attribute__((ext_vector_type(4)));
typedef int8_t clanes_b32 __attribute__((ext_vector_type(32)));
typedef int16_t clanes_h16 __attribute__((ext_vector_type(16)));
typedef int32_t clanes_i8 __attribute__((ext_vector_type(8)));
typedef int64_t clanes_l4 __attribute__((ext_vector_type(4)));

#define CLANES static inline __attribute__((always_inline))

/// Even lanes of both, in the order 0, 2, 8, 10, 4, 6, 12, 14, which stays within the halves of a vector.
CLANES clanes_f8 clanes_mixed_evens(clanes_f8 v, clanes_f8 w) {
    return __builtin_shufflevector(v, w, 0, 2, 8, 10, 4, 6, 12, 14);
}

/// Odd lanes of both, in the order 1, 3, 9, 11, 5, 7, 13, 15.
CLANES clanes_f8 clanes_mixed_odds(clanes_f8 v, clanes_f8 w) {
    return __builtin_shufflevector(v, w, 1, 3, 9, 11, 5, 7, 13, 15);
}

/// What was mixed, in order.
CLANES clanes_f8 clanes_unmixed(clanes_f8 v) { return __builtin_shufflevector(v, v, 0, 1, 4, 5, 2, 3, 6, 7); }

CLANES clanes_d4 clanes_widened(clanes_f4 v) { return __builtin_convertvector(v, clanes_d4); }

/// `v + w`, lane by lane.
CLANES clanes_d4 clanes_sum(clanes_d4 v, clanes_d4 w) { return v + w; }

/// `v * factor`, likewise.
CLANES clanes_d4 clanes_product(clanes_d4 v, double factor) { return v * factor; }

/// `v / w`, likewise.
CLANES clanes_d4 clanes_quotient(clanes_d4 v, clanes_d4 w) { return v / w; }

/// Even lanes of both, in the order 0, 4, 2, 6.
CLANES clanes_d4 clanes_wide_evens(clanes_d4 v, clanes_d4 w) { return __builtin_shufflevector(v, w, 0, 4, 2, 6); }

/// Odd lanes of both, in the order 1, 5, 3, 7.
CLANES clanes_d4 clanes_wide_odds(clanes_d4 v, clanes_d4 w) { return __builtin_shufflevector(v, w, 1, 5, 3, 7); }

/// What was mixed of doubles, rounded to nearest, ties to even, and in order, `low` first.
CLANES clanes_f8 clanes_narrowed(clanes_d4 low, clanes_d4 high) {
    clanes_f4 a = __builtin_convertvector(low, clanes_f4);
    clanes_f4 b = __builtin_convertvector(high, clanes_f4);
    clanes_f8 mixed = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(mixed, mixed, 0, 2, 1, 3, 4, 6, 5, 7);
}

/// 1 in the lanes that are not 0 of either sign, else 0.
CLANES clanes_d4 clanes_live(clanes_d4 v) {
    clanes_l4 one = (clanes_l4)(clanes_d4)1.0;
    return (clanes_d4)((clanes_l4)(v != 0.0) & one);
}

/// `counts`, none of which is below 0, and 1 instead of 0.
CLANES clanes_d4 clanes_at_least_one(clanes_d4 counts) {
    clanes_l4 one = (clanes_l4)(clanes_d4)1.0;
    return (clanes_d4)((clanes_l4)counts | ((clanes_l4)(counts == 0.0) & one));
}

/// Whether a lane of either is 0, of either sign.
CLANES _Bool clanes_have_zero(clanes_f8 v, clanes_f8 w) {
    return __builtin_reduce_or((clanes_i8)(v == 0.0f) | (clanes_i8)(w == 0.0f)) != 0;
}

// Even and odd lanes of two vectors of labels, mixed: quarter by quarter of the result those of the low half of `v`, of
// the low half of `w`, of the high half of `v` and of the high half of `w`.

CLANES clanes_b32 clanes_mixed_evens_b(clanes_b32 v, clanes_b32 w) {
    return __builtin_shufflevector(v, w, 0, 2, 4, 6, 8, 10, 12, 14, 32, 34, 36, 38, 40, 42, 44, 46, 16, 18, 20, 22, 24,
                                   26, 28, 30, 48, 50, 52, 54, 56, 58, 60, 62);
}

CLANES clanes_b32 clanes_mixed_odds_b(clanes_b32 v, clanes_b32 w) {
    return __builtin_shufflevector(v, w, 1, 3, 5, 7, 9, 11, 13, 15, 33, 35, 37, 39, 41, 43, 45, 47, 17, 19, 21, 23, 25,
                                   27, 29, 31, 49, 51, 53, 55, 57, 59, 61, 63);
}

CLANES clanes_h16 clanes_mixed_evens_h(clanes_h16 v, clanes_h16 w) {
    return __builtin_shufflevector(v, w, 0, 2, 4, 6, 16, 18, 20, 22, 8, 10, 12, 14, 24, 26, 28, 30);
}

CLANES clanes_h16 clanes_mixed_odds_h(clanes_h16 v, clanes_h16 w) {
    return __builtin_shufflevector(v, w, 1, 3, 5, 7, 17, 19, 21, 23, 9, 11, 13, 15, 25, 27, 29, 31);
}

CLANES clanes_i8 clanes_mixed_evens_i(clanes_i8 v, clanes_i8 w) {
    return __builtin_shufflevector(v, w, 0, 2, 8, 10, 4, 6, 12, 14);
}

CLANES clanes_i8 clanes_mixed_odds_i(clanes_i8 v, clanes_i8 w) {
    return __builtin_shufflevector(v, w, 1, 3, 9, 11, 5, 7, 13, 15);
}

CLANES clanes_l4 clanes_mixed_evens_l(clanes_l4 v, clanes_l4 w) { return __builtin_shufflevector(v, w, 0, 4, 2, 6); }

CLANES clanes_l4 clanes_mixed_odds_l(clanes_l4 v, clanes_l4 w) { return __builtin_shufflevector(v, w, 1, 5, 3, 7); }

/// What was mixed of labels of any width, in order.
CLANES clanes_l4 clanes_unmixed_labels(clanes_l4 v) { return __builtin_shufflevector(v, v, 0, 2, 1, 3); }

// `label` in the lanes where `x` and `y` are the same, else `v`.

CLANES clanes_b32 clanes_replaced_b(clanes_b32 v, clanes_b32 label, clanes_b32 x, clanes_b32 y) {
    clanes_b32 same = (clanes_b32)(x == y);
    return (label & same) | (v & ~same);
}

CLANES clanes_h16 clanes_replaced_h(clanes_h16 v, clanes_h16 label, clanes_h16 x, clanes_h16 y) {
    clanes_h16 same = x == y;
    return (label & same) | (v & ~same);
}

CLANES clanes_i8 clanes_replaced_i(clanes_i8 v, clanes_i8 label, clanes_i8 x, clanes_i8 y) {
    clanes_i8 same = x == y;
    return (label & same) | (v & ~same);
}

CLANES clanes_l4 clanes_replaced_l(clanes_l4 v, clanes_l4 label, clanes_l4 x, clanes_l4 y) {
    clanes_l4 same = x == y;
    return (label & same) | (v & ~same);
}
