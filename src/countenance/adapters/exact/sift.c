/* The compact engine's scan: 4-bit codes tell which rows are worth a look at their int8 codes.

   Rows stand in groups of 32. A group holds, for each pair of code books, 32 bytes: byte i is row i's code in the first
   book (low half) and in the second (high half). A probe brings one table a book: 16 numbers of 6 bits. A row's sum of
   table entries stands for its score; rows whose sum reaches `least` are judged from their int8 codes, as scan() does.

   The tables fit a register, so that one instruction looks 32 entries up: André, Kermarrec, Le Scouarnec, VLDB 2015.
   Four entries of 6 bits fit a byte, so that sums are widened once in four. */

#include <stddef.h>

#include "scan.h"

#define GROUP 32
#define WORDS 16  /* of a code book */
#define COLUMNS 4 /* of a row, that a code book covers */
#define AHEAD 64 /* rows that are being fetched from memory while others are judged */

typedef struct {
    const piece *p;
    int64_t row;
} place;

typedef struct {
    place places[AHEAD];
    int32_t count;
} waiting;

static void sums_plain(const uint8_t *codes, const uint8_t *tables, int64_t pairs, int16_t *sums) {
    memset(sums, 0, GROUP * sizeof *sums);
    for (int64_t j = 0; j < pairs; j++, tables += 32) {
        for (int64_t i = 0; i < GROUP; i++, codes++) sums[i] += tables[*codes & 15] + tables[16 + (*codes >> 4)];
    }
}

/* The first group from `at` on with a row whose sum reaches `least`, and which of its rows do, one bit a row. */
static int64_t seek_plain(const uint8_t *codes, int64_t at, int64_t groups, const uint8_t *tables, int64_t pairs,
                          int32_t least, uint32_t *rows) {
    int16_t sums[GROUP];
    for (*rows = 0; at < groups; at++) {
        sums_plain(codes + at * GROUP * pairs, tables, pairs, sums);
        for (int i = 0; i < GROUP; i++) *rows |= (uint32_t)(sums[i] >= least) << i;
        if (*rows) break;
    }
    return at;
}

static int nearest_plain(const float *row, const float *book) {
    int best = 0;
    float most = -INFINITY;
    for (int word = 0; word < WORDS; word++) {
        float value = book[word];
        for (int k = 0; k < COLUMNS; k++) value += row[k] * book[WORDS * (1 + k) + word];
        if (value > most) most = value, best = word;
    }
    return best;
}

#ifdef AVX2

AVX2 static inline __m256i table(const uint8_t *entries) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)entries));
}

/* The entries of a pair of books, added. */
AVX2 static inline __m256i entries(const uint8_t *codes, const uint8_t *tables) {
    const __m256i low = _mm256_set1_epi8(15);
    __m256i both = _mm256_loadu_si256((const __m256i *)codes);
    __m256i first = _mm256_shuffle_epi8(table(tables), _mm256_and_si256(both, low));
    __m256i second = _mm256_shuffle_epi8(table(tables + 16), _mm256_and_si256(_mm256_srli_epi16(both, 4), low));
    return _mm256_add_epi8(first, second);
}

/* Sums of 32 rows: even rows', and odd ones'. */
AVX2 __attribute__((always_inline)) static inline void sums_fast(const uint8_t *codes, const uint8_t *tables, int64_t pairs, __m256i *even,
                                  __m256i *odd) {
    __m256i all = _mm256_setzero_si256(), high = all;
#pragma GCC unroll 8
    for (int64_t j = 0; j < pairs; j += 2) {
        __m256i four = _mm256_add_epi8(entries(codes + 32 * j, tables + 32 * j),
                                       entries(codes + 32 * j + 32, tables + 32 * j + 32));
        all = _mm256_add_epi16(all, four);
        high = _mm256_add_epi16(high, _mm256_srli_epi16(four, 8));
    }
    *odd = high;
    *even = _mm256_sub_epi16(all, _mm256_slli_epi16(high, 8));
}

AVX2 static void stored_sums_fast(const uint8_t *codes, const uint8_t *tables, int64_t pairs, int16_t *sums) {
    __m256i even, odd;
    sums_fast(codes, tables, pairs, &even, &odd);
    __m256i low = _mm256_unpacklo_epi16(even, odd), top = _mm256_unpackhi_epi16(even, odd);
    _mm256_storeu_si256((__m256i *)sums, _mm256_permute2x128_si256(low, top, 0x20));
    _mm256_storeu_si256((__m256i *)(sums + 16), _mm256_permute2x128_si256(low, top, 0x31));
}

AVX2 __attribute__((always_inline)) static inline int64_t seek_of(const uint8_t *codes, int64_t at, int64_t groups, const uint8_t *tables,
                                   int64_t pairs, int32_t least, uint32_t *rows) {
    const __m256i limit = _mm256_set1_epi16((int16_t)(least - 1)), odd_bytes = _mm256_set1_epi16((int16_t)0xff00);
    for (*rows = 0; at < groups; at++) {
        __m256i even, odd;
        sums_fast(codes + at * GROUP * pairs, tables, pairs, &even, &odd);
        even = _mm256_cmpgt_epi16(even, limit);
        odd = _mm256_cmpgt_epi16(odd, limit);
        *rows = (uint32_t)_mm256_movemask_epi8(_mm256_blendv_epi8(even, odd, odd_bytes));
        if (*rows) break;
    }
    return at;
}

AVX2 static int64_t seek_fast(const uint8_t *codes, int64_t at, int64_t groups, const uint8_t *tables, int64_t pairs,
                              int32_t least, uint32_t *rows) {
    /* 16 pairs are the default model's, unrolled by the compiler */
    return pairs == 16 ? seek_of(codes, at, groups, tables, 16, least, rows)
                       : seek_of(codes, at, groups, tables, pairs, least, rows);
}

