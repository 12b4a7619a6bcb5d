#include "walker.h"

#define FIN 0x80u
#define RESERVED 0x70u
#define OPCODE 0x0fu
#define CONTINUATION 0x0u
#define TEXT 0x1u
#define BINARY 0x2u
#define PING 0x9u
#define PONG 0xau
#define CONTROL_LIMIT 125u /* RFC 6455 section 5.5 */

enum sight { WHOLE, PARTIAL, STRANGE };

struct header {
    size_t size;
    uint64_t length;
    bool control;
    bool final;
};

/* RFC 6455 sections 5.2, 5.4, 5.5: whether a frame that begins with this byte may stand here. */
static bool allowed(const struct walker *walker, uint8_t first, struct header *header) {
    unsigned opcode = first & OPCODE;
    unsigned reserved = first & RESERVED;
    header->final = (first & FIN) != 0;
    header->control = opcode == PING || opcode == PONG;
    if (header->control)
        return header->final && !reserved;
    if (opcode == CONTINUATION)
        return walker->fragmented && !reserved;
    return (opcode == TEXT || opcode == BINARY) && !walker->fragmented && !(reserved & ~(unsigned)walker->reserved);
}

static uint64_t big_endian(const uint8_t *digits, size_t count) {
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number << 8 | digits[i];
    return number;
}

/* A length has to be in its shortest form, and below 2^63 (RFC 6455 section 5.2). */
static bool shortest(uint64_t length, size_t digits) {
    return digits == 2 ? length > CONTROL_LIMIT : length > UINT16_MAX && !(length >> 63);
}

static bool within_limits(const struct walker *walker, uint64_t length) {
    if (walker->max_frame && length > walker->max_frame)
        return false;
    /* What was let pass of the message is within the limit, so that nothing overflows here. */
    return !walker->max_message || length <= walker->max_message - walker->message;
}

static enum sight read_header(const struct walker *walker, const uint8_t *data, size_t size, struct header *header) {
    if (size < 2)
        return PARTIAL;
    unsigned length = data[1] ^ (unsigned)walker->masked;
    if (!allowed(walker, data[0], header) || length > 127)
        return STRANGE;
    size_t digits = length <= CONTROL_LIMIT ? 0 : length == 126 ? 2 : 8;
    header->length = length;
    if (digits) {
        if (header->control)
            return STRANGE;
        if (size < 2 + digits)
            return PARTIAL;
        header->length = big_endian(data + 2, digits);
        if (!shortest(header->length, digits))
            return STRANGE;
    }
    if (!header->control && !within_limits(walker, header->length))
        return STRANGE;
    header->size = 2 + digits + (walker->masked ? 4 : 0);
    return size < header->size ? PARTIAL : WHOLE;
}

/* The counters are read by other threads at any time. */
static void count(uint64_t *counter) {
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static void enter(struct walker *walker, const struct header *header) {
    count(&walker->frames);
    if (header->control)
        return;
    walker->fragmented = !header->final;
    walker->message = header->final ? 0 : walker->message + header->length;
    if (header->final)
        count(&walker->messages);
}

struct walked walk(struct walker *walker, const uint8_t *data, size_t size) {
    struct walked walked = {.passed = size, .message_end = NOWHERE, .stopped = false};
    if (walker->left > size) {
        walker->left -= size;
        return walked;
    }
    size_t position = (size_t)walker->left;
    walker->left = 0;
    for (;;) {
        /* The edge of a frame. */
        if (!walker->fragmented)
            walked.message_end = position;
        struct header header;
        enum sight sight = read_header(walker, data + position, size - position, &header);
        if (sight != WHOLE) {
            walked.passed = position;
            walked.stopped = sight == STRANGE;
            return walked;
        }
        enter(walker, &header);
        position += header.size;
        if (header.length > size - position) {
            walker->left = header.length - (size - position);
            return walked;
        }
        position += (size_t)header.length;
    }
}
