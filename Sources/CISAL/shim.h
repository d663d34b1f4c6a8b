// SPDX-License-Identifier: Apache-2.0
// The structures of ISA-L hold arrays of thousands of entries, which Swift would take as tuples:
// they stay behind these functions.
#pragma once
#include <isa-l.h>
#include <stdlib.h>

/// What one call of `pyr_isal_inflate` did.
struct pyr_isal_progress {
    /// ISA-L's return value: negative for invalid data.
    int code;
    uint32_t consumed;
    uint32_t produced;
    /// Non-zero when the final block has ended and all of it was given out.
    int finished;
};

/// A raw deflate stream to be read; NULL when there is no memory.
static inline struct inflate_state *pyr_isal_inflate_create(void)
{
    struct inflate_state *state = malloc(sizeof *state);
    if (state != NULL) {
        isal_inflate_init(state);
        state->crc_flag = ISAL_DEFLATE;
    }
    return state;
}

static inline void pyr_isal_inflate_reset(struct inflate_state *state)
{
    isal_inflate_reset(state);
    state->crc_flag = ISAL_DEFLATE;
}

static inline void pyr_isal_inflate_destroy(struct inflate_state *state) { free(state); }

static inline struct pyr_isal_progress pyr_isal_inflate(struct inflate_state *state, const uint8_t *input,
                                                        uint32_t input_count, uint8_t *output,
                                                        uint32_t output_count)
{
    struct pyr_isal_progress progress;
    state->next_in = (uint8_t *)input;
    state->avail_in = input_count;
    state->next_out = output;
    state->avail_out = output_count;
    progress.code = isal_inflate(state);
    progress.consumed = input_count - state->avail_in;
    progress.produced = output_count - state->avail_out;
    progress.finished = state->block_state == ISAL_BLOCK_FINISH;
    return progress;
}

/// Moves the whole bytes that ISA-L read behind the end of the stream to `bytes`, which has room for 8;
/// returns how many.
static inline uint32_t pyr_isal_inflate_unread(struct inflate_state *state, uint8_t *bytes)
{
    uint32_t bits = state->read_in_length > 0 ? (uint32_t)state->read_in_length : 0;
    uint64_t rest = state->read_in >> (bits % 8);
    uint32_t count = bits / 8 < 8 ? bits / 8 : 8;
    for (uint32_t index = 0; index < count; index++)
        bytes[index] = (uint8_t)(rest >> (8 * index));
    state->read_in = 0;
    state->read_in_length = 0;
    return count;
}

/// Compresses one buffer at level 1 as raw deflate, with no look back; unless `is_last`, ends byte-aligned
/// and without a final block. Returns the bytes written, or 0 when `output` is too small or there is no memory.
static inline uint32_t pyr_isal_deflate(const uint8_t *input, uint32_t input_count, uint8_t *output,
                                        uint32_t output_count, int is_last)
{
    struct isal_zstream *stream = malloc(sizeof *stream);
    uint8_t *level = malloc(ISAL_DEF_LVL1_DEFAULT);
    uint32_t written = 0;
    if (stream != NULL && level != NULL) {
        isal_deflate_stateless_init(stream);
        // Left unset by `isal_deflate_stateless_init`; 1 to 14 from old memory would mean a window of so few bits.
        stream->hist_bits = 0;
        stream->level = 1;
        stream->level_buf = level;
        stream->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
        stream->gzip_flag = IGZIP_DEFLATE;
        stream->flush = is_last ? NO_FLUSH : FULL_FLUSH;
        stream->end_of_stream = is_last ? 1 : 0;
        stream->next_in = (uint8_t *)input;
        stream->avail_in = input_count;
        stream->next_out = output;
        stream->avail_out = output_count;
        if (isal_deflate_stateless(stream) == COMP_OK && stream->avail_in == 0)
            written = output_count - stream->avail_out;
    }
    free(level);
    free(stream);
    return written;
}