AVX2 static int32_t dot_fast(const int8_t *row, const int16_t *probe, int64_t dim) {
    __m256i sum = _mm256_setzero_si256();
    for (int64_t i = 0; i < dim; i += 16) {
        __m256i wide = _mm256_loadu_si256((const __m256i *)(probe + i));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(widened(row + i), wide));
    }
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

AVX2 static int nearest_fast(const float *row, const float *book) {
    __m256 first = _mm256_loadu_ps(book), second = _mm256_loadu_ps(book + 8);
    for (int k = 0; k < COLUMNS; k++) {
        __m256 value = _mm256_broadcast_ss(row + k);
        first = _mm256_fmadd_ps(value, _mm256_loadu_ps(book + 16 + 16 * k), first);
        second = _mm256_fmadd_ps(value, _mm256_loadu_ps(book + 24 + 16 * k), second);
    }
    __m256 most = _mm256_max_ps(first, second);
    most = _mm256_max_ps(most, _mm256_permute2f128_ps(most, most, 1));
    most = _mm256_max_ps(most, _mm256_shuffle_ps(most, most, 0x4e));
    most = _mm256_max_ps(most, _mm256_shuffle_ps(most, most, 0xb1));
    int low = _mm256_movemask_ps(_mm256_cmp_ps(first, most, _CMP_EQ_OQ));
    int top = _mm256_movemask_ps(_mm256_cmp_ps(second, most, _CMP_EQ_OQ));
    return __builtin_ctz(low | top << 8 | 1 << 15);
}
#else
#define nearest_fast nearest_plain
#define stored_sums_fast sums_plain
#define seek_fast seek_plain
#define dot_fast dot_plain
#endif

static void judge_waiting(waiting *w, int64_t dim, search *s, int32_t level) {
    for (int32_t i = 0; i < w->count; i++) {
        const piece *p = w->places[i].p;
        int64_t row = w->places[i].row;
        const int8_t *codes = p->codes + row * dim;
        judge(s, p->first + row, level > 0 ? dot_fast(codes, s->codes, dim) : dot_plain(codes, s->codes, dim),
              p->terms[row]);
    }
    s->sifted += w->count;
    w->count = 0;
}

static void fetch(const piece *p, int64_t row, int64_t dim, waiting *w) {
    for (int64_t i = 0; i < dim; i += 64) __builtin_prefetch(p->codes + row * dim + i);
    __builtin_prefetch(p->terms + row);
    w->places[w->count++] = (place){p, row};
}

/* Count the sums of every `stride`-th group; counts has room for any sum. */
void tally(const piece *pieces, int64_t count, int64_t dim, const uint8_t *tables, int64_t stride, int32_t level,
           int64_t *counts) {
    void (*stored)(const uint8_t *, const uint8_t *, int64_t, int16_t *) = level > 0 ? stored_sums_fast : sums_plain;
    int64_t pairs = dim / 8, at = 0;
    int16_t sums[GROUP];
    for (const piece *p = pieces; p < pieces + count; p++) {
        int64_t groups = (p->n + GROUP - 1) / GROUP;
        for (; at < groups; at += stride) {
            stored(p->small + at * GROUP * pairs, tables, pairs, sums);
            for (int64_t i = 0; i < GROUP && at * GROUP + i < p->n; i++) counts[sums[i]]++;
        }
        at -= groups;
    }
}

/* Judge the rows whose sum reaches `least`, from group `at` of piece `from` on, with one probe.

   Stops and goes on as scan() does. Returns 1 when all pieces are done, else 0. */
int32_t sift(const piece *pieces, int64_t count, int64_t dim, search *s, const uint8_t *tables, int32_t least,
             int32_t level, int64_t *from, int64_t *at) {
    int64_t (*seek)(const uint8_t *, int64_t, int64_t, const uint8_t *, int64_t, int32_t, uint32_t *) =
        level > 0 ? seek_fast : seek_plain;
    waiting w = {.count = 0};
    for (; *from < count; ++*from, *at = 0) {
        const piece *p = pieces + *from;
        int64_t groups = (p->n + GROUP - 1) / GROUP;
        uint32_t rows;
        for (;; ++*at) {
            if (w.count + GROUP > AHEAD) judge_waiting(&w, dim, s, level);
            if (s->count + AHEAD > s->capacity) {
                judge_waiting(&w, dim, s, level);
                return 0;
            }
            *at = seek(p->small, *at, groups, tables, dim / 8, least, &rows);
            if (*at >= groups) break;
            for (; rows; rows &= rows - 1) {
                int64_t row = *at * GROUP + __builtin_ctz(rows);
                if (row < p->n) fetch(p, row, dim, &w);
            }
        }
    }
    judge_waiting(&w, dim, s, level);
    return 1;
}

/* Give rows the codes of the nearest words: two books a byte, dim / 8 bytes a row.

   A book is 5 x 16 numbers: less half of each word's square, then the words' first columns, second columns ... */
void encode(const float *rows, int64_t n, int64_t dim, const float *books, int32_t level, uint8_t *codes) {
    int (*nearest)(const float *, const float *) = level > 0 ? nearest_fast : nearest_plain;
    for (int64_t i = 0; i < n; i++, rows += dim) {
        for (int64_t j = 0; j < dim / 8; j++) {
            const float *book = books + 2 * j * (1 + COLUMNS) * WORDS;
            int first = nearest(rows + 8 * j, book), second = nearest(rows + 8 * j + COLUMNS, book + (1 + COLUMNS) * WORDS);
            *codes++ = (uint8_t)(first | second << 4);
        }
    }
}
