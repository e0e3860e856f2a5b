/* The exact engine's scan: integer dot products of int8 rows with int16 probes, and which rows can reach the cut.

   A row y is stored as codes c (int8), a scale s and a residual bound r >= |y - s c|; a probe x as codes q (int16), a
   step P and a norm bound. The score x.y lies within `width` of `centre = P s (q.c)`, where width = norm r + slack:
   see bounds.py, which states the proof. The dot products are exact integers, the same on every machine; float32 is
   used only to tell which rows are worth a closer look, and its rounding is inside the slack.

   Plain C with a path for AVX2, chosen when the library is loaded. No Python headers: called through ctypes, which lets
   other threads run meanwhile. */

#include "scan.h"

static void plain(const piece *p, int64_t at, int64_t count, int64_t dim, search *s) {
    for (int64_t i = at; i < at + count; i++) {
        judge(s, p->first + i, dot_plain(p->codes + i * dim, s->codes, dim), p->terms[i]);
    }
}

#ifdef AVX2
/* Eight sums of eight int32 each, as one vector. */
AVX2 static inline __m256i sums(const __m256i *a) {
    __m256i low = _mm256_hadd_epi32(_mm256_hadd_epi32(a[0], a[1]), _mm256_hadd_epi32(a[2], a[3]));
    __m256i top = _mm256_hadd_epi32(_mm256_hadd_epi32(a[4], a[5]), _mm256_hadd_epi32(a[6], a[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(low, top, 0x20), _mm256_permute2x128_si256(low, top, 0x31));
}

/* Judge a tile of eight rows at once; only one in thousands has a row that is kept. */
AVX2 static inline void judge_tile(const piece *p, int64_t at, __m256i dots, search *s) {
    __m256i terms = _mm256_loadu_si256((const __m256i *)(p->terms + at));
    __m256 scale = _mm256_castsi256_ps(_mm256_and_si256(terms, _mm256_set1_epi32((int)0xffff0000u)));
    __m256 residual = _mm256_castsi256_ps(_mm256_slli_epi32(terms, 16));
    __m256 centre = _mm256_mul_ps(_mm256_cvtepi32_ps(dots), _mm256_mul_ps(scale, _mm256_set1_ps(s->step)));
    __m256 width = _mm256_add_ps(_mm256_mul_ps(residual, _mm256_set1_ps(s->norm)), _mm256_set1_ps(s->slack));
    __m256 upper = _mm256_add_ps(centre, width);
    if (_mm256_movemask_ps(_mm256_cmp_ps(upper, _mm256_set1_ps(s->cut), _CMP_GE_OQ))) {
        int32_t each[TILE];
        _mm256_storeu_si256((__m256i *)each, dots);
        for (int64_t i = 0; i < TILE; i++) judge(s, p->first + at + i, each[i], p->terms[at + i]);
        return;
    }
    __m128 most = _mm_max_ps(_mm256_castps256_ps128(upper), _mm256_extractf128_ps(upper, 1));
    most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    most = _mm_max_ss(most, _mm_shuffle_ps(most, most, 1));
    if (_mm_cvtss_f32(most) > s->left) s->left = _mm_cvtss_f32(most);
}

/* One probe: rows are widened as they are read. */
AVX2 static inline void tile_alone(const piece *p, int64_t at, int64_t dim, search *s) {
    const int8_t *rows = p->codes + at * dim;
    __m256i sum[TILE];
    for (int r = 0; r < TILE; r++) {
        sum[r] = _mm256_setzero_si256();
#pragma GCC unroll 8
        for (int64_t i = 0; i < dim; i += 16) {
            __m256i probe = _mm256_loadu_si256((const __m256i *)(s->codes + i));
            sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(widened(rows + r * dim + i), probe));
        }
    }
    judge_tile(p, at, sums(sum), s);
}

/* Several probes: rows are read and widened once. */
AVX2 static void tile_shared(const piece *p, int64_t at, int64_t dim, search *s, int32_t probes) {
    __m256i wide[TILE * MAX_DIM / 16];
    int64_t words = dim / 16;
    for (int64_t i = 0; i < TILE * words; i++) wide[i] = widened(p->codes + at * dim + 16 * i);
    for (int32_t q = 0; q < probes; q++) {
        const __m256i *probe = (const __m256i *)s[q].codes;
        __m256i sum[TILE];
        for (int r = 0; r < TILE; r++) {
            sum[r] = _mm256_setzero_si256();
            for (int64_t i = 0; i < words; i++) {
                sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(wide[r * words + i], _mm256_loadu_si256(probe + i)));
            }
        }
        judge_tile(p, at, sums(sum), s + q);
    }
}

AVX2 static void fast(const piece *p, int64_t at, int64_t dim, search *s, int32_t probes) {
    if (probes > 1) {
        tile_shared(p, at, dim, s, probes);
    } else if (dim == 128) { /* the dimensions that models have, unrolled by the compiler */
        tile_alone(p, at, 128, s);
    } else if (dim == 512) {
        tile_alone(p, at, 512, s);
    } else {
        tile_alone(p, at, dim, s);
    }
}

int32_t scan_level(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1 : 0; }
#else
static void fast(const piece *p, int64_t at, int64_t dim, search *s, int32_t probes) {
    for (int32_t q = 0; q < probes; q++) plain(p, at, TILE, dim, s + q);
}

int32_t scan_level(void) { return 0; }
#endif

int32_t scan_layout(void) { return LAYOUT; }

static int has_room(const search *s, int32_t probes) {
    for (int32_t q = 0; q < probes; q++) {
        if (s[q].count + TILE > s[q].capacity) return 0;
    }
    return 1;
}

/* Scan pieces from row `at` of piece `from` on, with one or several probes.

   dim is a multiple of 16 up to MAX_DIM; level is 0 or what scan_level() says. Where a probe's room for kept rows runs
   out, the scan stops before the next row: *from and *at say where, and the same call goes on there once there is more
   room. Returns 1 when all pieces are done, else 0. */
int32_t scan(const piece *pieces, int64_t count, int64_t dim, search *s, int32_t probes, int32_t level, int64_t *from,
             int64_t *at) {
    for (; *from < count; ++*from, *at = 0) {
        const piece *p = pieces + *from;
        while (*at < p->n) {
            int64_t rows = p->n - *at < TILE ? p->n - *at : TILE;
            if (!has_room(s, probes)) return 0;
            if (level > 0 && rows == TILE) {
                fast(p, *at, dim, s, probes);
            } else {
                for (int32_t q = 0; q < probes; q++) plain(p, *at, rows, dim, s + q);
            }
            *at += rows;
        }
    }
    return 1;
}
