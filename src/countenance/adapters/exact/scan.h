/* What the scan and the sift share: rows, a search, and the judgement of one row. */

#ifndef COUNTENANCE_SCAN_H
#define COUNTENANCE_SCAN_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Raised with each change to what Python and C hand each other: see kernel.py. */
#define LAYOUT 2

#define TILE 8
#define MAX_DIM 2048

typedef struct {
    const int8_t *codes;   /* n rows of dim codes */
    const uint32_t *terms; /* n words: scale and residual, the upper halves of float32 numbers */
    int64_t n;
    int64_t first; /* number of the first row among all pieces */
    const uint8_t *small; /* 4-bit codes, see sift.c; NULL where there are none */
} piece;

typedef struct {
    const int16_t *codes;
    float step;
    float norm;
    float slack;
    float floor;      /* rows whose upper bound is below it are left */
    int32_t depth;    /* how many lower bounds make a cut */
    int32_t held;     /* lower bounds in the heap */
    float *heap;      /* room for depth; the least is first */
    float cut;        /* the highest cut that a row was left for */
    float left;       /* the largest upper bound of a row that was left */
    int64_t capacity; /* of what follows */
    int64_t count;
    int64_t *rows;
    int32_t *dots;
    uint32_t *row_terms;
    int64_t sifted; /* rows that sift() looked at closely */
} search;

static inline float high(uint32_t word) {
    float value;
    word &= 0xffff0000u;
    memcpy(&value, &word, sizeof value);
    return value;
}

static inline void push(search *s, float bound) {
    float *heap = s->heap;
    int32_t at, child;
    if (s->held < s->depth) {
        for (at = s->held++; at > 0 && heap[(at - 1) / 2] > bound; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
        heap[at] = bound;
    } else if (bound > heap[0]) {
        for (at = 0; (child = 2 * at + 1) < s->held; at = child) {
            if (child + 1 < s->held && heap[child + 1] < heap[child]) child++;
            if (heap[child] >= bound) break;
            heap[at] = heap[child];
        }
        heap[at] = bound;
    }
}

/* Scores are clipped to [-1, 1], so that a cut at -1 leaves nobody. */
static inline float cut_of(const search *s) {
    float cut = s->floor;
    if (s->held == s->depth && s->heap[0] > cut) cut = s->heap[0];
    return cut <= -1.0f ? -INFINITY : cut;
}

static inline void keep(search *s, int64_t row, int32_t dot, uint32_t terms, float centre, float width) {
    float lower = centre - width;
    s->rows[s->count] = row;
    s->row_terms[s->count] = terms;
    s->dots[s->count++] = dot;
    push(s, lower > 1.0f ? 1.0f : lower);
    s->cut = cut_of(s);
}

static inline void judge(search *s, int64_t row, int32_t dot, uint32_t terms) {
    float centre = (float)dot * (high(terms) * s->step);
    float width = high(terms << 16) * s->norm + s->slack;
    if (centre + width >= s->cut) {
        keep(s, row, dot, terms, centre, width);
    } else if (centre + width > s->left) {
        s->left = centre + width;
    }
}

static inline int32_t dot_plain(const int8_t *row, const int16_t *probe, int64_t dim) {
    int32_t sum = 0;
    for (int64_t i = 0; i < dim; i++) sum += (int32_t)row[i] * probe[i];
    return sum;
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,fma")))

AVX2 static inline __m256i widened(const int8_t *codes) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)codes));
}

#endif

#endif
